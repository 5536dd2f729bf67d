import { isDeepStrictEqual } from 'node:util';
import { diffWordsWithSpace, structuredPatch } from 'diff';
import { type Content, KEPT, memberOf } from './revisions.rules.js';

/** How many lines may be removed and added before a body counts as another one: the time it takes grows with the square of that. */
const MOST_EDITS = 600;
/** Words are compared where up to so many characters were removed and added, and in all places together of up to so many. */
const MOST_CHARACTERS = 4_000;
const MOST_CHARACTERS_IN_ALL = 16_000;
const MOST_WORD_EDITS = 100;
const CONTEXT = 3;

export interface Piece {
  kind: 'same' | 'removed' | 'added';
  text: string;
}

/** A place where a text differs. Lines count from 1. */
export interface Hunk {
  beforeLine: number;
  beforeLines: number;
  afterLine: number;
  afterLines: number;
  /** Without the line feeds at their ends. */
  lines: Piece[];
  /** The same place by words, its lines with their line feeds; null where it is too large for that. */
  words: Piece[] | null;
}

export interface MemberDifference {
  member: string;
  before: string[];
  after: string[];
}

export interface Difference {
  members: MemberDifference[];
  hunks: Hunk[];
  /** False when the bodies differ so much that all between their common beginning and end is one hunk. */
  exact: boolean;
}

const KIND: Record<string, Piece['kind']> = { ' ': 'same', '-': 'removed', '+': 'added' };

/** What differs between two versions: each member, and the body by lines and words. Takes bounded time, however large and different they are. */
export function differenceOf(before: Content & { body: string }, after: Content & { body: string }): Difference {
  const members = KEPT.flatMap((name) => {
    const sides = { before: before[name], after: after[name] };
    if (sides.before === undefined || sides.after === undefined || isDeepStrictEqual(sides.before, sides.after)) return [];
    return [{ member: memberOf(name), before: textsOf(sides.before), after: textsOf(sides.after) }];
  });
  return { members, ...bodyDifference(before.body, after.body) };
}

const textsOf = (value: string | string[] | number | null): string[] => (value === null ? [] : [value].flat().map(String));

function bodyDifference(before: string, after: string): Pick<Difference, 'hunks' | 'exact'> {
  if (before === after) return { hunks: [], exact: true };
  const patch = structuredPatch('', '', before, after, undefined, undefined, { context: CONTEXT, maxEditLength: MOST_EDITS });
  if (patch === undefined) return { hunks: [wholeHunk(before.split('\n'), after.split('\n'))], exact: false };
  let budget = MOST_CHARACTERS_IN_ALL;
  const hunks = patch.hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) => {
    const pieces = lines.flatMap((line) => (KIND[line[0]!] === undefined ? [] : [{ kind: KIND[line[0]!]!, text: line.slice(1) }]));
    const length = pieces.reduce((sum, { kind, text }) => sum + (kind === 'same' ? 0 : text.length), 0);
    const small = length <= Math.min(MOST_CHARACTERS, budget);
    if (small) budget -= length;
    return {
      beforeLine: oldStart,
      beforeLines: oldLines,
      afterLine: newStart,
      afterLines: newLines,
      lines: pieces,
      words: small ? wordsOf(pieces) : null,
    };
  });
  return { hunks, exact: true };
}

/** All between the lines that are the same at the beginning and at the end. */
function wholeHunk(before: string[], after: string[]): Hunk {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  const removed = before.slice(start, before.length - end);
  const added = after.slice(start, after.length - end);
  return {
    beforeLine: start + 1,
    beforeLines: removed.length,
    afterLine: start + 1,
    afterLines: added.length,
    lines: [...removed.map((text) => ({ kind: 'removed' as const, text })), ...added.map((text) => ({ kind: 'added' as const, text }))],
    words: null,
  };
}

/** Lines that were removed are compared with those that were added in their place. */
function wordsOf(lines: Piece[]): Piece[] | null {
  const words: Piece[] = [];
  for (let at = 0; at < lines.length;) {
    const { kind, text } = lines[at]!;
    if (kind === 'same') {
      words.push({ kind, text: `${text}\n` });
      at++;
      continue;
    }
    const next = lines.findIndex((line, place) => place > at && line.kind === 'same');
    const end = next === -1 ? lines.length : next;
    const [before, after] = [textOf(lines.slice(at, end), 'removed'), textOf(lines.slice(at, end), 'added')];
    const changes = diffWordsWithSpace(before, after, { maxEditLength: MOST_WORD_EDITS });
    if (changes === undefined) return null;
    words.push(...changes.map(({ added, removed, value }) => ({ kind: kindOf(added, removed), text: value })));
    at = end;
  }
  return words;
}

const kindOf = (added: boolean, removed: boolean): Piece['kind'] => (added ? 'added' : removed ? 'removed' : 'same');
const textOf = (lines: Piece[], wanted: Piece['kind']) =>
  lines.flatMap(({ kind, text }) => (kind === wanted ? [`${text}\n`] : [])).join('');
