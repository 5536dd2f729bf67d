import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Env } from '#config';
import { type Db, PrismaService, transaction, type Tx } from '#database';
import { AppError } from '#errors';
import { publish } from '#events';
import { type FileUpload, keyset, type Page, parseSort, readCursor, toPage } from '#http';
import { enqueue, Handles, type JobRun, Schedule } from '#jobs';
import type { Actor } from '#security';
import { BytesNotFound, Storage } from '#storage';
import { isMarkdown, isZip } from './archives.rules.js';
import { ImportersService, RIGHTS } from './importers.service.js';
import type { ImportOptionsQuery, ListImportsQuery } from './imports.dto.js';
import { importNotFound, importOver, importUnreadable, tooManyImports } from './imports.errors.js';
import { importEnded } from './imports.events.js';
import { type ImportPayload, importPosts } from './imports.jobs.js';
import { auditedImport, lockImports, type PostImport, type PostImportProblem, report, type Reported } from './imports.queries.js';
import { ImportRunsService } from './import-runs.service.js';

export type ReportedImport = PostImport & { problems: PostImportProblem[] };

const DAY_MS = 86_400_000;
/** An import that has not ended by then never will: its job is gone. */
const GIVEN_UP_MS = DAY_MS;
const HEAD_BYTES = 4;

/** Where the bytes of an import lie until it is over. */
const keyOf = (id: string) => `${id}.import`;

/** Archive that has arrived: in the storage, and not yet an import. */
interface Arrived {
  id: string;
  name: string;
  size: number;
  sha256: Buffer;
}

