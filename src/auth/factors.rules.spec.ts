import { describe, expect, it } from '@jest/globals';
import { lacksFactor, newRecoveryCode, newTotpSecret, otpauthUrl, recoveryCodeHash, timeStepOf } from './factors.rules.js';

const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'; // 12345678901234567890, as RFC 6238 has it
const at = (seconds: number) => new Date(seconds * 1_000);

describe('a code of an authenticator app', () => {
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('is that of RFC 6238, appendix B, at %i', (seconds, code) => {
    expect(timeStepOf(SECRET, code, at(seconds))).toBe(Math.floor(seconds / 30));
  });

  it('belongs to its own step, is taken one early or one late, and not two', () => {
    const step = 37_037_037; // whose first second is 1,111,111,110
    const taken = [-60, -31, -30, 0, 29, 30, 59, 60].map((later) => timeStepOf(SECRET, '050471', at(1_111_111_110 + later)));
    expect(taken).toEqual([null, null, step, step, step, step, step, null]);
  });

  it.each(['', '28708', '2870820', 'abcdef', '٢٨٧٠٨٢'])('is not %j', (code) => {
    expect(timeStepOf(SECRET, code, at(59))).toBeNull();
  });
});

describe('the secret of an authenticator app', () => {
  it('has 160 bits, another each time', () => {
    expect(newTotpSecret()).toMatch(/^[A-Z2-7]{32}$/);
    expect(newTotpSecret()).not.toBe(newTotpSecret());
  });

  it('is told to apps with the names of the product and the account, whatever they hold', () => {
    const url = new URL(otpauthUrl(SECRET, { issuer: 'A & B: C', account: 'ada+x@example.com' }));
    expect(decodeURIComponent(url.pathname)).toBe('/A & B: C:ada+x@example.com');
    expect([url.searchParams.get('issuer'), url.searchParams.get('secret')]).toEqual(['A & B: C', SECRET]);
  });
});

describe('a recovery code', () => {
  it('has seven groups of four, without what people confuse', () => {
    const codes = Array.from({ length: 500 }, newRecoveryCode);
    expect(new Set(codes).size).toBe(500);
    for (const code of codes) expect(code).toMatch(/^[^01ilou\s-]{4}(-[^01ilou\s-]{4}){6}$/);
  });

  it('is the same however it is typed, and another one for everybody', () => {
    const hash = recoveryCodeHash('ada', 'k7wq-39fa-x2mn-b8tc');
    for (const typed of ['K7WQ39FAX2MNB8TC', ' k7wq 39fa x2mn b8tc ', 'k7wq-39FA-x2mn-b8tc'])
      expect(recoveryCodeHash('ada', typed)).toEqual(hash);
    expect(recoveryCodeHash('eve', 'k7wq-39fa-x2mn-b8tc')).not.toEqual(hash);
  });
});

describe('a role that requires a second factor', () => {
  it.each([
    [['admin'], false, true],
    [['customer', 'admin'], false, true],
    [['admin'], true, false],
    [['customer'], false, false],
    [[], false, false],
  ])('%j, enabled %s: lacks it %s', (roles, mfaEnabled, lacks) => {
    expect(lacksFactor({ roles, mfaEnabled }, ['admin', 'support'])).toBe(lacks);
    expect(lacksFactor({ roles, mfaEnabled }, [])).toBe(false);
  });
});
