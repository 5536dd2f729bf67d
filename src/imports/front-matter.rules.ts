import { parse as parseToml, TomlDate, TomlError } from 'smol-toml';
import { type CST, parseDocument, Parser, stringify } from 'yaml';

/** Of a file that was not taken, or, as a note, of what was left out of one that was. */
export interface FileProblem {
  /** Where in the file, from 1; null when it is about the whole of it. */
  line: number | null;
  code: string;
  detail: string;
}

/** A file of Markdown, taken apart. */
export interface Parted {
  /** What it says of itself; by keys in lower case, with `_` for `-`. */
  values: Map<string, unknown>;
  /** The line that a key stands in. */
  lineOf: (key: string) => number;
  body: string;
  /** The first line of the body. */
  bodyLine: number;
}

/** Longer than any that a person writes; the parsers take more than linear time for what is made to hurt them. */
const LONGEST = 16_384;
const DEEPEST = 32;
const MOST_ALIASES = 20;
const FENCES: Record<string, { kind: 'yaml' | 'toml'; end: RegExp }> = {
  '---': { kind: 'yaml', end: /^(?:---|\.\.\.)[ \t]*$/ },
  '+++': { kind: 'toml', end: /^\+\+\+[ \t]*$/ },
};

/** Takes the text of a file apart: front matter (YAML between `---`, or TOML between `+++`), and the body after one empty line. */
export function partFile(file: string): Parted | FileProblem {
  const text = file.startsWith('\ufeff') ? file.slice(1) : file;
  let first = lineAt(text, 0);
  let before = 0;
  // Some leave lines empty before it.
  for (; first.text.trim() === '' && first.next < text.length; before++) first = lineAt(text, first.next);
  const fence = FENCES[first.text.trimEnd()];
  if (fence === undefined) return { values: new Map(), lineOf: () => 1, body: text, bodyLine: 1 };
  let line = before + 2;
  for (let at = first.next; at < text.length; line++) {
    const { text: content, next } = lineAt(text, at);
    if (fence.end.test(content)) {
      const matter = text.slice(first.next, at);
      const read = matter.length > LONGEST ? tooLong() : fence.kind === 'yaml' ? readYaml(matter) : readToml(matter);
      if (read.problem) return { ...read.problem, line: read.problem.line! + before };
      const blank = lineAt(text, next);
      const isBlank = next < text.length && blank.text === '';
      return {
        values: read.values,
        lineOf: (key) => lineOf(matter, key) + before,
        body: text.slice(isBlank ? blank.next : next),
        bodyLine: line + (isBlank ? 2 : 1),
      };
    }
    at = next;
  }
  return { line: before + 1, code: 'front-matter-open', detail: `What begins with ${first.text.trimEnd()} has no such line at its end.` };
}

/** A file as the generators of sites read it, and `partFile` too. Texts are quoted, so that no reader takes one for something else. */
export function joinFile(values: Record<string, unknown>, body: string): string {
  const matter = stringify(values, {
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
  return `---\n${matter}---\n\n${body}`;
}

type Read = { values: Map<string, unknown>; problem?: undefined } | { problem: FileProblem };

function tooLong(): Read {
  return { problem: { line: 1, code: 'front-matter-too-long', detail: `Front matter may have ${LONGEST} characters.` } };
}

function readYaml(matter: string): Read {
  // The composer recurses, and near the end of its stack V8 itself gives up, process and all: so the depth is looked at before.
  if (depthOf(new Parser().parse(matter)) > DEEPEST)
    return { problem: { line: 2, code: 'front-matter-too-deep', detail: `Front matter may be nested ${DEEPEST} levels deep.` } };
  const document = parseDocument(matter, { prettyErrors: true, logLevel: 'silent', merge: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    return { problem: { line: line + 1, code: 'front-matter-invalid', detail: `The YAML cannot be read: ${firstLine(error.message)}` } };
  }
  try {
    return valuesOf(document.toJS({ maxAliasCount: MOST_ALIASES }));
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause; // what the library says of aliases
    return { problem: { line: 2, code: 'front-matter-invalid', detail: 'The YAML has too many aliases, or one that leads nowhere.' } };
  }
}

/** How deep the tokens are nested; without recursion. */
function depthOf(tokens: Iterable<CST.Token>): number {
  let deepest = 0;
  const waiting: [token: unknown, depth: number][] = [...tokens].map((token) => [token, 0]);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [token, depth] = next as [{ value?: unknown; items?: { key?: unknown; value?: unknown }[] }, number];
    deepest = Math.max(deepest, depth);
    const inner = [token.value, ...(token.items ?? []).flatMap(({ key, value }) => [key, value])];
    for (const each of inner) if (typeof each === 'object' && each !== null) waiting.push([each, depth + 1]);
  }
  return deepest;
}

function readToml(matter: string): Read {
  try {
    const read = Object.entries(parseToml(matter, { maxDepth: DEEPEST }));
    // A day of TOML has no zone: it stays the text that it is.
    return valuesOf(Object.fromEntries(read.map(([key, value]) => [key, value instanceof TomlDate ? value.toISOString() : value])));
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const detail = `The TOML cannot be read: ${firstLine(cause.message.replace(/^Invalid TOML document: /, ''))}`;
    return { problem: { line: cause.line + 1, code: 'front-matter-invalid', detail } };
  }
}

function valuesOf(read: unknown): Read {
  if (read === null || read === undefined) return { values: new Map() };
  if (typeof read !== 'object' || Array.isArray(read))
    return { problem: { line: 2, code: 'front-matter-invalid', detail: 'Front matter names values, as in `title: A title`.' } };
  return { values: new Map(Object.entries(read).map(([key, value]) => [plainKey(key), value])) };
}

const plainKey = (key: string) => key.toLowerCase().replaceAll('-', '_');
const firstLine = (message: string) => message.split('\n', 1)[0]!.replace(/ at line \d+, column \d+:$/, '.');

/** The key is looked for at the beginning of lines, as both languages write it. */
function lineOf(matter: string, key: string): number {
  const found = matter.split('\n').findIndex((line) => plainKey(/^\s*["']?([\w-]+)["']?\s*[:=]/.exec(line)?.[1] ?? '') === key);
  return found === -1 ? 1 : found + 2;
}

function lineAt(text: string, at: number): { text: string; next: number } {
  const end = text.indexOf('\n', at);
  const line = text.slice(at, end === -1 ? text.length : end);
  return { text: line.endsWith('\r') ? line.slice(0, -1) : line, next: end === -1 ? text.length : end + 1 };
}
