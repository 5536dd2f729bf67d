import { createHash, randomUUIDv7 } from 'node:crypto';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { type Db, execute, Prisma, PrismaService, rows, transaction } from '#database';
import { enqueue, Handles, type JobRun, Schedule } from '#jobs';
import { archive, inPieces } from './archive.js';
import type { ExportedFile } from './personal-data.js';
import { exportNotFound, exportNotReady } from './privacy.errors.js';
import { MakeExport, makeExport } from './privacy.jobs.js';
import { PersonalDataRegister } from './register.js';

export type PersonalExport = Prisma.PersonalExportGetPayload<object>;

const PIECE_BYTES = 512 * 1_024;
/** An export that has not become ready by then never will. */
const GIVEN_UP_MS = 24 * 3_600_000;

/** Copies of what is held about a person, for that person: one at a time, made by a job, kept for a while. */
@Injectable()
export class Exports {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly register: PersonalDataRegister,
  ) {}

  /** Asks for an export; one that is under way already is the answer to both. */
  async request(userId: string, db: Db = this.prisma): Promise<PersonalExport> {
    return transaction(db, async (tx) => {
      for (;;) {
        const [made] = await rows<{ id: string }>(
          tx,
          Prisma.sql`INSERT INTO personal_exports (id, user_id) VALUES (${randomUUIDv7()}::uuid, ${userId}::uuid)
            ON CONFLICT (user_id) WHERE status IN ('pending', 'running') DO NOTHING RETURNING id`,
        );
        if (made !== undefined) await enqueue(tx, makeExport, { exportId: made.id });
        const underWay = await tx.personalExport.findFirst({ where: { userId, status: { in: ['pending', 'running'] } } });
        if (underWay !== null) return underWay; // or it has become ready in this very moment
      }
    });
  }

  async get(userId: string, id: string): Promise<PersonalExport> {
    const found = await this.prisma.personalExport.findFirst({
      where: { id, userId, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] },
    });
    if (found === null) throw exportNotFound('You have no export with this id; it may have expired.');
    return found;
  }

  /** The archive, read piece by piece as it is sent. */
  async content(userId: string, id: string): Promise<{ bytes: Readable; size: number; sha256: Buffer; createdAt: Date }> {
    const { status, attempt, size, sha256, createdAt } = await this.get(userId, id);
    if (status !== 'ready') throw exportNotReady(`The export is ${status}; there is nothing to fetch.`);
    return {
      bytes: Readable.from(this.pieces(id, attempt), { objectMode: false }),
      size: Number(size),
      sha256: Buffer.from(sha256!),
      createdAt,
    };
  }

  /** Makes the archive; does nothing for one that is ready or gone. After the last attempt its person may ask for another. */
  @Handles(makeExport)
  async make({ exportId }: MakeExport, { attempt, maxAttempts, signal }: JobRun): Promise<void> {
    try {
      await this.build(exportId, signal);
    } catch (error) {
      if (attempt >= maxAttempts && !signal.aborted) await this.giveUp(exportId);
      throw error;
    }
  }

  /** Removes what has expired, and gives up what nobody makes any more. */
  @Schedule('privacy.purge', '17 * * * *')
  async purge(): Promise<void> {
    await this.prisma.personalExport.deleteMany({ where: { expiresAt: { lte: new Date() } } });
    const lost = await this.prisma.personalExport.findMany({
      where: { status: { in: ['pending', 'running'] }, createdAt: { lt: new Date(Date.now() - GIVEN_UP_MS) } },
      select: { id: true },
    });
    for (const { id } of lost) await this.giveUp(id);
  }

  private async build(id: string, signal: AbortSignal): Promise<void> {
    const run = await this.claim(id);
    if (run === undefined) return;
    const hash = createHash('sha256');
    let size = 0;
    let position = 0;
    for await (const piece of inPieces(archive(this.files(run.userId)), PIECE_BYTES)) {
      signal.throwIfAborted();
      hash.update(piece);
      size += piece.length;
      const kept = await execute(
        this.prisma,
        Prisma.sql`INSERT INTO personal_export_chunks (export_id, attempt, position, data)
          SELECT id, attempt, ${position++}, ${piece} FROM personal_exports WHERE id = ${id}::uuid AND attempt = ${run.attempt} AND status = 'running'`,
      );
      if (kept === 0) return; // its person was erased meanwhile, or another run has taken over
    }
    await transaction(this.prisma, async (db) => {
      const { count } = await db.personalExport.updateMany({
        where: { id, attempt: run.attempt, status: 'running' },
        data: { status: 'ready', size: BigInt(size), sha256: hash.digest(), completedAt: new Date(), expiresAt: this.expiry() },
      });
      // A person's exports never pile up.
      if (count === 1)
        await db.personalExport.deleteMany({ where: { userId: run.userId, id: { not: id }, status: { in: ['ready', 'failed'] } } });
    });
  }

  private async giveUp(id: string): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const { count } = await db.personalExport.updateMany({
        where: { id, status: { in: ['pending', 'running'] } },
        data: { status: 'failed', completedAt: new Date(), expiresAt: this.expiry() },
      });
      if (count === 1) await db.personalExportChunk.deleteMany({ where: { exportId: id } });
    });
  }

  private expiry(): Date {
    return new Date(Date.now() + this.env.PRIVACY_EXPORT_TTL_HOURS * 3_600_000);
  }

  /** This run's place: whatever an earlier one has written is void. */
  private async claim(id: string): Promise<{ userId: string; attempt: number } | undefined> {
    return transaction(this.prisma, async (db) => {
      const [run] = await rows<{ userId: string; attempt: number }>(
        db,
        Prisma.sql`UPDATE personal_exports SET status = 'running', attempt = attempt + 1
          WHERE id = ${id}::uuid AND status IN ('pending', 'running') RETURNING user_id AS "userId", attempt`,
      );
      if (run !== undefined) await db.personalExportChunk.deleteMany({ where: { exportId: id } });
      return run;
    });
  }

  private async *files(userId: string): AsyncGenerator<ExportedFile> {
    for (const data of this.register.all) yield* data.export(userId, this.prisma);
  }

  private async *pieces(exportId: string, attempt: number): AsyncGenerator<Buffer> {
    for (let position = 0; ; position++) {
      const [piece] = await rows<{ data: Buffer }>(
        this.prisma,
        Prisma.sql`SELECT data FROM personal_export_chunks WHERE export_id = ${exportId}::uuid AND attempt = ${attempt} AND position = ${position}`,
      );
      if (piece === undefined) return;
      yield piece.data;
    }
  }
}
