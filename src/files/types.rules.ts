import { imageRefused, typeRefused } from './files.errors.js';

/** What is known of a type of file. */
export interface Kind {
  /** The first is given to names that have none. */
  extensions: readonly string[];
  /** What file-type calls its content; text has no mark that could be told. */
  detected: readonly string[];
  /** Of UTF-8; `begins` is what a reader of it would look for. */
  text?: { begins?: RegExp };
  /** Pictures of dots, which variants are made of. */
  image?: true;
  /** May be shown in a browser: it runs nothing. Everything else is to be saved. */
  inline?: true;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'image/jpeg': { extensions: ['jpg', 'jpeg', 'jpe', 'jfif'], detected: ['image/jpeg'], image: true, inline: true },
  'image/png': { extensions: ['png', 'apng'], detected: ['image/png', 'image/apng'], image: true, inline: true },
  'image/webp': { extensions: ['webp'], detected: ['image/webp'], image: true, inline: true },
  'image/gif': { extensions: ['gif'], detected: ['image/gif'], image: true, inline: true },
  'image/avif': { extensions: ['avif'], detected: ['image/avif'], image: true, inline: true },
  'image/svg+xml': { extensions: ['svg'], detected: ['application/xml', 'image/svg+xml'], text: { begins: /<svg[\s>]/i } },
  'application/pdf': { extensions: ['pdf'], detected: ['application/pdf'] },
  'application/json': { extensions: ['json'], detected: [], text: { begins: /^\uFEFF?\s*[[{"\d\-tfn]/ } },
  'text/plain': { extensions: ['txt', 'text', 'log', 'csv', 'md', 'json'], detected: [], text: {}, inline: true },
  'text/csv': { extensions: ['csv', 'txt'], detected: [], text: {} },
  'text/markdown': { extensions: ['md', 'markdown', 'txt'], detected: [], text: {} },
  'text/html': { extensions: ['html', 'htm'], detected: ['application/xml'], text: {} },
  'audio/mpeg': { extensions: ['mp3'], detected: ['audio/mpeg'], inline: true },
  'audio/ogg': { extensions: ['ogg', 'oga', 'opus'], detected: ['audio/ogg', 'application/ogg'], inline: true },
  'audio/wav': { extensions: ['wav'], detected: ['audio/wav', 'audio/vnd.wave'], inline: true },
  'audio/mp4': { extensions: ['m4a'], detected: ['audio/x-m4a', 'audio/mp4'], inline: true },
  'video/mp4': { extensions: ['mp4', 'm4v'], detected: ['video/mp4', 'video/x-m4v'], inline: true },
  'video/webm': { extensions: ['webm'], detected: ['video/webm', 'video/matroska'], inline: true },
  'video/quicktime': { extensions: ['mov', 'qt'], detected: ['video/quicktime'] },
  'application/zip': { extensions: ['zip'], detected: ['application/zip'] },
  'application/gzip': { extensions: ['gz', 'tgz'], detected: ['application/gzip'] },
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': {
    extensions: ['docx'],
    detected: ['application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  },
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': {
    extensions: ['xlsx'],
    detected: ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  },
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': {
    extensions: ['pptx'],
    detected: ['application/vnd.openxmlformats-officedocument.presentationml.presentation'],
  },
};

/** What senders also call them. */
const ALIASES: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/apng': 'image/png',
  'text/x-markdown': 'text/markdown',
  'audio/mp3': 'audio/mpeg',
  'audio/x-wav': 'audio/wav',
  'audio/wave': 'audio/wav',
  'audio/x-m4a': 'audio/mp4',
  'application/x-zip-compressed': 'application/zip',
};
const SAYS_NOTHING = ['', 'application/octet-stream'];
/** Names that computers run, or browsers show as a page. */
const RUNS =
  'app bat bin chm cmd com cpl dll dmg exe hta jar js jse lnk mjs mht msi php phtml pif pl ps1 py reg scr sh shtml swf vb vbs wsf xht xhtml xml'.split(
    ' ',
  );

const EXTENSIONS = new Set([...Object.values(KINDS).flatMap(({ extensions }) => extensions), ...RUNS]);
/** What no picture holds, but a page or a document that pretends to be one does. */
const MARKUP = /<(?:!doctype\s+html|html|script|svg|iframe|body|\?php)[\s>/]|<\?php|%pdf-1\./i;
/** The longest thing that MARKUP finds may lie across two pieces. */
const OVERLAP = 32;

export function kindOf(contentType: string): Kind {
  return KINDS[contentType] ?? { extensions: [], detected: [] };
}

/** Types of the setting that this application cannot tell by their content. */
export function unknownTypes(types: readonly string[]): string[] {
  return types.filter((type) => !Object.hasOwn(KINDS, type));
}

/** The type a sender declares, as we call it; undefined when nothing is said. */
export function declaredType(header: string): string | undefined {
  const type = header.split(';', 1)[0]!.trim().toLowerCase();
  if (SAYS_NOTHING.includes(type)) return undefined;
  return Object.hasOwn(ALIASES, type) ? ALIASES[type] : type;
}

function extensionOf(name: string): string {
  return /\.([a-z0-9]{1,10})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
}

/** Whether a type is taken under this name. @throws files/type-refused */
export function checkType(contentType: string, name: string, allowed: readonly string[]): string {
  if (!allowed.includes(contentType)) throw typeRefused(`Files of this type are not taken; these are: ${allowed.join(', ')}.`);
  const extension = extensionOf(name);
  if (EXTENSIONS.has(extension) && !kindOf(contentType).extensions.includes(extension))
    throw typeRefused(`A file of the type ${contentType} is not named .${extension}.`);
  return contentType;
}

/**
 * The type of a file: what it holds, what its sender says and what it is called agree on. `detected` is what its first bytes are the mark
 * of, if of anything. @throws files/type-refused
 */
export function agreedType(
  { declared, name, detected, head }: { declared: string | undefined; name: string; detected: string | undefined; head: string },
  allowed: readonly string[],
): string {
  const contentType = declared ?? guessedType(detected, extensionOf(name));
  if (contentType === undefined) throw typeRefused('What the file holds is of no type that is taken.');
  checkType(contentType, name, allowed);
  const { detected: marks, text } = kindOf(contentType);
  const agrees = text
    ? (detected === undefined || marks.includes(detected)) && (text.begins?.test(head) ?? true)
    : marks.includes(detected ?? '');
  if (!agrees) throw typeRefused(`What the file holds is not ${contentType}.`);
  return contentType;
}

/** Text has no mark, so its name decides; nothing is text that has the mark of something else. */
function guessedType(detected: string | undefined, extension: string): string | undefined {
  const kinds = Object.entries(KINDS);
  const marked = detected === undefined ? undefined : kinds.find(([, kind]) => !kind.text && kind.detected.includes(detected));
  const named = kinds.find(([, kind]) => kind.text && kind.extensions[0] === extension);
  return (marked ?? named)?.[0];
}

/** Looks at all of a file while it passes, piece by piece. @throws files/type-refused, files/image-refused */
export function scannerOf(contentType: string): (piece: Uint8Array | null) => void {
  const { text, image } = kindOf(contentType);
  if (text) return textScanner();
  return image ? imageScanner() : () => undefined;
}

function textScanner() {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return (piece: Uint8Array | null) => {
    let read: string;
    try {
      read = piece === null ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch (error) {
      throw typeRefused('What the file holds is not text in UTF-8.', { cause: error });
    }

    if (/[\u0000-\u0008\u000e-\u001f]/.test(read))
      throw typeRefused('What the file holds is not text: there are control characters in it.');
  };
}

function imageScanner() {
  let before = '';
  return (piece: Uint8Array | null) => {
    if (piece === null) return;
    const read = before + Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1');
    if (MARKUP.test(read)) throw imageRefused('The image holds a page or a document as well.');
    before = read.slice(-OVERLAP);
  };
}
