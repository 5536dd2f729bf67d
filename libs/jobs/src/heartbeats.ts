import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { execute, Prisma, PrismaService, rows, signal, transaction, type Tx } from '#database';
import { Logger } from '#telemetry';
import { WAKE } from './job.js';

const BEAT_MS = 3_000;
const SILENCE_SECONDS = 15;
/** Whoever was silent itself cannot tell whether the others were: it gives them this long to be heard. */
const SETTLE_MS = (SILENCE_SECONDS + 1) * 1_000;

const SILENT = Prisma.sql`seen_at < now() - make_interval(secs => ${SILENCE_SECONDS})`;
/** A job whose work another with the same key has taken over: it is over, not dead, though graphile-worker has spent its attempts. */
export const REPLACED = `(j.key IS NULL AND j.payload ->> 'key' IS NOT NULL)`;
const DIED = 'The process that ran it died, at the last attempt.';

/**
 * Says which pools of workers live, and takes the jobs of those that have fallen silent for 15 seconds (`kill -9`, a lost machine) back
 * from them. graphile-worker alone would wait for four hours.
 */
@Injectable()
export class Heartbeats {
  constructor(
    private readonly prisma: PrismaService,
    private readonly logger: Logger,
  ) {}

  /** Resolves when the pool is known to all, before which it must take no job; `lost` is called when the others have taken it for dead. */
  async begin(pool: string, lost: () => void): Promise<Heart> {
    await execute(this.prisma, Prisma.sql`INSERT INTO job_workers (id) VALUES (${pool})`);
    const stopped = new AbortController();
    const beating = this.beat(pool, lost, stopped.signal);
    return {
      stop: async () => {
        stopped.abort();
        await beating;
        await transaction(this.prisma, async (db) => {
          // A pool that has lost its connections still holds jobs, which nobody would find once it is not known any more.
          await giveBack([pool], db);
        });
      },
    };
  }

  private async beat(pool: string, lost: () => void, stopped: AbortSignal): Promise<void> {
    let heard = performance.now();
    let mayJudgeAt = heard + SETTLE_MS;
    while (await pause(stopped)) {
      try {
        const known = await execute(this.prisma, Prisma.sql`UPDATE job_workers SET seen_at = now() WHERE id = ${pool}`);
        if (known === 0) return lost();
        const now = performance.now();
        if (now - heard > BEAT_MS * 3) mayJudgeAt = now + SETTLE_MS;
        heard = now;
        if (now >= mayJudgeAt) await this.takeBack();
      } catch (error) {
        this.logger.warn({ err: error }, 'The workers of this process could not say that they live; trying again');
      }
    }
  }

  private async takeBack(): Promise<void> {
    const silent = await rows(this.prisma, Prisma.sql`SELECT FROM job_workers WHERE ${SILENT} LIMIT 1`);
    if (silent.length === 0) return;
    await transaction(this.prisma, async (db) => {
      const dead = await ids(db, Prisma.sql`SELECT id FROM job_workers WHERE ${SILENT} FOR UPDATE SKIP LOCKED`);
      if (dead.length === 0) return;
      await giveBack(dead, db);
      signal(db, WAKE, 'given-back');
      this.logger.warn({ workers: dead }, 'Workers have fallen silent; their jobs are given to others');
    });
  }
}

/** The heartbeat of one pool. */
export interface Heart {
  stop(): Promise<void>;
}

/** Frees the jobs of these pools, which are no more. */
async function giveBack(pools: string[], db: Tx): Promise<void> {
  const spent = await rows<{ id: string; replaced: boolean }>(
    db,
    Prisma.sql`SELECT id::text AS id, ${Prisma.raw(REPLACED)} AS replaced FROM graphile_worker._private_jobs j WHERE locked_by = ANY (${pools}) AND attempts >= max_attempts`,
  );
  await execute(db, Prisma.sql`SELECT graphile_worker.force_unlock_workers(${pools})`);
  const [replaced, lost] = [true, false].map((which) => spent.filter((job) => job.replaced === which).map(({ id }) => id));
  await execute(db, Prisma.sql`SELECT FROM graphile_worker.complete_jobs(${replaced}::bigint[])`);
  // Nobody will try these again, so they say why.
  await execute(db, Prisma.sql`SELECT FROM graphile_worker.permanently_fail_jobs(${lost}::bigint[], ${DIED})`);
  await execute(db, Prisma.sql`DELETE FROM job_workers WHERE id = ANY (${pools})`);
}

async function ids(db: Parameters<typeof rows>[0], sql: Prisma.Sql): Promise<string[]> {
  return (await rows<{ id: string }>(db, sql)).map(({ id }) => id);
}

/** False when it is over. */
async function pause(stopped: AbortSignal): Promise<boolean> {
  try {
    return await sleep(BEAT_MS, true, { signal: stopped, ref: false });
  } catch (error) {
    if (stopped.aborted) return false;
    throw error;
  }
}
