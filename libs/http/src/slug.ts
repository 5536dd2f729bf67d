import anyAscii from 'any-ascii';

/**
 * A URL's word for a title: `Über uns & mehr` → `uber-uns-mehr`, `Привет` → `privet`, at most 100 characters. `noun` stands in where there
 * is no letter or digit, and before what would look like an id.
 */
export function slugFrom(title: string, noun: string): string {
  // Composed: to its tables a letter with its mark is one.
  const slug = anyAscii(title.normalize('NFKC'))
    .toLowerCase()
    .replace(/'/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 100)
    .replace(/^-+|-+$/g, '');
  if (slug === '') return noun;
  return /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(slug) ? `${noun}-${slug}` : slug;
}
