import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { execute, Prisma, PrismaService } from '#database';
import { inBatches } from './batches.js';
import { type JobRun, Schedule } from './jobs.decorator.js';

@Injectable()
export class PurgeJobs {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {}

  /** Forgets dead letters that nobody wanted, and effects of jobs that cannot be attempted any more. */
  @Schedule('jobs.purge', '47 * * * *')
  async purge({ signal }: JobRun): Promise<void> {
    await inBatches(signal, (limit) =>
      execute(
        this.prisma,
        Prisma.sql`SELECT id FROM graphile_worker.complete_jobs(ARRAY(
          SELECT id FROM graphile_worker.jobs WHERE attempts >= max_attempts AND locked_at IS NULL
            AND run_at < now() - make_interval(secs => ${this.env.JOBS_DEAD_TTL_SECONDS}) ORDER BY id LIMIT ${limit}))`,
      ),
    );
    // A day later, because a process that was only frozen may still be at its attempt.
    await inBatches(signal, (limit) =>
      execute(
        this.prisma,
        Prisma.sql`DELETE FROM job_effects WHERE (job_id, step) IN (
          SELECT job_id, step FROM job_effects AS effect WHERE done_at < now() - interval '1 day'
            AND NOT EXISTS (SELECT FROM graphile_worker.jobs WHERE jobs.id = effect.job_id) ORDER BY done_at LIMIT ${limit})`,
      ),
    );
  }
}
