import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import type { FileProblem } from './front-matter.rules.js';

/** More than a body of the most characters has bytes, with the longest front matter. */
export const LONGEST_FILE = 2_100_000;

/** The keys that generators of sites use, by what they mean; of several the first one counts. */
export const KEYS = {
  title: ['title'],
  date: ['publishdate', 'published_at', 'pubdate', 'pub_date', 'pubdatetime', 'date', 'created', 'created_at'],
  updated: [
    'lastmod',
    'updated',
    'updated_at',
    'date_updated',
    'last_modified_at',
    'lastupdated',
    'updateddate',
    'modified',
    'moddatetime',
  ],
  slug: ['slug'],
  address: ['permalink', 'url'],
  tags: ['tags', 'tag', 'categories', 'category'],
  excerpt: ['excerpt', 'custom_excerpt', 'description', 'summary'],
  draft: ['draft', 'published', 'status'],
  id: ['id'],
  externalId: ['externalid', 'external_id'],
  metadata: ['metadata'],
  cover: [
    'cover',
    'cover_image',
    'coverimage',
    'feature_image',
    'featured_image',
    'hero_image',
    'heroimage',
    'image',
    'banner',
    'thumbnail',
  ],
} as const;
export type Meaning = keyof typeof KEYS;

/** What is looked at, and left out on purpose. */
export const LEFT_OUT: Record<string, string> = {
  author: 'The author is who imports, or whom `author` names; the names in the files are not looked up.',
  authors: 'The author is who imports, or whom `author` names; the names in the files are not looked up.',
  ...Object.fromEntries(
    ['images', 'og_image', 'ogimage'].map((key) => [key, `\`${key}\` names pictures for others to show; none is taken as a cover.`]),
  ),
};
export const KNOWN = new Set<string>([...Object.values(KEYS).flat(), ...Object.keys(LEFT_OUT)]);

/** What the paths of generators say: `2020-01-02-a-title.md`, `a-title/index.md`, `_drafts/…`. */
export function readPath(path: string): { name: string; date: string | null; isDraft: boolean } {
  const parts = path.replace(/\.[a-z]+$/i, '').split('/');
  const last = parts.at(-1)!;
  const name = /^_?index$/i.test(last) ? (parts.at(-2) ?? last) : last;
  const [, date = null, rest = name] = /^(\d{4}-\d\d?-\d\d?)-(.+)$/.exec(name) ?? [];
  return { name: rest, date, isDraft: parts.includes('_drafts') };
}

/** The text of a file. */
export function readText(bytes: Buffer): string | FileProblem {
  if (bytes.length > LONGEST_FILE) return { line: null, code: 'too-large', detail: `A file may have ${LONGEST_FILE} bytes.` };
  if (!isUtf8(bytes)) return { line: lineOfOffence(bytes), code: 'not-utf-8', detail: 'The file is not text in UTF-8; save it as that.' };
  const nul = bytes.indexOf(0);
  if (nul !== -1) return { line: lineOfByte(bytes, nul), code: 'nul', detail: 'The file holds a NUL character; it is not text.' };
  return bytes.toString('utf8');
}

/** What the post would be that a file describes; for telling whether it was edited since. A cover counts that the file has named. */
export function digestOf({
  title,
  body,
  excerpt,
  tags,
  slug,
  coverFileId,
}: {
  title: string;
  body: string;
  excerpt: string;
  tags: readonly string[];
  slug: string;
  coverFileId: string | null;
}): Buffer {
  const said = [title, body, excerpt, tags, slug, ...(coverFileId === null ? [] : [coverFileId])];
  return createHash('sha256').update(JSON.stringify(said)).digest();
}

/** Where a picture is that is named by its address, or by an object that has one. */
export function addressIn(value: unknown): string | null {
  const named = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : { image: value };
  const address = ['image', 'path', 'src', 'url', 'file'].map((key) => named[key]).find((each) => typeof each === 'string');
  return typeof address === 'string' ? address.trim() : null;
}

export const isNothing = (value: unknown): boolean => value === undefined || value === null || value === '';

/** YAML 1.1 had more words for it than 1.2 has. */
export function truth(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return null;
  return /^(true|yes|on)$/i.test(value) ? true : /^(false|no|off)$/i.test(value) ? false : null;
}

function lineOfByte(bytes: Buffer, at: number): number {
  let line = 1;
  for (let next = bytes.indexOf(10); next !== -1 && next < at; next = bytes.indexOf(10, next + 1)) line++;
  return line;
}

function lineOfOffence(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(10, start);
    if (!isUtf8(bytes.subarray(start, end === -1 ? bytes.length : end))) return line;
    start = end === -1 ? bytes.length : end + 1;
  }
  return line;
}

export function lineOfControl(body: string): number {
  const at = body.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/);
  return at === -1 ? 0 : body.slice(0, at).split('\n').length - 1;
}