/** Imports of posts: asked for in a request, carried out by a job, and kept for a while with what became of each file. */
@Injectable()
export class ImportsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly storage: Storage,
    private readonly env: Env,
    private readonly importers: ImportersService,
    private readonly runs: ImportRunsService,
  ) {}

  /** Keeps what is sent, and has `keep` ask for its import. Of what is refused, breaks off or repeats an earlier call nothing is left. */
  async receive<Answer>(
    actor: Actor,
    options: ImportOptionsQuery,
    upload: FileUpload,
    keep: (arrived: Arrived) => Promise<Answer>,
  ): Promise<Answer> {
    await this.importers.check(actor, options);
    const id = randomUUIDv7();
    const forget = () => this.storage.delete(keyOf(id));
    try {
      const arrived = await upload.file(async ({ name, bytes }) => {
        const { size, sha256 } = await this.storage.put(keyOf(id), this.recognised(name, bytes), 'application/octet-stream');
        return { id, name: shortName(name), size, sha256 };
      });
      const answer = await keep(arrived);
      if ((await this.prisma.postImport.count({ where: { id } })) === 0) await forget();
      return answer;
    } catch (error) {
      // After another failure nobody knows whether it was committed: then the sweep of the storage decides.
      if (error instanceof AppError) await forget();
      throw error;
    }
  }

  /** Asks for the import of what has arrived. @throws posts/too-many-imports */
  async request(actor: Actor, options: ImportOptionsQuery, { id, name, size }: Arrived, db: Tx): Promise<ReportedImport> {
    await lockImports(db, actor.id);
    const underWay = await db.postImport.count({ where: { ownerId: actor.id, status: { in: ['pending', 'running'] } } });
    if (underWay >= this.env.POSTS_IMPORTS_AT_ONCE)
      throw tooManyImports(`${underWay} imports of yours are under way; wait for one of them to end, or cancel it.`);
    const made = await this.begin(actor, { id, name, size, options }, db);
    await enqueue(db, importPosts, { importId: id }, { key: id });
    return { ...made, problems: [] };
  }

  async list(actor: Actor, query: ListImportsQuery): Promise<Page<PostImport>> {
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const rows = await this.prisma.postImport.findMany({ where: { AND: [where, { ownerId: actor.id }] }, orderBy, take: query.limit + 1 });
    return toPage(
      rows,
      query,
      ({ createdAt }) => createdAt,
      (row) => row,
    );
  }

  async get(actor: Actor, id: string, db: Db = this.prisma): Promise<ReportedImport> {
    const found = await db.postImport.findUnique({ where: { id, ownerId: actor.id }, include: { problems: { orderBy: { id: 'asc' } } } });
    if (found === null) throw importNotFound('You have no import with this id.');
    return found;
  }

  /** Ends an import after the file that is being dealt with. What is there already stays. */
  async cancel(actor: Actor, id: string, db: Db = this.prisma): Promise<ReportedImport> {
    return transaction(db, async (tx) => {
      const where = { id, ownerId: actor.id, status: { in: ['pending' as const, 'running' as const] } };
      const { count } = await tx.postImport.updateMany({ where, data: { status: 'cancelled', completedAt: new Date() } });
      const now = await this.get(actor, id, tx);
      if (count === 0) throw importOver(`The import is ${now.status}; there is nothing to cancel.`);
      await this.tellEnd(actor, now, 'posts.import-cancelled', tx);
      return now;
    });
  }

  /** Carries an import out, or on from where an earlier attempt was ended. */
  @Handles(importPosts)
  async carryOut({ importId }: ImportPayload, run: JobRun): Promise<void> {
    const begun = await this.start(importId);
    if (begun !== null) {
      try {
        const archive = await this.storage.asFile(keyOf(importId), (path) => this.runs.carryOut(begun, path, run.signal));
        await this.end(begun, archive);
      } catch (error) {
        if (run.signal.aborted) throw error;
        if (!(error instanceof AppError || error instanceof BytesNotFound) && run.attempt < run.maxAttempts) throw error;
        await this.fail(begun, error);
        if (!(error instanceof AppError || error instanceof BytesNotFound)) throw error;
      }
    }
    // Where another run has taken over, that one needs the archive.
    const isNeeded = (await this.prisma.postImport.count({ where: { id: importId, completedAt: null } })) > 0;
    if (!isNeeded) await this.storage.delete(keyOf(importId));
  }

  /** Imports a folder of this machine, for the command line: the same, but here and now. */
  async importFolder(actor: Actor, options: ImportOptionsQuery, folder: string, told: (now: PostImport) => void): Promise<ReportedImport> {
    await this.importers.check(actor, options);
    const id = randomUUIDv7();
    await transaction(this.prisma, (db) => this.begin(actor, { id, name: shortName(folder), size: 0, options }, db));
    const begun = (await this.start(id))!;
    try {
      await this.end(begun, await this.runs.carryOutFolder(begun, folder, told));
    } catch (error) {
      await this.fail(begun, error);
      throw error;
    }
    return this.get(actor, id);
  }

  /** Removes what is old, and gives up what nobody carries out any more. */
  @Schedule('posts.imports-purge', '41 * * * *')
  async purge(): Promise<void> {
    const before = (ms: number) => ({ createdAt: { lt: new Date(Date.now() - ms) } });
    const lost = await this.prisma.postImport.findMany({ where: { ...before(GIVEN_UP_MS), status: { in: ['pending', 'running'] } } });
    for (const each of lost) {
      await this.fail(each, importUnreadable('The import was not carried out in time; import it again.'));
      await this.storage.delete(keyOf(each.id));
    }
    await this.prisma.postImport.deleteMany({ where: before(this.env.POSTS_IMPORTS_TTL_DAYS * DAY_MS) });
  }

  private async begin(
    actor: Actor,
    { id, name, size, options }: { id: string; name: string; size: number; options: ImportOptionsQuery },
    db: Tx,
  ): Promise<PostImport> {
    const { author = actor.id, dryRun, publish: publishes, overwrite } = options;
    const made = await db.postImport.create({
      data: {
        id,
        ownerId: actor.id,
        impersonatorId: actor.impersonatorId,
        authorId: author,
        name,
        size: BigInt(size),
        rights: RIGHTS.filter((right) => actor.can(right)),
        dryRun,
        publish: publishes,
        overwrite,
      },
    });
    await record(db, { actor, action: 'posts.import-requested', resource: auditedImport(id), subject: actor.id, after: made });
    return made;
  }

  /** The import, if it waits or was begun by a run that is no more. */
  private async start(id: string): Promise<PostImport | null> {
    await this.prisma.postImport.updateMany({ where: { id, status: 'pending' }, data: { status: 'running', startedAt: new Date() } });
    return this.prisma.postImport.findUnique({ where: { id, status: 'running' } });
  }

  private async end(begun: PostImport, isComplete: boolean): Promise<void> {
    if (!isComplete) return; // it was cancelled, or another run has taken over
    await this.close(begun, 'done', []);
  }

  private async fail(begun: PostImport, error: unknown): Promise<void> {
    const { code, message: detail } =
      error instanceof AppError
        ? error
        : error instanceof BytesNotFound
          ? importUnreadable('What was uploaded is gone; import it again.')
          : { code: 'internal', message: 'The import broke off, and is not tried again; what was written stays.' };
    await this.close(begun, 'failed', [{ file: '', line: null, code, detail }]);
  }

  private async close({ id, ownerId, impersonatorId }: PostImport, status: 'done' | 'failed', said: Reported[]): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const where = { id, status: { in: ['pending' as const, 'running' as const] } };
      const { count } = await db.postImport.updateMany({ where, data: { status, completedAt: new Date() } });
      if (count === 0) return;
      await report(db, id, said);
      const now = await db.postImport.findUniqueOrThrow({ where: { id } });
      await this.tellEnd({ id: ownerId, impersonatorId }, now, 'posts.import-ended', db);
    });
  }

  private async tellEnd(actor: Pick<Actor, 'id' | 'impersonatorId'>, now: PostImport, action: `posts.${string}`, db: Tx): Promise<void> {
    const { id, ownerId, status, created, updated, failed } = now;
    await record(db, { actor, action, resource: auditedImport(id), subject: ownerId, after: now });
    const payload = { importId: id, userId: ownerId, status, created, updated, failed };
    await publish(db, importEnded, payload, { actor, resource: { type: 'import', id }, subject: ownerId });
  }

  /** The bytes, if they begin as a ZIP does, or the name is that of a Markdown file. @throws posts/import-unreadable */
  private async *recognised(name: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let head: Buffer | null = Buffer.alloc(0);
    for await (const chunk of bytes) {
      if (head === null) {
        yield chunk;
        continue;
      }
      head = Buffer.concat([head, chunk]);
      if (head.length < HEAD_BYTES) continue;
      this.refuseUnknown(name, head);
      yield head;
      head = null;
    }
    if (head === null) return;
    this.refuseUnknown(name, head);
    yield head;
  }

  private refuseUnknown(name: string, head: Buffer): void {
    if (!isZip(head) && !isMarkdown(name)) throw importUnreadable('It is no ZIP, and its name is not that of a Markdown file.');
  }
}

/** The last part of what the sender calls it, on one line. */
function shortName(name: string): string {
  const last = name.split(/[/\\]/).filter(Boolean).at(-1) ?? 'import';
  return [...last.toWellFormed().replace(/[\u0000-\u001f\u007f]/g, '')].slice(0, 200).join('') || 'import';
}
