/** A URL's word for a title: `Über uns & mehr` → `uber-uns-mehr`, at most 100 characters; empty where there is no Latin letter or digit. */
export function slugFrom(title: string): string {
  const bare = title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return bare
    .replace(/['’]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 100)
    .replace(/^-+|-+$/g, '');
}
