const CONTENT = /^\/files\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/content$/;

/** The file of ours that an address in a body shows; null for what lies elsewhere. `api` is the public URL of the API. */
export function imageIdOf(src: string, api: string): string | null {
  const url = URL.parse(src, api);
  const base = new URL(api);
  if (url?.origin !== base.origin || !url.pathname.startsWith(`${base.pathname}/`)) return null;
  return CONTENT.exec(url.pathname.slice(base.pathname.length).toLowerCase())?.[1] ?? null;
}

/** The address of a file of ours as it is kept: whole, and without what lets whoever has it read a private file for some minutes. */
export function withoutGrant(src: string, api: string): string {
  const url = new URL(src, api);
  for (const name of ['expires', 'signature']) url.searchParams.delete(name);
  url.hash = '';
  return url.href;
}

const OWN_IMAGE = /(<img src=")[^"]+\/files\/([0-9a-f-]{36})\/content(?:\?variant=(\w+))?"/g;

/** HTML as it is kept, with another link to each of these files. */
export function relinked(html: string, ids: readonly string[], link: (id: string, variant?: string) => string): string {
  if (ids.length === 0) return html;
  return html.replace(OWN_IMAGE, (whole, before: string, id: string, variant?: string) =>
    ids.includes(id) ? `${before}${link(id, variant).replaceAll('&', '&amp;')}"` : whole,
  );
}

/** Whether a link works for as long as the file is shown: one that ends is kept by nobody. */
export const isLasting = (url: string): boolean => !url.includes('expires=');
