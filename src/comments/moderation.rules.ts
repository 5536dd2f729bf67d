/** What comments wait for. */
export interface ModerationRules {
  holdFirstComment: boolean;
  maxLinks: number;
  blockedWords: readonly string[];
  trustedRoles: readonly string[];
}

/** Why a comment waits. */
export const HOLDS = ['first-comment', 'links', 'words', 'reports'] as const;
export type Hold = (typeof HOLDS)[number];

/** What a comment is judged by. */
export interface Judged {
  roles: readonly string[];
  /** What was written, and what is read of it: markup may take a word apart. */
  texts: readonly string[];
  links: number;
  /** Whether a comment of this author was approved before. */
  known: boolean;
}

/** The rules that a comment breaks; with none it is approved at once. */
export function holdsOf({ roles, texts, links, known }: Judged, rules: ModerationRules): Hold[] {
  if (roles.some((role) => rules.trustedRoles.includes(role))) return [];
  const holds: Hold[] = [];
  if (rules.holdFirstComment && !known) holds.push('first-comment');
  if (links > rules.maxLinks) holds.push('links');
  if (texts.some((text) => holdsWord(text, rules.blockedWords))) holds.push('words');
  return holds;
}

/** Whether one of the words or phrases stands in the text as whole words, however they are written. Words are compared, never patterns. */
export function holdsWord(text: string, words: readonly string[]): boolean {
  const normalised = ` ${normaliseWords(text)} `;
  return words.some((word) => {
    const wanted = normaliseWords(word);
    return wanted !== '' && normalised.includes(` ${wanted} `);
  });
}

/** The words of a text with single spaces: without accents, invisible characters, punctuation and the difference of small and capital letters. */
export function normaliseWords(text: string): string {
  const plain = text.normalize('NFKD').replace(/[\p{M}\p{Cf}]/gu, '');
  return (plain.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ');
}
