/** Marks belong to the letters of many scripts, and to some of ours once they are lower case. */
export const TAG_AS_WRITTEN = '^\\s*[\\p{L}\\p{M}\\p{N}.+#_-][\\p{L}\\p{M}\\p{N}\\s.+#_-]*$';

export const isTag = (value: unknown): boolean =>
  typeof value === 'string' && /^(?!.*\p{Default_Ignorable_Code_Point})[\p{L}\p{M}\p{N} .+#_-]{1,40}$/u.test(value);

/** Tags as they are kept: trimmed, lower case, one space between words, each once. */
export function normaliseTags(tags: readonly string[]): string[] {
  return [...new Set(tags.map((tag) => tag.trim().normalize('NFC').toLowerCase().replace(/\s+/g, ' ')))];
}
