import { open } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { PrismaService, transaction, type Tx } from '#database';
import { AppError } from '#errors';
import type { Actor } from '#security';
import { isZip } from './archives.rules.js';
import { type Archive, type ArchivedFile, ArchivesService } from './archives.service.js';
import type { FileProblem } from './front-matter.rules.js';
import { ImportersService } from './importers.service.js';
import {
  countFile,
  isSame,
  lockImports,
  MOST_PROBLEMS,
  type PostImport,
  report,
  type Reported,
  sha256,
  takeFile,
} from './imports.queries.js';
import { readDraft } from './drafts.jobs.js';
import { LONGEST_FILE, readText } from './drafts.rules.js';
import { type Brought, ImportedPostsService, type ImportedFile } from './imported-posts.service.js';
import { type Pictures, PicturesService } from './pictures.service.js';

/** What one run remembers from file to file. */
interface Memory {
  actor: Actor;
  pictures: Pictures;
  /** Slugs that a rehearsal has given away. */
  slugs: Set<string>;
}

/** How a rehearsal takes back what it wrote. */
class Rehearsed extends Error {
  constructor(readonly brought: Brought) {
    super('rehearsed');
  }
}

/** Another run has taken the file, or the import was cancelled. */
class Overtaken extends Error {}

/** So many files may pass before it is asked again what the owner may do. */
const ASKED_EVERY = 20;

