import { randomUUIDv7 } from 'node:crypto';
import { type Db, execute, Prisma, rows, type Tx, type WebhookDeliveryStatus } from '#database';
import { enqueue } from '#jobs';
import type { Position } from '#http';
import type { ListWebhookDeliveriesQuery } from './deliveries.dto.js';
import { attemptDelivery, attemptKey, resumeEndpoint } from './webhooks.jobs.js';
import type { Endpoint } from './webhooks.queries.js';
import { type Health, type Limits, places } from './webhooks.rules.js';

/** What was sent at one attempt, and what came back. */
export interface Attempt {
  number: number;
  startedAt: string;
  durationMs: number;
  sentHeaders: Record<string, string>;
  statusCode: number | null;
  error: string | null;
  retryAfter: string | null;
  answer: string | null;
  truncated: boolean;
}

/** A message for an endpoint, with all its attempts. */
export interface Delivery {
  id: string;
  endpointId: string;
  messageId: string;
  type: string;
  body: string;
  test: boolean;
  status: WebhookDeliveryStatus;
  attempts: number;
  nextAttemptAt: Date | null;
  completedAt: Date | null;
  createdAt: Date;
  log: Attempt[];
}

const COLUMNS = Prisma.sql`d.id, d.endpoint_id AS "endpointId", d.message_id AS "messageId", d.type, d.body, d.test, d.status, d.attempts,
  d.next_attempt_at AS "nextAttemptAt", d.completed_at AS "completedAt", d.created_at AS "createdAt",
  coalesce((SELECT jsonb_agg(jsonb_build_object('number', a.number, 'startedAt', a.started_at, 'durationMs', a.duration_ms, 'sentHeaders', a.sent_headers,
    'statusCode', a.status_code, 'error', a.error, 'retryAfter', a.retry_after, 'answer', a.answer, 'truncated', a.truncated) ORDER BY a.number)
    FROM webhook_attempts a WHERE a.delivery_id = d.id), '[]') AS log`;

/** What clients call pending. */
export const UNDER_WAY = ['scheduled', 'waiting', 'sending'] as const;

/** A page of an endpoint's deliveries, the newest first; one row more than asked for tells that there is a next page. */
export function listDeliveries(
  db: Db,
  endpointId: string,
  query: ListWebhookDeliveriesQuery,
  position: Position | null,
): Promise<Delivery[]> {
  const statuses = query.status === 'pending' ? [...UNDER_WAY] : [query.status];
  const conditions = [
    Prisma.sql`d.endpoint_id = ${endpointId}::uuid`,
    ...(query.status === undefined ? [] : [Prisma.sql`d.status = ANY (${statuses}::webhook_delivery_status[])`]),
    ...(query.event === undefined ? [] : [Prisma.sql`d.type = ${query.event}`]),
    ...(position === null ? [] : [Prisma.sql`d.id < ${position.id}::uuid`]),
  ];
  return rows(
    db,
    Prisma.sql`SELECT ${COLUMNS} FROM webhook_deliveries d WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY d.id DESC LIMIT ${query.limit + 1}`,
  );
}

/** A delivery of one of this owner's endpoints. */
export async function findDelivery(db: Db, id: string, ownerId: string): Promise<Delivery | null> {
  const [delivery] = await rows<Delivery>(
    db,
    Prisma.sql`SELECT ${COLUMNS} FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
      WHERE d.id = ${id}::uuid AND e.owner_id = ${ownerId}::uuid`,
  );
  return delivery ?? null;
}

/** A message to be sent. */
export interface Message {
  messageId: string;
  type: string;
  body: string;
}

/** Sends a message to endpoints, to each at most once however often this is called; each gets its job at once. Returns the ids. */
export async function schedule(
  db: Tx,
  endpointIds: readonly string[],
  { messageId, type, body }: Message,
  test = false,
): Promise<string[]> {
  const made = await rows<{ id: string }>(
    db,
    Prisma.sql`INSERT INTO webhook_deliveries (id, endpoint_id, message_id, type, body, test, status, next_attempt_at)
      SELECT made.id, made.endpoint, ${messageId}::uuid, ${type}, ${body}, ${test}, 'scheduled', now()
      FROM unnest(${endpointIds.map(() => randomUUIDv7())}::uuid[], ${[...endpointIds]}::uuid[]) AS made (id, endpoint)
      ON CONFLICT (endpoint_id, message_id) DO NOTHING RETURNING id`,
  );
  for (const { id } of made) await enqueueAttempt(db, id, 1);
  return made.map(({ id }) => id);
}

/**
 * Puts messages behind whatever waits for an endpoint: those it never got, those that failed, and with `again` those it got. They go once
 * somebody calls `admit`.
 */
