import { posix } from 'node:path';
import MarkdownIt from 'markdown-it';

const markdown = new MarkdownIt({ html: false, maxNesting: 50 });

/** Where generators of sites keep what an address that begins with `/` means. */
const ROOTS = ['', 'static', 'public', 'assets', 'src', 'source'];
/** What stands behind `](`, or behind the `:` of a definition. */
const DESTINATION = /(\]\([ \t]*|^ {0,3}\[[^\]\n]+\]:[ \t]*)(<[^<>\n]*>|[^\s()<>]+)/gm;

/** The addresses of a text's pictures, each once, as Markdown reads them. */
export function picturesIn(text: string): string[] {
  if (!text.includes('![')) return [];
  const images = markdown.parse(text, {}).flatMap(({ children }) => (children ?? []).filter(({ type }) => type === 'image'));
  return [...new Set(images.map((image) => String(image.attrGet('src') ?? '')))].filter((address) => address !== '');
}

/** The text with other addresses for some of its pictures. */
export function withPictures(text: string, addresses: ReadonlyMap<string, string>): string {
  if (addresses.size === 0) return text;
  return text.replace(DESTINATION, (whole, before: string, written: string) => {
    const address = addresses.get(markdown.normalizeLink(written.replace(/^<|>$/g, '')));
    return address === undefined ? whole : `${before}${address}`;
  });
}

/** The paths that an address may mean in the file at `path`; none, when it leads elsewhere. */
export function pathsOf(address: string, path: string): string[] {
  if (/^(?:[a-z][a-z0-9+.-]*:|\/\/|#)/i.test(address)) return [];
  const plain = decoded(address.replace(/[?#].*$/, '')).normalize('NFC');
  const roots = plain.startsWith('/') ? ROOTS : [posix.dirname(path)];
  return roots.map((root) => posix.normalize(posix.join(root, plain)).replace(/^\//, '')).filter((found) => !found.startsWith('..'));
}

function decoded(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch (error) {
    if (error instanceof URIError) return address; // a name with a % in it
    throw error;
  }
}
