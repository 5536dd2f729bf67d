import { type Db, execute, firstIdAt, Prisma, rows, transaction, type Tx } from '#database';
import { enqueue, job } from '#jobs';
import { IsBoolean, IsOptional, IsString } from 'class-validator';
import { enqueueDelivery } from './dispatch.js';
import { cursorAt, positionAt } from './log.js';

/** An event for a consumer, by both their names. */
export interface DeliveryKey {
  eventId: string;
  consumer: string;
}

/** Where a replay begins: behind an event's cursor, or with the events from a time on. */
export type ReplayStart = { after: string } | { since: Date };

export class ReplayPayload {
  @IsString()
  consumer: string;

  /** Cursors: what lies behind the first, up to the second. */
  @IsString()
  after: string;

  @IsString()
  until: string;

  /** Nothing older than this id. */
  @IsOptional()
  @IsString()
  sinceId?: string;

  /** Whether what the consumer has already dealt with is delivered again. */
  @IsBoolean()
  again: boolean;
}

/** Queues a stretch of the log for a consumer, a piece at a time. */
export const replay = job('events.replay', ReplayPayload);

/** How many places of the log are looked at in one transaction. */
const PIECE = 1_000n;
/** Events that were written at once may have got their places in another order than their ids: so many are looked at. */
const AT_ONCE = 1_000;

/** Whether some worker calls a consumer of this name. */
export async function isConsumer(db: Db, consumer: string): Promise<boolean> {
  return (await rows(db, Prisma.sql`SELECT FROM event_subscriptions WHERE consumer = ${consumer} LIMIT 1`)).length > 0;
}

/**
 * Has a consumer get the events from `start` to the present end of the log, those it has dealt with only when `again`. It gets them in the
 * order of each resource, each exactly once for this replay. Returns the cursors the replay lies between.
 */
export async function startReplay(
  db: Db,
  consumer: string,
  start: ReplayStart,
  { again = false } = {},
): Promise<{ after: string; until: string }> {
  const [log] = await rows<{ position: bigint }>(db, Prisma.sql`SELECT position FROM event_log`);
  const until = cursorAt(log!.position);
  if ('after' in start) {
    await enqueue(db, replay, { consumer, after: start.after, until, again });
    return { after: start.after, until };
  }
  const sinceId = firstIdAt(start.since);
  const [first] = await rows<{ position: bigint | null }>(
    db,
    Prisma.sql`SELECT min(position) AS position FROM
      (SELECT position FROM events WHERE id >= ${sinceId}::uuid AND position IS NOT NULL ORDER BY id LIMIT ${AT_ONCE}) earliest`,
  );
  const after = cursorAt((first?.position ?? log!.position + 1n) - 1n);
  await enqueue(db, replay, { consumer, after, until, sinceId, again });
  return { after, until };
}

/** One piece of a replay, and the rest of it as another job. */
export async function replayPiece(db: Tx, { consumer, after, until, sinceId, again }: ReplayPayload): Promise<void> {
  const [from, to] = [positionAt(after)!, positionAt(until)!];
  const end = from + PIECE < to ? from + PIECE : to;
  const resources = await rows<{ resource: string }>(
    db,
    Prisma.sql`
    WITH queued AS (
      INSERT INTO event_deliveries AS d (consumer, event_id, position, resource)
      SELECT ${consumer}, e.id, e.position, e.resource_type || ':' || e.resource_id FROM events e
      WHERE e.position > ${from} AND e.position <= ${end} AND e.id >= ${sinceId ?? firstIdAt(new Date(0))}::uuid
        AND e.name IN (SELECT event FROM event_subscriptions WHERE consumer = ${consumer})
      ON CONFLICT (event_id, consumer) DO UPDATE SET status = 'pending', attempts = 0, last_error = NULL, next_attempt_at = NULL, updated_at = now()
        WHERE d.status = 'stuck' OR (${again} AND d.status <> 'pending')
      RETURNING resource
    )
    SELECT DISTINCT resource FROM queued ORDER BY resource`,
  );
  for (const { resource } of resources) await enqueueDelivery(db, { consumer, resource });
  if (end < to) await enqueue(db, replay, { consumer, after: cursorAt(end), until, again, ...(sinceId !== undefined && { sinceId }) });
}

/** Tries a stuck event at once, with all its attempts before it. Says whether it was stuck. */
export async function retryDelivery(db: Db, key: DeliveryKey): Promise<boolean> {
  return settleStuck(db, key, Prisma.sql`status = 'pending', attempts = 0, next_attempt_at = NULL`);
}

/** Gives a stuck event up for this consumer, so that the later ones of its resource go on. Says whether it was stuck. */
export async function discardDelivery(db: Db, key: DeliveryKey): Promise<boolean> {
  return settleStuck(db, key, Prisma.sql`status = 'discarded'`);
}

async function settleStuck(db: Db, { eventId, consumer }: DeliveryKey, change: Prisma.Sql): Promise<boolean> {
  return transaction(db, async (tx) => {
    const [delivery] = await rows<{ resource: string }>(
      tx,
      Prisma.sql`UPDATE event_deliveries SET ${change}, updated_at = now()
        WHERE event_id = ${eventId}::uuid AND consumer = ${consumer} AND status = 'stuck' RETURNING resource`,
    );
    if (delivery === undefined) return false;
    await enqueueDelivery(tx, { consumer, resource: delivery.resource });
    return true;
  });
}

/** Removes events from before a time that every consumer is done with, the oldest first, at most `limit`. Returns how many. */
export async function purgeEvents(db: Db, before: Date, limit: number): Promise<number> {
  return execute(
    db,
    Prisma.sql`DELETE FROM events WHERE id IN (
      SELECT id FROM events e WHERE id < ${firstIdAt(before)}::uuid AND position IS NOT NULL
        AND NOT EXISTS (SELECT FROM event_deliveries d WHERE d.event_id = e.id AND d.status IN ('pending', 'stuck'))
      ORDER BY id LIMIT ${limit})`,
  );
}