export async function queueAgain(db: Tx, endpointId: string, messages: readonly Message[], again: boolean): Promise<void> {
  await execute(
    db,
    Prisma.sql`INSERT INTO webhook_deliveries AS d (id, endpoint_id, message_id, type, body, status, next_attempt_at)
      SELECT message.delivery, ${endpointId}::uuid, message.id, message.type, message.body, 'waiting', now()
      FROM unnest(${messages.map(() => randomUUIDv7())}::uuid[], ${messages.map(({ messageId }) => messageId)}::uuid[], ${messages.map(({ type }) => type)}::text[], ${messages.map(({ body }) => body)}::text[])
        AS message (delivery, id, type, body)
      ON CONFLICT (endpoint_id, message_id) DO UPDATE SET status = 'waiting', next_attempt_at = now(), attempts_before = d.attempts, completed_at = NULL
        WHERE d.status = 'failed' OR (${again} AND d.status = 'delivered')`,
  );
}

export async function enqueueAttempt(db: Tx, deliveryId: string, attempt: number, runAt?: Date): Promise<void> {
  await enqueue(db, attemptDelivery, { deliveryId, attempt }, { key: attemptKey(deliveryId, attempt), ...(runAt && { runAt }) });
}

/** Looks after what waits for an endpoint at that time. */
export async function enqueueResume(db: Tx, endpointId: string, runAt: Date): Promise<void> {
  await enqueue(db, resumeEndpoint, { endpointId }, { key: endpointId, runAt });
}

/** A delivery whose attempt of some number is due, and how many others are under way to its endpoint. */
export interface Due {
  id: string;
  messageId: string;
  body: string;
  test: boolean;
  status: 'scheduled' | 'sending';
  attemptsBefore: number;
  others: number;
}

/** Null when that attempt was made, or is none any more. */
export async function findDue(db: Tx, id: string, attempt: number): Promise<Due | null> {
  const [due] = await rows<Due>(
    db,
    Prisma.sql`SELECT d.id, d.message_id AS "messageId", d.body, d.test, d.status, d.attempts_before AS "attemptsBefore",
        (SELECT count(*)::int FROM webhook_deliveries o WHERE o.endpoint_id = d.endpoint_id AND o.status = 'sending' AND o.id <> d.id) AS others
      FROM webhook_deliveries d WHERE d.id = ${id}::uuid AND d.attempts = ${attempt - 1} AND d.status IN ('scheduled', 'sending')`,
  );
  return due ?? null;
}

/** Says how far a delivery is that is under way; with a time, that it has come to its end. */
export async function mark(db: Tx, id: string, status: WebhookDeliveryStatus, completedAt: Date | null = null): Promise<void> {
  await execute(
    db,
    Prisma.sql`UPDATE webhook_deliveries SET status = ${status}::webhook_delivery_status, completed_at = ${completedAt},
      next_attempt_at = CASE WHEN ${completedAt}::timestamptz IS NULL THEN next_attempt_at END WHERE id = ${id}::uuid`,
  );
}

/** Gives free places at an endpoint, which the caller has locked, to those that have waited longest. */
export async function admit(db: Tx, endpoint: Pick<Endpoint, 'id'> & Health, limits: Limits, now: Date): Promise<void> {
  const { id, pausedUntil } = endpoint;
  const [state] = await rows<{ waiting: boolean; taken: number }>(
    db,
    Prisma.sql`SELECT coalesce(bool_or(status = 'waiting'), false) AS waiting,
        (count(*) FILTER (WHERE status = 'sending' OR (status = 'scheduled' AND next_attempt_at <= ${now})))::int AS taken
      FROM webhook_deliveries WHERE endpoint_id = ${id}::uuid AND status IN ('scheduled', 'waiting', 'sending')`,
  );
  const { waiting, taken } = state!;
  if (!waiting) return;
  if (pausedUntil !== null && pausedUntil > now) return enqueueResume(db, id, pausedUntil);
  const free = places(endpoint, limits) - taken;
  if (free <= 0) return;
  const admitted = await rows<{ id: string; attempts: number }>(
    db,
    Prisma.sql`UPDATE webhook_deliveries SET status = 'scheduled', next_attempt_at = ${now} WHERE id IN (
        SELECT id FROM webhook_deliveries WHERE endpoint_id = ${id}::uuid AND status = 'waiting' ORDER BY next_attempt_at, id LIMIT ${free} FOR UPDATE)
      RETURNING id, attempts`,
  );
  for (const { id: deliveryId, attempts } of admitted) await enqueueAttempt(db, deliveryId, attempts + 1);
}
