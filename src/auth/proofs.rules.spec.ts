import { describe, expect, it } from '@jest/globals';
import { proofIn } from './proofs.rules.js';

const assertion = {
  id: 'AAAA',
  rawId: 'AAAA',
  type: 'public-key' as const,
  response: { clientDataJSON: 'BBBB', authenticatorData: 'CCCC', signature: 'DDDD', userHandle: null },
};

describe('the proof in a body', () => {
  it('is the one that is there', () => {
    expect(proofIn({ password: 'x' })).toEqual({ kind: 'password', password: 'x' });
    expect(proofIn({ code: '123456' })).toEqual({ kind: 'code', code: '123456' });
    expect(proofIn({ recoveryCode: 'x' })).toEqual({ kind: 'recovery-code', recoveryCode: 'x' });
  });

  it('is what a passkey answered, without what its browser left out', () => {
    const { userHandle: _, ...response } = assertion.response;
    const whole = { ...assertion, authenticatorAttachment: null, clientExtensionResults: { credProps: {} } };
    expect(proofIn(whole)).toEqual({ kind: 'passkey', assertion: { ...assertion, response, clientExtensionResults: {} } });
  });

  it.each([
    ['none', {}],
    ['two', { password: 'x', code: '123456' }],
    ['one and a part of another', { password: 'x', id: 'AAAA' }],
    ['one and a passkey', { ...assertion, code: '123456' }],
    ['a passkey without its answer', { ...assertion, response: undefined }],
    ['only what is not read', { clientExtensionResults: {} }],
  ])('is none where there are %s', (_, body) => {
    expect(proofIn(body)).toBeNull();
  });
});
