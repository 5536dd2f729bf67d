/** How many matches are ranked at most: the newest. */
export const MOST_RANKED = 1_000;

export type ListOrder = 'relevance' | '-createdAt' | 'createdAt' | '-publishedAt' | 'publishedAt';

/** What decides about a list's order. */
interface Wish {
  q?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  sort?: ListOrder | undefined;
}

/** The order that was asked for, or the one that goes with the filters. */
export function orderOf({ q, from, to, sort }: Wish): ListOrder {
  if (sort !== undefined) return sort;
  if (q !== undefined) return 'relevance';
  return from !== undefined || to !== undefined ? '-publishedAt' : '-createdAt';
}

/** Why this order does not go with these filters; undefined when it does. */
export function orderFault({ q, from, to, sort }: Wish): string | undefined {
  if (sort === 'relevance' && q === undefined) return 'sort=relevance needs words to rank by: give them as q';
  if ((from !== undefined || to !== undefined) && (sort === 'createdAt' || sort === '-createdAt'))
    return 'from and to are times of publication: sort by publishedAt, -publishedAt or relevance';
  return undefined;
}

/** Where a page of a ranked list begins. `asOf` is the time of the first page: what has appeared since would move the others. */
export interface RankedPosition {
  score: number;
  asOf: Date;
  corrected: boolean;
}

export const rankedPosition = ({ score, asOf, corrected }: RankedPosition): string =>
  `${score} ${asOf.toISOString()} ${corrected ? 'c' : 't'}`;

export function readRankedPosition(text: string): RankedPosition | null {
  const [, score, at, mode] = /^(\d{1,9}) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([ct])$/.exec(text) ?? [];
  const asOf = new Date(at ?? '');
  return score === undefined || Number.isNaN(asOf.getTime()) || asOf.getUTCFullYear() < 100
    ? null
    : { score: Number(score), asOf, corrected: mode === 'c' };
}

const WORD = /[\p{L}\p{M}\p{N}]/u;

/**
 * What was typed, without the hyphens and quotation marks that mean nothing: PostgreSQL gives up on more than 32 negations of nothing. A
 * hyphen means something within a word, and before a word or a phrase.
 */
export function meant(q: string): string {
  return q.replace(/"\s*"/g, ' ').replace(/-/g, (hyphen, at: number, all: string) => {
    const [before, after] = [all[at - 1] ?? ' ', all[at + 1] ?? ' '];
    const means = /\s/.test(before) ? WORD.test(after) || after === '"' : WORD.test(before) && WORD.test(after);
    return means ? hyphen : ' ';
  });
}

const LETTER = '[\\p{L}\\p{M}\\p{N}]';
/** Scripts that write words without spaces between: there even one character is the beginning of something. */
const DENSE = '[\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Hangul}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}]';
const BEGUN = new RegExp(`(?<![\\p{L}\\p{M}\\p{N}-])(?:${LETTER}{3,}|${DENSE}{1,2})$`, 'u');

/** Whether what was typed ends in a word that may go on: not in a quotation, and not in a word that must not occur. */
export const endsInABegunWord = (q: string): boolean => BEGUN.test(q);

const PLAIN = new RegExp(`^(?:${LETTER}|[\\s.,;!?'’])+$`, 'u');
const MOST_CORRECTED = 6;

/** The words that may have been mistyped. Who uses operators knows what they type. */
export function wordsToCorrect(q: string): string[] {
  if (!PLAIN.test(q)) return [];
  const words = [...new Set(q.toLowerCase().match(new RegExp(`${LETTER}+`, 'gu')))];
  return words.length > MOST_CORRECTED ? [] : words;
}

/** The tag of what was answered by the words that were known. */
export const WORDS = 'post-words' as const;

/** Characters that cannot occur in what was written: the edges of what is marked, until the text is HTML. */
export const MARK = { begin: '\u0002', end: '\u0003' } as const;

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' } as const;

/** A text as HTML in which nothing is an element but `<mark>` around what was found. */
export function marked(text: string): string {
  const escaped = text.replace(/[&<>"']/g, (character) => ENTITIES[character as keyof typeof ENTITIES]);
  let open = false;
  // Each is closed before the next, whatever PostgreSQL was given to cut.
  const html = escaped.replace(/[\u0002\u0003]/g, (edge) => {
    if ((edge === MARK.begin) === open) return '';
    open = !open;
    return open ? '<mark>' : '</mark>';
  });
  return open ? `${html}</mark>` : html;
}

/** What a sanitised text says, once its tags are gone: the four entities that the sanitiser writes are characters again. */
export function decoded(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
