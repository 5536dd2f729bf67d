import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { Handles, type JobRun } from '#jobs';
import { Logger, withOrigin } from '#telemetry';
import { EventConsumers } from './consumers.js';
import { deliver, type DeliverPayload, enqueueDelivery, LATELY } from './dispatch.js';
import { EVENT_COLUMNS, type EventRow, publishedFrom } from './log.js';

/** An event that is the consumer's turn to deal with. */
interface Due extends EventRow {
  status: 'pending' | 'stuck';
  attempts: number;
  /** Set while the last failure is too fresh to try again. */
  notBefore: Date | null;
}

/** What became of one look at a consumer's events of a resource. */
type Step = { done: true } | { done: false; lookAgainAt: Date | null };

const NOTHING_LEFT: Step = { done: false, lookAgainAt: null };
/** How many events of one resource a job deals with before others have their turn. */
const TURN = 50;
const UNKNOWN_RETRY_MS = 1_000;
const LONGEST_ERROR = 500;
const LONGEST_DELAY_SECONDS = 3_600;

/**
 * Calls consumers. The row of a delivery is locked while its consumer runs in the very transaction that marks it as done: so its effect
 * happens once, whatever is killed when, and of one resource nothing overtakes what failed or is still under way.
 */
@Injectable()
export class EventDeliveries {
  constructor(
    private readonly prisma: PrismaService,
    private readonly consumers: EventConsumers,
    private readonly env: Env,
    private readonly logger: Logger,
  ) {}

  @Handles(deliver)
  async deliver(delivery: DeliverPayload, { signal }: JobRun): Promise<void> {
    for (let turn = 0; turn < TURN; turn++) {
      signal.throwIfAborted();
      const step = await this.next(delivery, signal);
      if (step.done) continue;
      if (step.lookAgainAt !== null) await enqueueDelivery(this.prisma, delivery, step.lookAgainAt);
      return;
    }
    await enqueueDelivery(this.prisma, delivery);
  }

  /** Deals with the earliest event that is left. */
  private async next(delivery: DeliverPayload, signal: AbortSignal): Promise<Step> {
    const consume = this.consumers.get(delivery.consumer);
    // Another worker, of another version, has it: it takes the job soon. If none has, the sweep tells the first that comes.
    if (consume === undefined) return (await this.isElsewhere(delivery)) ? later(UNKNOWN_RETRY_MS) : NOTHING_LEFT;
    let due: Due | undefined;
    try {
      return await transaction(this.prisma, async (db) => {
        due = await earliest(db, delivery);
        if (due === undefined || due.status === 'stuck') return NOTHING_LEFT;
        if (due.notBefore !== null) return { done: false, lookAgainAt: due.notBefore };
        await this.asOf(due, () => consume(publishedFrom(due!), db));
        // Who adds one of this resource while this job runs makes another job for it.
        const [left] = await rows<{ more: boolean }>(
          db,
          Prisma.sql`UPDATE event_deliveries SET status = 'done', attempts = attempts + 1, last_error = NULL, next_attempt_at = NULL, updated_at = now()
            WHERE event_id = ${due.id}::uuid AND consumer = ${delivery.consumer}
            RETURNING EXISTS (SELECT FROM event_deliveries d WHERE d.consumer = ${delivery.consumer} AND d.resource = ${delivery.resource}
              AND d.position > ${due.position} AND d.status IN ('pending', 'stuck')) AS more`,
        );
        return left?.more ? { done: true } : NOTHING_LEFT;
      });
    } catch (error) {
      // Before it was known which event it was, or because this process has to stop: nothing that the consumer could be blamed for.
      if (due === undefined || signal.aborted) throw error;
      return this.failed(delivery, due, error);
    }
  }

  /** With the request that caused the event, where logs and what the consumer enqueues name one. */
  private asOf<T>({ requestId, traceId }: Due, work: () => T): T {
    return requestId && traceId ? withOrigin({ requestId, traceId, ip: null, userAgent: null }, work) : work();
  }

  private async failed(delivery: DeliverPayload, { id, name, attempts }: Due, error: unknown): Promise<Step> {
    const stuck = attempts + 1 >= this.env.EVENTS_DELIVERY_ATTEMPTS;
    const delay = Math.min(2 ** attempts, LONGEST_DELAY_SECONDS) * (0.5 + Math.random() / 2);
    const [kept] = await rows<{ nextAttemptAt: Date | null }>(
      this.prisma,
      Prisma.sql`UPDATE event_deliveries SET status = ${stuck ? 'stuck' : 'pending'}::event_delivery_status, attempts = attempts + 1,
          last_error = ${textOf(error)}, next_attempt_at = ${stuck ? null : delay}::float8 * interval '1 second' + now(), updated_at = now()
        WHERE event_id = ${id}::uuid AND consumer = ${delivery.consumer} AND status = 'pending' RETURNING next_attempt_at AS "nextAttemptAt"`,
    );
    const context = { err: error, consumer: delivery.consumer, event: id, name, resource: delivery.resource, attempt: attempts + 1 };
    if (stuck) this.logger.error(context, 'An event is stuck: its consumer has failed too often, and the later ones of its resource wait');
    else this.logger.warn(context, 'A consumer has failed; it is tried again');
    return { done: false, lookAgainAt: kept?.nextAttemptAt ?? null };
  }

  private async isElsewhere({ consumer, resource }: DeliverPayload): Promise<boolean> {
    const left = await rows(
      this.prisma,
      Prisma.sql`SELECT FROM event_deliveries d WHERE consumer = ${consumer} AND resource = ${resource} AND status = 'pending'
        AND EXISTS (SELECT FROM event_subscriptions s WHERE s.consumer = d.consumer AND s.seen_at > now() - ${LATELY}) LIMIT 1`,
    );
    return left.length > 0;
  }
}

/** The earliest event that a consumer has not dealt with, locked. It waits for another that is at it, and does not skip it: nothing is overtaken. */
async function earliest(db: Tx, { consumer, resource }: DeliverPayload): Promise<Due | undefined> {
  const [due] = await rows<Due>(
    db,
    Prisma.sql`SELECT ${EVENT_COLUMNS}, d.status, d.attempts, CASE WHEN d.next_attempt_at > now() THEN d.next_attempt_at END AS "notBefore"
      FROM event_deliveries d JOIN events e ON e.id = d.event_id
      WHERE d.consumer = ${consumer} AND d.resource = ${resource} AND d.status IN ('pending', 'stuck')
      ORDER BY d.position LIMIT 1 FOR UPDATE OF d`,
  );
  return due;
}

function later(ms: number): Step {
  return { done: false, lookAgainAt: new Date(Date.now() + ms) };
}

function textOf(error: unknown): string {
  return String(error instanceof Error ? `${error.name}: ${error.message}` : error).slice(0, LONGEST_ERROR);
}
