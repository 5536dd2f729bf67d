import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { readToken, tokenOf } from './preview-links.rules.js';

const [key, former, foreign] = [randomBytes(32), randomBytes(32), randomBytes(32)];
const grant = { linkId: randomUUID(), expires: Date.parse('2026-01-01T12:00:00.123Z') };

describe('the token of a preview link', () => {
  it('says which link it is and when it ends', () => {
    expect(readToken([key], tokenOf(key, grant))).toEqual(grant);
  });

  it('is good under each of our keys, and under no other', () => {
    expect(readToken([key, former], tokenOf(former, grant))).toEqual(grant);
    expect(readToken([key, former], tokenOf(foreign, grant))).toBeNull();
    expect(readToken([], tokenOf(key, grant))).toBeNull();
  });

  it('is no token of ours when one letter is another, or missing, or too many', () => {
    const token = tokenOf(key, grant);
    for (let at = 0; at < token.length; at++) {
      const letter = token[at] === 'A' ? 'B' : 'A';
      const [other, shorter] = [token.slice(0, at) + letter + token.slice(at + 1), token.slice(0, at) + token.slice(at + 1)];
      const read = readToken([key], other);
      // Of 22 letters the last carries two bits that mean nothing.
      if (at !== 21) expect([at, read]).toEqual([at, null]);
      expect(readToken([key], shorter)).toBeNull();
    }
    for (const none of ['', '.', '..', `${token}A`, ` ${token}`, token.toUpperCase()]) expect(readToken([key], none)).toBeNull();
  });
});
