import { describe, expect, it } from '@jest/globals';
import { countIn, rangeOf } from './breached-passwords.rules.js';

describe('what a service for breached passwords is asked', () => {
  it('is the first five digits of the SHA-1, in capitals; the others stay here', () => {
    // FIPS 180: SHA-1 of "abc"
    expect(rangeOf('abc')).toEqual({ prefix: 'A9993', suffix: 'E364706816ABA3E25717850C26C9CD0D89D' });
  });
});

describe('its answer', () => {
  const answer =
    '0018A45C4D1DEF81644B54AB7F969B88D65:10\r\n00D4F6E8FA6EECAD2A3AA415EEC418D38EC:2\r\n011053fd0102e94d6ae2f8b83d76faf94f6:300\r\nPADDED:0\r\nODD:x';

  it.each([
    ['0018A45C4D1DEF81644B54AB7F969B88D65', 10],
    ['00D4F6E8FA6EECAD2A3AA415EEC418D38EC', 2],
    ['011053FD0102E94D6AE2F8B83D76FAF94F6', 300],
    ['PADDED', 0],
    ['ODD', 0],
    ['00D4F6E8FA6EECAD2A3AA415EEC418D38E', 0],
    ['D4F6E8FA6EECAD2A3AA415EEC418D38EC', 0],
    ['NEVER', 0],
  ])('says of %s: %d times', (suffix, count) => {
    expect(countIn(answer, suffix)).toBe(count);
  });

  it('says nothing when it is empty', () => {
    expect(countIn('', 'NEVER')).toBe(0);
  });
});
