import { hash, randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { firstToken, readToken, successorOf } from './refresh-tokens.rules.js';

const KEYS = [randomBytes(32)];
const SESSION = randomUUID();

describe('a refresh token', () => {
  it('is recognised by those who made it, with what the database keeps of it', () => {
    const token = firstToken(KEYS, SESSION);
    expect(token.hash.equals(hash('sha256', token.text, 'buffer'))).toBe(true);
    expect(readToken(KEYS, token.text)).toEqual(token);
    expect(token.sessionId).toBe(SESSION);
  });

  it('is never the same for two log-ins', () => {
    expect(firstToken(KEYS, SESSION).text).not.toBe(firstToken(KEYS, SESSION).text);
  });

  it('is nothing to those with other keys', () => {
    expect(readToken([randomBytes(32)], firstToken(KEYS, SESSION).text)).toBeNull();
  });

  it('outlives a change of keys while the old one is still known', () => {
    const token = firstToken(KEYS, SESSION);
    expect(readToken([randomBytes(32), ...KEYS], token.text)).toEqual(token);
  });

  it('is nothing any more when a part of it was changed', () => {
    const [session, secret, mac] = firstToken(KEYS, SESSION).text.split('.') as [string, string, string];
    const other = firstToken(KEYS, SESSION).text.split('.') as [string, string, string];
    for (const text of [`${randomUUID()}.${secret}.${mac}`, `${session}.${other[1]}.${mac}`, `${session}.${secret}.${other[2]}`])
      expect(readToken(KEYS, text)).toBeNull();
  });

  it.each([
    '',
    'x',
    '..',
    `${SESSION}..`,
    `${SESSION}.${'A'.repeat(43)}.${'A'.repeat(21)}`,
    `${SESSION}.${'A'.repeat(43)}.${'A'.repeat(22)}`,
    `${SESSION}.${'A'.repeat(43)}.${'A'.repeat(22)}\n`,
  ])('is not %j', (text) => {
    expect(readToken(KEYS, text)).toBeNull();
  });
});

describe('the successor', () => {
  const token = firstToken(KEYS, SESSION);
  const successor = successorOf(KEYS, token);

  it('is always the same, so that it can be given again', () => {
    expect(successorOf(KEYS, token)).toEqual(successor);
    expect(successorOf(KEYS, readToken(KEYS, token.text)!)).toEqual(successor);
  });

  it('is a good token of the same session, and another one', () => {
    expect(readToken(KEYS, successor.text)).toEqual(successor);
    expect(successor.sessionId).toBe(SESSION);
    expect(successor.text).not.toBe(token.text);
    expect(successor.hash.equals(token.hash)).toBe(false);
  });

  it('is another one for every token', () => {
    expect(successorOf(KEYS, successor).text).not.toBe(successor.text);
    expect(successorOf(KEYS, firstToken(KEYS, SESSION)).text).not.toBe(successor.text);
  });

  it('cannot be told by who has the token and not the key', () => {
    expect(successorOf([randomBytes(32)], token).text).not.toBe(successor.text);
  });
});
