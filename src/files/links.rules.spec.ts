import { describe, expect, it } from '@jest/globals';
import { expiryOf, sign, verdictOn } from './links.rules.js';

const now = new Date('2026-11-30T08:00:00Z');
const seconds = now.getTime() / 1_000;
const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

describe('the end of a link', () => {
  it.each([0, 1, 299, 300, 301, 599, 600])('is half its life away at least and all of it at most, %d seconds on', (later) => {
    const at = new Date(now.getTime() + later * 1_000);
    const left = expiryOf(at, 600) - at.getTime() / 1_000;
    expect(left).toBeGreaterThan(300);
    expect(left).toBeLessThanOrEqual(600);
  });

  it('is the same for links made within one half', () => {
    const start = expiryOf(now, 600);
    expect(expiryOf(new Date(now.getTime() + 299_999), 600)).toBe(start);
    expect(expiryOf(new Date(now.getTime() + 300_000), 600)).toBe(start + 300);
  });

  it('is a whole second for a life of one', () => {
    expect(expiryOf(new Date(now.getTime() + 400), 1)).toBe(seconds + 1);
  });
});

describe('a link', () => {
  const grant = { expires: seconds + 60, signature: sign(key, 'read', 'a-file', seconds + 60) };

  it('is good until its end, by whichever key signed it', () => {
    expect(verdictOn([key], 'read', 'a-file', grant, now)).toBe('good');
    expect(verdictOn([other, key], 'read', 'a-file', grant, now)).toBe('good');
    expect(verdictOn([key], 'read', 'a-file', grant, new Date(now.getTime() + 59_999))).toBe('good');
    expect(verdictOn([key], 'read', 'a-file', grant, new Date(now.getTime() + 60_000))).toBe('expired');
  });

  it.each<[string, Parameters<typeof verdictOn>]>([
    ['another key', [[other], 'read', 'a-file', grant, now]],
    ['no key', [[], 'read', 'a-file', grant, now]],
    ['another purpose', [[key], 'upload', 'a-file', grant, now]],
    ['another file', [[key], 'read', 'another', grant, now]],
    ['a later end', [[key], 'read', 'a-file', { ...grant, expires: grant.expires + 1 }, now]],
    ['a shorter signature', [[key], 'read', 'a-file', { ...grant, signature: grant.signature.slice(1) }, now]],
    ['another signature', [[key], 'read', 'a-file', { ...grant, signature: 'A'.repeat(43) }, now]],
    ['another signature of an ended one', [[key], 'read', 'a-file', { expires: 1, signature: 'A'.repeat(43) }, now]],
  ])('is forged with %s', (_what, args) => {
    expect(verdictOn(...args)).toBe('forged');
  });

  it('is signed for URLs', () => {
    expect(grant.signature).toMatch(/^[\w-]{43}$/);
  });
});
