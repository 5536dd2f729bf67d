import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { execute, Prisma, PrismaService } from '#database';
import { inBatches, type JobRun, Schedule } from '#jobs';

/** Forgets carts that nobody comes back to. */
@Injectable()
export class CartsJobs {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {}

  @Schedule('carts.purge', '19 * * * *')
  async purge({ signal }: JobRun): Promise<void> {
    await inBatches(signal, (limit) =>
      execute(
        this.prisma,
        Prisma.sql`DELETE FROM carts WHERE id IN (SELECT id FROM carts
          WHERE updated_at < now() - make_interval(days => ${this.env.CARTS_KEPT_DAYS}::int) LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
      ),
    );
  }
}
