import { describe, expect, it } from '@jest/globals';
import { looksLikeApiKey, newApiKey, readApiKey } from './api-key-format.js';

describe('an API key', () => {
  it('is told from other tokens, and from every other key', () => {
    const keys = Array.from({ length: 200 }, newApiKey);
    expect(new Set(keys).size).toBe(200);
    for (const key of keys) {
      expect(key).toMatch(/^ash_[0-9A-Za-z]{49}$/);
      expect(looksLikeApiKey(key)).toBe(true);
      expect(readApiKey(key)).toEqual({ hash: expect.any(Buffer), prefix: key.slice(0, 10) });
    }
    expect(looksLikeApiKey('a.b.c')).toBe(false);
  });

  it('has always the same hash, which tells nothing of it', () => {
    const key = newApiKey();
    expect(readApiKey(key)!.hash).toEqual(readApiKey(key)!.hash);
    expect(readApiKey(key)!.hash).toHaveLength(32);
    expect(key).not.toContain(readApiKey(key)!.hash.toString('hex').slice(0, 8));
  });

  it('that was mistyped is seen without asking anybody, whichever character it is', () => {
    const key = newApiKey();
    for (let at = 4; at < key.length; at++) {
      const other = key[at] === 'a' ? 'b' : 'a';
      expect([at, readApiKey(key.slice(0, at) + other + key.slice(at + 1))]).toEqual([at, null]);
    }
    expect(readApiKey(key.slice(0, 20) + key[21] + key[20] + key.slice(22))).toEqual(key[20] === key[21] ? expect.anything() : null);
  });

  it.each([
    '',
    'ash_',
    'ash_x',
    `ash_${'a'.repeat(49)}`,
    `ASH_${newApiKey().slice(4)}`,
    `${newApiKey()}x`,
    ` ${newApiKey()}`,
    `${newApiKey()}\n`,
  ])('is not %j', (text) => {
    expect(readApiKey(text)).toBeNull();
  });
});
