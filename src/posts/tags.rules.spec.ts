import { describe, expect, it } from '@jest/globals';
import { isTag, normaliseTags } from './tags.rules.js';

describe('tags', () => {
  it('are trimmed, in small letters, with one space between words', () => {
    expect(normaliseTags(['  Node  JS\t', 'web\n\u00a0dev'])).toEqual(['node js', 'web dev']);
  });

  it('are each there once, in the order they came, however they were typed', () => {
    expect(normaliseTags(['Café', 'b', 'cafe\u0301', 'B ', 'a'])).toEqual(['café', 'b', 'a']);
    expect(normaliseTags([])).toEqual([]);
  });

  it('hold nothing that is not seen', () => {
    for (const hidden of ['\u200b', '\u200d', '\u202e', '\u2066', '\ufeff', '\u00ad', '\u034f', '\u115f', '\u3164', '\ufe0f', '\u{e0041}'])
      expect([hidden, isTag(`a${hidden}b`)]).toEqual([hidden, false]);
    for (const tag of ['c++', 'node.js', 'ärger', 'हिन्दी', '日本語']) expect(isTag(tag)).toBe(true);
  });
});