/** One pass over the files of an import: each in a transaction of its own, which also counts it, so that it is dealt with once. */
@Injectable()
export class ImportRunsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly archives: ArchivesService,
    private readonly posts: ImportedPostsService,
    private readonly pictures: PicturesService,
    private readonly importers: ImportersService,
  ) {}

  /** Takes in the ZIP, or the file, that lies at `path`; says whether it got to its end. */
  async carryOut(begun: PostImport, path: string, signal: AbortSignal): Promise<boolean> {
    const file = await open(path);
    const { buffer: head } = await file.read({ buffer: Buffer.alloc(4), position: 0 }).finally(() => file.close());
    const work = (archive: Archive) => this.through(begun, archive, signal);
    if (isZip(head)) return this.archives.unzip(path, work);
    return work(this.archives.single({ path: begun.name, size: Number(begun.size), open: async () => createReadStream(path) }));
  }

  async carryOutFolder(begun: PostImport, folder: string, told: (now: PostImport) => void): Promise<boolean> {
    return this.through(begun, await this.archives.folder(folder), new AbortController().signal, told);
  }

  private async through(begun: PostImport, archive: Archive, signal: AbortSignal, told?: (now: PostImport) => void): Promise<boolean> {
    const { id } = begun;
    let now = await this.survey(begun, archive);
    const pictures = { archive, taken: new Map(), keep: !begun.dryRun };
    const memory: Memory = { actor: await this.importers.actorOf(begun), pictures, slugs: new Set() };
    try {
      for (let number = now.done; number < archive.files.length; number++) {
        signal.throwIfAborted();
        if (number % ASKED_EVERY === 0) memory.actor = await this.importers.actorOf(begun);
        await this.takeIn(now, number, archive.files[number]!, memory);
        if (told) told((now = await this.prisma.postImport.findUniqueOrThrow({ where: { id } })));
      }
      return true;
    } catch (error) {
      if (error instanceof Overtaken) return false;
      throw error;
    }
  }

  /** Writes down, once, how many files there are, and which were passed over. */
  private async survey({ id }: PostImport, { files, problems, notes }: Archive): Promise<PostImport> {
    return transaction(this.prisma, async (db) => {
      const data = { of: files.length, failed: problems.length };
      const { count } = await db.postImport.updateMany({ where: { id, of: null }, data });
      if (count === 1) await report(db, id, [...problems.slice(0, MOST_PROBLEMS), ...notes.map((note) => ({ ...note, note: true }))]);
      return db.postImport.findUniqueOrThrow({ where: { id } });
    });
  }

  private async takeIn(now: PostImport, number: number, archived: ArchivedFile, memory: Memory): Promise<void> {
    const refused = (problems: FileProblem[]): Brought => ({ outcome: 'failed', postId: null, problems, notes: [] });
    const settle = async (brought: Brought, db: Tx) => {
      await countFile(db, now.id, brought.outcome);
      await report(db, now.id, saidOf(archived.path, brought));
    };
    const take = async (db: Tx) => {
      if (!(await takeFile(db, now.id, number))) throw new Overtaken();
    };
    const alone = (brought: Brought) =>
      transaction(this.prisma, async (db) => {
        await take(db);
        await settle(brought, db);
      });

    const read = await this.read(archived);
    if ('problems' in read) return alone(refused(read.problems));
    const file = await this.illustrate(now, read, memory);
    if (now.dryRun && file.draft.slugIsGiven && memory.slugs.has(file.draft.post.slug!))
      return alone(refused([{ line: null, code: 'posts/slug-taken', detail: 'Another file of this import has this slug.' }]));
    try {
      await transaction(this.prisma, async (db) => {
        await lockImports(db, now.authorId);
        await take(db);
        const brought = await this.posts.bring(memory.actor, file, now, db);
        if (now.dryRun) throw new Rehearsed(brought);
        await settle(brought, db);
      });
    } catch (error) {
      if (error instanceof Rehearsed) {
        if (file.draft.post.slug !== undefined) memory.slugs.add(file.draft.post.slug);
        return alone(error.brought);
      }
      // What the API would answer somebody who wrote this post.
      if (error instanceof AppError) return alone(refused([{ line: null, code: error.code, detail: error.message }]));
      throw error;
    }
  }

  private async read(archived: ArchivedFile): Promise<ImportedFile | { problems: FileProblem[] }> {
    const bytes = await archived.open().then(wholeOf, damaged);
    if (!Buffer.isBuffer(bytes)) return { problems: [bytes] };
    const text = readText(bytes);
    if (typeof text !== 'string') return { problems: [text] };
    const read = readDraft(archived.path, text);
    return 'problems' in read ? read : { path: archived.path, digest: sha256(bytes), ...read };
  }

  /** The file with the pictures that its text shows, and the one above it; a file that has not changed is left as it is. */
  private async illustrate(now: PostImport, file: ImportedFile, { actor, pictures }: Memory): Promise<ImportedFile> {
    const { draft } = file;
    if (draft.cover === null && !draft.post.body.includes('![')) return file;
    if (!now.overwrite && (await isSame(this.prisma, now.authorId, file.path, file.digest))) return file;
    const { notes, ...shown } = await this.pictures.take(actor, file.path, draft, pictures);
    return { ...file, draft: { ...draft, post: { ...draft.post, ...shown } }, notes: [...file.notes, ...notes] };
  }
}

/** A note counts files, however often it is true of one. */
function saidOf(file: string, { problems, notes }: Brought): Reported[] {
  const different = new Map(notes.map((note) => [`${note.code} ${note.detail}`, note]));
  return [...problems.map((problem) => ({ file, ...problem })), ...[...different.values()].map((note) => ({ file, note: true, ...note }))];
}

/** A file of an archive is small; one that has more bytes than it says fails while it is read. */
async function wholeOf(bytes: Readable): Promise<Buffer | FileProblem> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > LONGEST_FILE) return { line: null, code: 'too-large', detail: `A file may have ${LONGEST_FILE} bytes.` };
      chunks.push(chunk);
    }
  } catch (error) {
    return damaged(error);
  }
  return Buffer.concat(chunks);
}

/** What is wrong with the archive is a problem of the file; what is wrong with this machine is none. */
function damaged(error: unknown): FileProblem {
  const { syscall, code } = error as NodeJS.ErrnoException;
  if (syscall === undefined)
    return { line: null, code: 'damaged', detail: 'The file cannot be unpacked: it is damaged, or packed in a way that is not known.' };
  if (code === 'EACCES' || code === 'ENOENT') return { line: null, code: 'unreadable', detail: 'The file may not be read, or is gone.' };
  throw error;
}
