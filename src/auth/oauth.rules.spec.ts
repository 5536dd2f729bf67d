import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isEmail } from 'class-validator';
import {
  browserCookie,
  browserOf,
  cookieName,
  nameFor,
  primaryAddress,
  type Profile,
  profileOf as profileOfAny,
  provenAt,
  provesChallenge,
  returnUrl,
  secretsOf,
  verdictOn,
} from './oauth.rules.js';

const proven = { email: 'ada@example.org', emailVerified: true };
const unproven = { ...proven, emailVerified: false };
const account = (emailVerifiedAt: Date | null, status = 'active') => ({ emailVerifiedAt, status });
const acme = { id: 'acme', trustEmail: true };
const profileOf = (provider: typeof acme, said: Parameters<typeof profileOfAny>[1]): Profile | null =>
  profileOfAny(provider, said, (text) => isEmail(text));
const issuer = 'https://acme.example';

describe('when somebody from elsewhere has proven who they are', () => {
  const now = new Date('2026-11-30T08:00:00Z');
  const seconds = now.getTime() / 1_000;

  it.each<[string, number | undefined, Date]>([
    ['as the provider says', seconds - 3_600, new Date('2026-11-30T07:00:00Z')],
    ['never later than now', seconds + 3_600, now],
    ['at some time that can be told', -1e300, new Date(0)],
    ['now, where the provider does not say', undefined, now],
  ])('is %s', (_rule, provenAtSeconds, at) => {
    expect(provenAt(provenAtSeconds === undefined ? {} : { provenAtSeconds }, now)).toEqual(at);
  });
});

describe('what a first sign-in comes to', () => {
  it.each([
    ['link', proven, account(new Date())],
    ['create', proven, null],
    ['create', unproven, null],
    ['refuse-unproven', proven, account(null)],
    ['refuse-taken', unproven, account(new Date())],
    ['refuse-taken', unproven, account(null)],
    ['refuse-suspended', proven, account(new Date(), 'suspended')],
    ['refuse-nameless', { email: null, emailVerified: false }, null],
  ] as const)('is %s', (verdict, profile, known) => {
    expect(verdictOn(profile, known, 'optional')).toBe(verdict);
  });

  it('tells nothing of accounts to who has proven no address, where addresses must be proven', () => {
    for (const known of [null, account(null), account(new Date()), account(new Date(), 'suspended')])
      expect(verdictOn(unproven, known, 'required')).toBe('refuse-nameless');
  });
});

describe('what a provider says of somebody', () => {
  it('is taken in our form', () => {
    const said = { issuer, subject: 's', email: ' ADA@Example.org ', emailVerified: 'true', name: 'Ada\r\nBcc: x\u200b  Lovelace ' };
    expect(profileOf(acme, said)).toEqual({
      provider: 'acme',
      issuer,
      subject: 's',
      email: 'ada@example.org',
      emailVerified: true,
      name: 'Ada Bcc: x Lovelace',
    });
  });

  it('counts as unproven where the operator does not trust it, or there is no address', () => {
    expect(profileOf({ ...acme, trustEmail: false }, { issuer, subject: 's', ...proven })!.emailVerified).toBe(false);
    expect(profileOf(acme, { issuer, subject: 's', email: 'ada', emailVerified: true })).toMatchObject({
      email: null,
      emailVerified: false,
    });
  });

  it.each([undefined, 7, '', 'x'.repeat(256), 'a\0', '\ud800'])('is nobody without a subject: %j', (subject) => {
    expect(profileOf(acme, { issuer, subject })).toBeNull();
  });

  it('gives a name to everybody', () => {
    const profile = profileOf(acme, { issuer, subject: 's', email: 'ada@example.org', name: ' \n' })!;
    expect(nameFor(profile)).toBe('ada');
    expect([...nameFor({ ...profile, name: profileOf(acme, { issuer, subject: 's', name: '🌊'.repeat(300) })!.name })]).toHaveLength(100);
  });

  it.each([[null], [{}], [[]], [[null, 'x', { email: 'a@example.org' }]]])('holds no primary address: %j', (list) => {
    expect(primaryAddress(list)).toEqual({});
  });
});

describe('secrets of a sign-in', () => {
  it('follow from state and key, and from nothing else', () => {
    const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    expect(secretsOf(one, 'a')).toEqual(secretsOf(one, 'a'));
    const all = [secretsOf(one, 'a'), secretsOf(one, 'b'), secretsOf(other, 'a')].flatMap(Object.values);
    expect(new Set(all).size).toBe(6);
    for (const secret of all) expect(secret).toMatch(/^[\w-]{43}$/);
  });

  it('prove a challenge as RFC 7636 (appendix B) does', () => {
    const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
    expect(provesChallenge(verifier, 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')).toBe(true);
    expect(provesChallenge(verifier, verifier)).toBe(false);
    expect(provesChallenge(`${verifier}x`, 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')).toBe(false);
    expect(provesChallenge(verifier, '')).toBe(false);
  });
});

describe('the way back', () => {
  it.each([
    ['https://app.example.com/in', 'https://app.example.com/in?code=c'],
    ['https://app.example.com/in?a=b&code=x', 'https://app.example.com/in?a=b&code=c'],
    ['com.example.app:/in', 'com.example.app:/in?code=c'],
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000/?code=c'],
  ])('adds the code to %s', (returnTo, url) => {
    expect(returnUrl(returnTo, { code: 'c' })).toBe(url);
  });
});

describe('the cookie of the browser', () => {
  const value = createHash('sha256').update('x').digest('base64url');

  it('has the __Host- prefix with all it asks for where there is TLS', () => {
    expect(browserCookie('https://api.example.org', value, 600)).toBe(
      `__Host-ashlar-oauth=${value}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure`,
    );
    expect(cookieName('http://localhost:3000')).toBe('ashlar-oauth');
  });

  it('is read among others, and not if there are two of it or it is none of ours', () => {
    const read = (header?: string) => browserOf('http://localhost', header);
    expect(read(`a=b; ashlar-oauth=${value};c=d`)).toBe(value);
    for (const header of [undefined, '', 'a=b', 'ashlar-oauth=x', `xashlar-oauth=${value}`, `ashlar-oauth=${value}; ashlar-oauth=${value}`])
      expect(read(header)).toBeNull();
  });
});
