import { execute, Prisma, type PrismaService, rows, transaction, type Tx } from '#database';
import { enqueue, job } from '#jobs';
import { IsString } from 'class-validator';
import { tellExtended } from './broadcast.js';

export class DeliverPayload {
  @IsString()
  consumer: string;

  /** `type:id` */
  @IsString()
  resource: string;
}

/** Has a consumer deal with what it has not dealt with yet of one resource. */
export const deliver = job('events.deliver', DeliverPayload);

/** How many events get their place in one transaction. */
export const BATCH = 200;

/** A consumer that no worker has named for so long gets nothing any more. */
export const GONE_AFTER = Prisma.sql`interval '1 day'`;
/** A consumer that was named within this time has a worker now; they name theirs twice a minute. */
export const LATELY = Prisma.sql`interval '2 minutes'`;

interface Placed {
  events: number;
  deliveries: DeliverPayload[];
}

/**
 * Gives what has been committed since the last time its place in the log, at most `BATCH` events, and the consumers their share. One
 * transaction at a time does so, over all processes; another finds nothing to do. Returns how many events there were.
 *
 * The places follow `seq`. Of two events about a resource whose row both transactions lock, the earlier one is committed before the later
 * one is written, so whoever sees the later sees the earlier, too: it comes first. Transaction ids would not do: a transaction may have got
 * its id long before it gets the lock.
 */
export async function dispatch(prisma: PrismaService): Promise<number> {
  const waiting = await rows(prisma, Prisma.sql`SELECT FROM events WHERE position IS NULL LIMIT 1`);
  if (waiting.length === 0) return 0;
  return transaction(prisma, async (db) => {
    // A statement of its own: one that saw the table before it had the lock would place again what another has placed meanwhile.
    const lock = await rows<{ position: bigint }>(db, Prisma.sql`SELECT position FROM event_log FOR UPDATE SKIP LOCKED`);
    if (lock.length === 0) return 0;
    const { position } = lock[0]!;
    const { events, deliveries } = await place(db, position);
    for (const delivery of deliveries) await enqueueDelivery(db, delivery);
    if (events > 0) tellExtended(db, position, position + BigInt(events));
    return events;
  });
}

/** One job for each consumer and resource, however much there is to deliver. */
export async function enqueueDelivery(db: Tx | PrismaService, delivery: DeliverPayload, runAt?: Date): Promise<void> {
  await enqueue(db, deliver, delivery, { key: `${delivery.consumer} ${delivery.resource}`, ...(runAt && { runAt }) });
}

async function place(db: Tx, head: bigint): Promise<Placed> {
  const [placed] = await rows<Placed>(
    db,
    Prisma.sql`
    WITH placed AS (
      UPDATE events e SET position = ${head}::bigint + new.nth
      FROM (SELECT id, row_number() OVER (ORDER BY seq) AS nth FROM (SELECT id, seq FROM events WHERE position IS NULL ORDER BY seq LIMIT ${BATCH}) oldest) new
      WHERE e.id = new.id
      RETURNING e.id, e.position, e.name, e.resource_type || ':' || e.resource_id AS resource
    ),
    share AS (
      INSERT INTO event_deliveries (consumer, event_id, position, resource)
      SELECT s.consumer, placed.id, placed.position, placed.resource
      FROM placed JOIN event_subscriptions s ON s.event = placed.name AND s.seen_at > now() - ${GONE_AFTER}
      RETURNING consumer, resource
    )
    SELECT (SELECT count(*)::int FROM placed) AS events,
      coalesce((SELECT jsonb_agg(DISTINCT jsonb_build_object('consumer', consumer, 'resource', resource)) FROM share), '[]') AS deliveries`,
  );
  await execute(db, Prisma.sql`UPDATE event_log SET position = position + ${placed!.events}`);
  return placed!;
}
