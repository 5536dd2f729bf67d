import { describe, expect, it } from '@jest/globals';
import { differenceOf, type Piece } from './diffs.rules.js';

const version = (body: string, more: object = {}) => ({
  title: 'T',
  slug: 't',
  excerpt: 'E',
  ownExcerpt: true,
  tags: ['a'],
  body,
  ...more,
});
const side = (pieces: Piece[], other: Piece['kind'], between: string) =>
  pieces
    .filter(({ kind }) => kind !== other)
    .map(({ text }) => text)
    .join(between);

describe('the difference of two versions', () => {
  it('is nothing when they are alike', () => {
    expect(differenceOf(version('x'), version('x'))).toEqual({ members: [], hunks: [], exact: true });
  });

  it('names each member with both of its values', () => {
    const { members } = differenceOf(version('x'), version('x', { title: 'U', tags: ['a', 'b'] }));
    expect(members).toEqual([
      { member: 'title', before: ['T'], after: ['U'] },
      { member: 'tags', before: ['a'], after: ['a', 'b'] },
    ]);
  });

  it.each([
    ['', 'a'],
    ['a', ''],
    ['a', 'a\n'],
    ['a\nb\nc', 'a\nc'],
    ['a\r\nb', 'a\nb'],
    ['- a\n+ b\n', '+ b\n- a\n'],
    ['\\ No newline at end of file', 'x'],
    ['one two three', 'one 2 three'],
    ['日本語', '日本人'],
  ])('has both texts in its lines and in its words: %j, %j', (before, after) => {
    const { hunks, exact } = differenceOf(version(before), version(after));
    expect([hunks.length, exact]).toEqual([1, true]);
    const [{ lines, words }] = hunks as unknown as [{ lines: Piece[]; words: Piece[] }];
    const ended = (text: string) => text.replace(/\n$/, '');
    expect([side(lines, 'added', '\n'), side(lines, 'removed', '\n')]).toEqual([ended(before), ended(after)]);
    const full = (text: string) => (text === '' ? '' : `${ended(text)}\n`);
    expect([side(words, 'added', ''), side(words, 'removed', '')]).toEqual([full(before), full(after)]);
  });

  it('shows three lines around each place, and apart what lies apart', () => {
    const lines = Array.from({ length: 40 }, (_, index) => `line ${index + 1}`);
    const after = lines.with(9, 'ten').with(29, 'thirty');
    const { hunks } = differenceOf(version(lines.join('\n')), version(after.join('\n')));
    expect(hunks.map(({ beforeLine, beforeLines, afterLine, afterLines }) => [beforeLine, beforeLines, afterLine, afterLines])).toEqual([
      [7, 7, 7, 7],
      [27, 7, 27, 7],
    ]);
  });

  it('of texts that differ throughout is all between their common beginning and end', () => {
    const many = (letter: string) => Array.from({ length: 5_000 }, (_, index) => `${letter}${index}`).join('\n');
    const { hunks, exact } = differenceOf(version(`begin\n${many('a')}\nend`), version(`begin\n${many('b')}\nend`));
    expect([exact, hunks.length, hunks[0]!.beforeLine, hunks[0]!.beforeLines, hunks[0]!.afterLines, hunks[0]!.words]).toEqual([
      false,
      1,
      2,
      5_000,
      5_000,
      null,
    ]);
  });
});
