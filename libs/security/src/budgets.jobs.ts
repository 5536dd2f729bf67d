import { Injectable } from '@nestjs/common';
import { execute, Prisma, PrismaService } from '#database';
import { inBatches, type JobRun, Schedule } from '#jobs';

@Injectable()
export class BudgetsJobs {
  constructor(private readonly prisma: PrismaService) {}

  /** Forgets the failures of windows that are over. One whose attempts are still evaluated is let be. */
  @Schedule('budgets.purge', '37 * * * *')
  async purge({ signal }: JobRun): Promise<void> {
    await inBatches(signal, (limit) =>
      execute(
        this.prisma,
        Prisma.sql`DELETE FROM budgets WHERE bucket IN (
          SELECT bucket FROM budgets WHERE window_ends_at < now() AND NOT now() < ANY (leases) ORDER BY window_ends_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
      ),
    );
  }
}
