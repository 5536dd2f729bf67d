import { describe, expect, it } from '@jest/globals';
import {
  decoded,
  endsInABegunWord,
  MARK,
  marked,
  meant,
  orderFault,
  orderOf,
  rankedPosition,
  readRankedPosition,
  wordsToCorrect,
} from './search.rules.js';

describe('the order of a list', () => {
  it('is the one that was asked for, or goes with the filters', () => {
    expect(orderOf({})).toBe('-createdAt');
    expect(orderOf({ q: 'a' })).toBe('relevance');
    expect(orderOf({ from: 'x' })).toBe('-publishedAt');
    expect(orderOf({ to: 'x', q: 'a' })).toBe('relevance');
    expect(orderOf({ q: 'a', sort: 'createdAt' })).toBe('createdAt');
  });

  it('has to go with them', () => {
    expect(orderFault({ sort: 'relevance' })).toContain('q');
    expect(orderFault({ sort: '-createdAt', to: 'x' })).toContain('publishedAt');
    expect(orderFault({ sort: 'createdAt', from: 'x' })).toContain('publishedAt');
    for (const fine of [
      {},
      { sort: 'relevance', q: 'a', from: 'x' },
      { sort: 'publishedAt', to: 'x' },
      { sort: 'createdAt', q: 'a' },
    ] as const)
      expect(orderFault(fine)).toBeUndefined();
  });
});

describe('the place of a page in a ranked list', () => {
  it('is read as it was written', () => {
    for (const position of [
      { score: 0, asOf: new Date('2026-03-01T10:00:00.000Z'), corrected: false },
      { score: 123_456, asOf: new Date('2026-03-01T10:00:00.001Z'), corrected: true },
    ])
      expect(readRankedPosition(rankedPosition(position))).toEqual(position);
  });

  it.each([
    '',
    '1',
    '1 x t',
    '-1 2026-03-01T10:00:00.000Z t',
    '1 2026-13-01T10:00:00.000Z t',
    '1 0000-03-01T10:00:00.000Z t',
    '1 2026-03-01T10:00:00.000Z x',
    '1.5 2026-03-01T10:00:00.000Z t',
  ])('is not %j', (text) => expect(readRankedPosition(text)).toBeNull());
});

describe('what was typed', () => {
  it.each([
    ['a-b -c -"d e"', 'a-b -c -"d e"'],
    ['---', '   '],
    ['a - b', 'a   b'],
    ['--a', '  a'],
    ['"" a " "', '  a  '],
    ['-"-"', '-" "'],
  ])('means in %j %j', (typed, means) => expect(meant(typed)).toBe(means));

  it.each([
    ['engine', true],
    ['the eng', true],
    ['解', true],
    ['การ', true],
    ['en', false],
    ['engine ', false],
    ['"engine"', false],
    ['-engine', false],
    ['a-engine', false],
    ['engine!', false],
    ['', false],
  ])('ends in the beginning of a word: %j %j', (typed, does) => expect(endsInABegunWord(typed)).toBe(does));

  it('is corrected word by word, unless it has operators or is long', () => {
    expect(wordsToCorrect('The Egnine, the loom’s')).toEqual(['the', 'egnine', 'loom', 's']);
    for (const typed of ['"egnine"', '-egnine', 'a_b', 'one two three four five six seven', '!?', '🏳️‍🌈'])
      expect(wordsToCorrect(typed)).toEqual([]);
  });
});

describe('marks', () => {
  const mark = (text: string) => marked(text.replaceAll('[', MARK.begin).replaceAll(']', MARK.end));

  it('are the only elements', () => {
    expect(mark('<b>[x]</b> & "y" \'z\' </mark>')).toBe('&lt;b&gt;<mark>x</mark>&lt;/b&gt; &amp; &quot;y&quot; &#39;z&#39; &lt;/mark&gt;');
  });

  it('are closed, and not in each other', () => {
    expect(mark('a [b')).toBe('a <mark>b</mark>');
    expect(mark('a] b')).toBe('a b');
    expect(mark('[a [b] c]')).toBe('<mark>a b</mark> c');
  });

  it('stand around characters, not entities', () => {
    expect(decoded('&lt;b&gt; &quot;&amp;lt;')).toBe('<b> "&lt;');
  });
});
