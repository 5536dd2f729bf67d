import { describe, expect, it } from '@jest/globals';
import { challengeIn, relyingPartyOf, userHandleOf } from './passkeys.rules.js';

const ENV = {
  PUBLIC_URL: 'https://api.example.com:8443/shop',
  CORS_ORIGINS: [],
  AUTH_PASSKEYS_RP_ID: undefined,
  AUTH_PASSKEYS_ORIGINS: [],
};
const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('the relying party', () => {
  it('follows from where Ashlar and its browser applications are', () => {
    expect(relyingPartyOf(ENV)).toEqual({ id: 'api.example.com', origins: ['https://api.example.com:8443'] });
    expect(relyingPartyOf({ ...ENV, CORS_ORIGINS: ['https://app.example.com', 'https://api.example.com:8443'] }).origins).toEqual([
      'https://api.example.com:8443',
      'https://app.example.com',
    ]);
  });

  it('is what the settings say', () => {
    const origins = ['https://app.example.com', `android:apk-key-hash:${'A'.repeat(43)}`];
    const settings = { AUTH_PASSKEYS_RP_ID: 'example.com', AUTH_PASSKEYS_ORIGINS: origins, CORS_ORIGINS: ['https://other.example.com'] };
    expect(relyingPartyOf({ ...ENV, ...settings })).toEqual({ id: 'example.com', origins });
  });
});

describe('the challenge in client data', () => {
  it('is what the browser says it answers', () => {
    expect(challengeIn(json({ type: 'webauthn.get', challenge: 'abc' }))).toBe('abc');
  });

  it.each([json({}), json({ challenge: 1 }), json(null), json([]), json('x'), '', 'AAAA'])('is none in %j', (text) => {
    expect(challengeIn(text)).toBeNull();
  });
});

describe('the handle of a user', () => {
  it('is the 16 bytes of their id', () => {
    expect(Buffer.from(userHandleOf('0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49')).toString('hex')).toBe('0199f3a17c1e7b3a9a4e0d6f1c2b3a49');
  });
});
