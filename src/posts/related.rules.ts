const MOST_WORDS = 12;

/** The words of a title that say what it is about, as far as their length tells: they are looked for one by one. */
export function titleWords(title: string): string[] {
  const words = title.toLowerCase().match(/[\p{L}\p{M}\p{N}]{4,}|[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]{2,}/gu) ?? [];
  return [...new Set(words)].sort((a, b) => b.length - a.length).slice(0, MOST_WORDS);
}
