import { describe, expect, it } from '@jest/globals';
import { readingMinutes } from './words.rules.js';

describe('reading', () => {
  it('takes a minute at least', () => {
    for (const text of ['', '—', 'one word']) expect(readingMinutes(text)).toBe(1);
  });

  it.each([
    ['English', "don't ".repeat(238 * 3), 3],
    ['German', 'Straßen-Bäume '.repeat(239), 2],
    ['Russian', 'слово '.repeat(238 * 2), 2],
    ['Hindi', 'हिन्दी '.repeat(238 * 2), 2],
    ['numbers', '1,000 '.repeat(119 * 4), 4],
    ['Chinese', '漢字。'.repeat(500), 2],
    ['Japanese', 'かなカナ'.repeat(500), 4],
    ['Thai', 'ภาษาไทย'.repeat(500), 4],
    ['two scripts', `${'word '.repeat(238)}${'漢'.repeat(500)}`, 2],
  ])('%s is counted in its own way', (_, text, minutes) => {
    expect(readingMinutes(text)).toBe(minutes);
  });
});
