import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { execute, Prisma, PrismaService, rows, transaction } from '#database';
import { Handles, inBatches, type JobRun, Schedule } from '#jobs';
import { Logger } from '#telemetry';
import { type DeliverPayload, enqueueDelivery, GONE_AFTER, LATELY } from './dispatch.js';
import { purgeEvents, replay, replayPiece, type ReplayPayload } from './operations.js';

/** What waits for so long without being tried has lost its job. */
const FORGOTTEN = Prisma.sql`interval '1 minute'`;
const AT_ONCE = 500;

/** What keeps the log and its deliveries in order: lost jobs are found, replays run, what is old goes. */
@Injectable()
export class EventJobs {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly logger: Logger,
  ) {}

  @Handles(replay)
  async replay(payload: ReplayPayload, run: JobRun): Promise<void> {
    await run.once(this.prisma, (db) => replayPiece(db, payload));
  }

  /** Deliveries whose job somebody has discarded, or found no worker with their consumer, or was given up while the database was away. */
  @Schedule('events.sweep', '* * * * *')
  async sweep(): Promise<void> {
    const forgotten = await rows<DeliverPayload>(
      this.prisma,
      Prisma.sql`SELECT consumer, resource FROM (
          SELECT DISTINCT ON (consumer, resource) consumer, resource, status, coalesce(next_attempt_at, updated_at) AS due
          FROM event_deliveries WHERE status IN ('pending', 'stuck')
            AND consumer IN (SELECT consumer FROM event_subscriptions WHERE seen_at > now() - ${LATELY})
          ORDER BY consumer, resource, position
        ) first WHERE status = 'pending' AND due < now() - ${FORGOTTEN} ORDER BY due LIMIT ${AT_ONCE}`,
    );
    for (const delivery of forgotten) await enqueueDelivery(this.prisma, delivery);
  }

  @Schedule('events.purge', '17 * * * *')
  async purge({ signal }: JobRun): Promise<void> {
    await this.retire();
    const before = new Date(Date.now() - this.env.EVENTS_TTL_DAYS * 86_400_000);
    await inBatches(signal, (limit) => purgeEvents(this.prisma, before, limit));
  }

  /** What nobody will deal with any more must not keep its events for ever. */
  private async retire(): Promise<void> {
    const given = await transaction(this.prisma, async (db) => {
      await execute(db, Prisma.sql`DELETE FROM event_subscriptions WHERE seen_at < now() - ${GONE_AFTER}`);
      return execute(
        db,
        Prisma.sql`UPDATE event_deliveries SET status = 'discarded', last_error = 'No worker has this consumer any more.', updated_at = now()
          WHERE status IN ('pending', 'stuck') AND consumer NOT IN (SELECT consumer FROM event_subscriptions)`,
      );
    });
    if (given > 0) this.logger.warn({ deliveries: given }, 'Events were given up whose consumer no worker has any more');
  }
}
