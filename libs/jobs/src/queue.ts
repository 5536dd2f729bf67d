import { Injectable } from '@nestjs/common';
import { type Db, Prisma, PrismaService, rows, signal } from '#database';
import { type Envelope, WAKE } from './job.js';
import { workerSchemaFault } from './schema.js';

export const JOB_STATUSES = ['waiting', 'running', 'retrying', 'dead'] as const;
/** `waiting` for its time or a worker, `running`, `retrying` after a failure, or `dead`: failed for good, and kept until somebody decides. */
export type JobStatus = (typeof JOB_STATUSES)[number];

/** A job in the queue. One that is done is gone. */
export interface QueuedJob {
  /** A positive whole number as text; larger for what was enqueued later. */
  id: string;
  name: string;
  status: JobStatus;
  attempts: number;
  maxAttempts: number;
  /** Not before this time. */
  runAt: Date;
  /** Since when it runs. */
  startedAt: Date | null;
  lastError: string | null;
  createdAt: Date;
}

/** A job with what it is about, which may be somebody's personal data. */
export interface QueuedJobWithPayload extends QueuedJob {
  payload: object;
  /** Of the request that asked for it. */
  requestId: string | null;
}

const IS: Record<JobStatus, Prisma.Sql> = {
  waiting: Prisma.sql`locked_at IS NULL AND attempts = 0`,
  running: Prisma.sql`locked_at IS NOT NULL`,
  retrying: Prisma.sql`locked_at IS NULL AND attempts BETWEEN 1 AND max_attempts - 1`,
  dead: Prisma.sql`locked_at IS NULL AND attempts >= max_attempts`,
};
const STATUS = Prisma.sql`CASE ${Prisma.join(
  JOB_STATUSES.map((status) => Prisma.sql`WHEN ${IS[status]} THEN ${Prisma.raw(`'${status}'`)}`),
  ' ',
)} END`;
const MEMBERS = Prisma.sql`id::text AS id, task_identifier AS name, ${STATUS} AS status, attempts, max_attempts AS "maxAttempts", run_at AS "runAt",
  locked_at AS "startedAt", last_error AS "lastError", created_at AS "createdAt"`;

/** The queue as its operators see and change it. */
@Injectable()
export class JobQueue {
  constructor(private readonly prisma: PrismaService) {}

  /** Whether the queue's schema, which `npm run db:migrate` brings, is there for this build. A newer one serves, too. */
  async isMigrated(): Promise<boolean> {
    const fault = await workerSchemaFault((sql) => rows(this.prisma, Prisma.raw(sql)));
    return fault === undefined || fault === 'newer';
  }

  /** The newest first; `before` is the id of the last one of the page before. */
  async list(filter: { status?: JobStatus; name?: string; before?: string; limit: number }): Promise<QueuedJob[]> {
    const { status, name, before, limit } = filter;
    const wanted = [
      Prisma.sql`TRUE`,
      ...(status === undefined ? [] : [IS[status]]),
      ...(name === undefined ? [] : [Prisma.sql`task_identifier = ${name}`]),
      ...(before === undefined ? [] : [Prisma.sql`id < ${before}::bigint`]),
    ];
    return rows<QueuedJob>(
      this.prisma,
      Prisma.sql`SELECT ${MEMBERS} FROM graphile_worker.jobs WHERE ${Prisma.join(wanted, ' AND ')} ORDER BY jobs.id DESC LIMIT ${limit}`,
    );
  }

  async find(id: string, db: Db = this.prisma): Promise<QueuedJobWithPayload | null> {
    // The view shows no payloads; the table beneath it is not graphile-worker's promise, so a test watches it.
    const [found] = await rows<QueuedJob & { envelope: Envelope }>(
      db,
      Prisma.sql`SELECT ${MEMBERS}, (SELECT payload FROM graphile_worker._private_jobs AS private WHERE private.id = jobs.id) AS envelope
        FROM graphile_worker.jobs WHERE id = ${id}::bigint`,
    );
    if (found === undefined) return null;
    const { envelope, ...queued } = found;
    return { ...queued, payload: envelope.payload ?? {}, requestId: envelope.origin?.requestId ?? null };
  }

  /** Has it tried again now, with all its attempts. False when it runs, or is not there. */
  async retry(id: string, db: Db = this.prisma): Promise<boolean> {
    const changed = await rows(
      db,
      Prisma.sql`SELECT id FROM graphile_worker.reschedule_jobs(ARRAY[${id}::bigint], run_at => now(), attempts => 0)`,
    );
    if (changed.length > 0) signal(db, WAKE, 'retry');
    return changed.length > 0;
  }

  /** Takes it out of the queue. False when it runs, or is not there. */
  async discard(id: string, db: Db = this.prisma): Promise<boolean> {
    return (await rows(db, Prisma.sql`SELECT id FROM graphile_worker.complete_jobs(ARRAY[${id}::bigint])`)).length > 0;
  }
}
