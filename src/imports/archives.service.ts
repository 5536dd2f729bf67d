import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { type Entry, getFileNameLowLevel, openPromise, validateFileName, type ZipFile } from 'yauzl';
import { isMarkdown } from './archives.rules.js';
import type { FileProblem } from './front-matter.rules.js';
import { importTooLarge, importUnreadable } from './imports.errors.js';
import { LONGEST_FILE } from './drafts.rules.js';

/** A file that is read when it is asked for. */
export interface ArchivedFile {
  path: string;
  /** As it is declared; not more than that is ever read. */
  size: number;
  open(): Promise<Readable>;
}

/** What is in an archive or a folder: names and sizes. */
export interface Archive {
  /** Of Markdown, in the order of their paths. */
  files: ArchivedFile[];
  pictures: Map<string, ArchivedFile>;
  /** Of files that are passed over. */
  problems: ({ file: string } & FileProblem)[];
  /** Each once, with the first file and how many there are. */
  notes: ({ file: string; count: number } & FileProblem)[];
}

const PICTURE = /\.(?:jpe?g|png|gif|webp|avif|svg)$/i;
const PACKED = /\.(?:zip|tar|tgz|gz|bz2|xz|7z|rar)$/i;
/** What computers and tools leave in folders. */
const LITTER = /(?:^|\/)(?:__MACOSX|node_modules|\.[^/]*)(?:\/|$)/;
const LONGEST_PATH = 400;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const UTF_8 = 0x800;

/** ZIPs and folders of files. Nothing is unpacked to a disk, no name becomes a path, and of what is inside one file at a time is read. */
@Injectable()
export class ArchivesService {
  constructor(private readonly env: Env) {}

  /** Hands `work` what is in the ZIP at `path`, which stays open as long. @throws posts/import-unreadable, posts/import-too-large */
  async unzip<T>(path: string, work: (archive: Archive) => Promise<T>): Promise<T> {
    const zip = await openPromise(path, { autoClose: false, decodeStrings: false }).catch((cause: unknown) => {
      throw unreadable(cause);
    });
    try {
      return await work(await this.listZip(zip));
    } finally {
      zip.close();
    }
  }

  /** What is in a folder; links are not followed. @throws posts/import-too-large */
  async folder(root: string): Promise<Archive> {
    const listing = new Listing(this.env);
    const visit = async (folder: string): Promise<void> => {
      for await (const { name } of await opendir(join(root, folder))) {
        const path = posix.join(folder, name);
        const facts = await lstat(join(root, path));
        if (facts.isDirectory()) {
          if (!LITTER.test(path)) await visit(path);
        } else listing.add({ path, size: facts.size, open: async () => createReadStream(join(root, path)) }, { isLink: !facts.isFile() });
      }
    };
    await visit('');
    return listing.close();
  }

  /** One file alone. */
  single(file: ArchivedFile): Archive {
    const listing = new Listing(this.env);
    listing.add(file);
    return listing.close();
  }

  private async listZip(zip: ZipFile): Promise<Archive> {
    const listing = new Listing(this.env);
    try {
      for await (const entry of zip.eachEntry()) {
        // Some that write UTF-8 do not say so.
        const flags = entry.generalPurposeBitFlag | (isUtf8(entry.fileNameRaw) ? UTF_8 : 0);
        const name = getFileNameLowLevel(flags, entry.fileNameRaw, entry.extraFields, false);
        if (name.endsWith('/')) listing.count();
        else {
          const { externalFileAttributes: attributes, uncompressedSize: size } = entry;
          const isEncrypted = entry.isEncrypted();
          forgetTexts(entry);
          listing.add(
            { path: name, size, open: () => zip.openReadStreamPromise(entry) },
            { isLink: ((attributes >>> 16) & S_IFMT) === S_IFLNK, isEncrypted },
          );
        }
      }
    } catch (cause) {
      if ((cause as { code?: string }).code?.startsWith('posts/')) throw cause;
      throw unreadable(cause);
    }
    return listing.close();
  }
}

/** Counts and sorts what is found. */
class Listing {
  private readonly archive: Archive = { files: [], pictures: new Map(), problems: [], notes: [] };
  private readonly paths = new Set<string>();
  private files = 0;
  private bytes = 0;

  constructor(private readonly env: Env) {}

  /** @throws posts/import-too-large */
  count(size = 0): void {
    this.files += 1;
    this.bytes += size;
    const { POSTS_IMPORT_MAX_FILES: most, POSTS_IMPORT_UNPACKED_BYTES: largest } = this.env;
    if (this.files > most) throw importTooLarge(`There are more than ${most} files; import them in parts.`);
    if (this.bytes > largest) throw importTooLarge(`Unpacked, the files come to more than ${largest} bytes; import them in parts.`);
  }

  add(file: ArchivedFile, { isLink = false, isEncrypted = false } = {}): void {
    this.count(file.size);
    const path = posix.normalize(file.path.normalize('NFC'));
    const refuse = (code: string, detail: string) => this.archive.problems.push({ file: shown(path), line: null, code, detail });
    const isWanted = isMarkdown(path) || PICTURE.test(path);
    if (path.length > LONGEST_PATH || /[\u0000-\u001f\u007f\ufffd]/.test(path) || !path.isWellFormed())
      return void refuse('bad-name', 'The name is longer than a path may be, or holds control characters.');
    if (validateFileName(file.path) !== null) return void refuse('bad-name', 'The name leads out of the archive.');
    if (LITTER.test(path)) return;
    if (isLink && isWanted) return void refuse('link', 'The file is a link; links are not followed.');
    if (isEncrypted) return void refuse('encrypted', 'The file is encrypted; pack it without a password.');
    if (PACKED.test(path)) return void this.note(path, 'nested-archive', 'Archives within archives are not opened.');
    if (!isWanted) return void this.note(path, 'not-markdown', 'Neither Markdown nor a picture.');
    if (this.paths.has(path)) return void refuse('duplicate-name', 'The archive holds two files of this name; the first one counts.');
    this.paths.add(path);
    if (PICTURE.test(path)) this.archive.pictures.set(path, { ...file, path });
    else if (file.size > LONGEST_FILE) refuse('too-large', `A file may have ${LONGEST_FILE} bytes.`);
    else this.archive.files.push({ ...file, path });
  }

  close(): Archive {
    this.archive.files.sort((one, two) => (one.path < two.path ? -1 : 1));
    return this.archive;
  }

  private note(path: string, code: string, detail: string): void {
    const same = this.archive.notes.find((note) => note.code === code);
    if (same === undefined) this.archive.notes.push({ file: shown(path), line: null, code, detail, count: 1 });
    else same.count += 1;
  }
}

/** What is not needed for reading an entry may be 64 kB each, of thousands of them. */
function forgetTexts(entry: Entry): void {
  const nothing = Buffer.alloc(0);
  Object.assign(entry, {
    fileNameRaw: nothing,
    fileName: nothing,
    extraFieldRaw: nothing,
    extraFields: [],
    fileCommentRaw: nothing,
    fileComment: nothing,
    comment: nothing,
  });
}

function shown(path: string): string {
  const plain = path.replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, '?').toWellFormed();
  return plain.length > LONGEST_PATH ? `${plain.slice(0, LONGEST_PATH).toWellFormed()}…` : plain;
}

function unreadable(cause: unknown): Error {
  return importUnreadable('The ZIP is damaged, or of a kind that cannot be read.', { cause });
}
