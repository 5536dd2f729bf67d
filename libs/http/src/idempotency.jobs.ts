import { Injectable } from '@nestjs/common';
import { execute, Prisma, PrismaService } from '#database';
import { inBatches, type JobRun, Schedule } from '#jobs';

@Injectable()
export class IdempotencyJobs {
  constructor(private readonly prisma: PrismaService) {}

  /** Forgets answers whose time is over (`IDEMPOTENCY_TTL_SECONDS`). */
  @Schedule('idempotency.purge', '7 * * * *')
  async purge({ signal }: JobRun): Promise<void> {
    await inBatches(signal, (limit) =>
      execute(
        this.prisma,
        Prisma.sql`DELETE FROM idempotency_keys WHERE (scope, key) IN (
          SELECT scope, key FROM idempotency_keys WHERE expires_at < now() ORDER BY expires_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
      ),
    );
  }
}
