import { audited } from '#audit';
import { type Db, execute, Prisma, rows, type Tx, type WebhookDisabledReason } from '#database';
import { eventCatalogue, subscribe } from '#events';
import { type Health, namesOf } from './webhooks.rules.js';

export type Endpoint = Prisma.WebhookEndpointGetPayload<object>;

/** Of a URL only a digest: it may hold a token. */
export const auditedEndpoint = audited('webhook-endpoint', {
  host: 'personal',
  url: 'digest',
  description: 'personal',
  events: 'plain',
  enabled: 'plain',
  disabledReason: 'plain',
});

const COLUMNS = Prisma.sql`e.id, e.owner_id AS "ownerId", e.url, e.description, e.events, e.disabled_reason AS "disabledReason", e.disabled_at AS "disabledAt",
  e.failures, e.failing_since AS "failingSince", e.paused_until AS "pausedUntil", e.slow, e.version, e.created_at AS "createdAt", e.updated_at AS "updatedAt"`;

/**
 * Takes an endpoint for this transaction: who gets a place at it, and how it goes with it, is decided by one at a time. It stays free for
 * what only refers to it, such as new deliveries.
 */
export async function lockEndpoint(db: Tx, id: string, ownerId?: string): Promise<Endpoint | null> {
  const owned = ownerId === undefined ? Prisma.empty : Prisma.sql`AND e.owner_id = ${ownerId}::uuid`;
  const [endpoint] = await rows<Endpoint>(
    db,
    Prisma.sql`SELECT ${COLUMNS} FROM webhook_endpoints e WHERE e.id = ${id}::uuid ${owned} FOR NO KEY UPDATE`,
  );
  return endpoint ?? null;
}

/** The same, of the endpoint that a delivery is for. */
export async function lockEndpointOf(db: Tx, deliveryId: string): Promise<Endpoint | null> {
  const [endpoint] = await rows<Endpoint>(
    db,
    Prisma.sql`SELECT ${COLUMNS} FROM webhook_endpoints e WHERE e.id = (SELECT endpoint_id FROM webhook_deliveries WHERE id = ${deliveryId}::uuid)
      FOR NO KEY UPDATE`,
  );
  return endpoint ?? null;
}

/** Writes down how it goes with an endpoint, which the caller has locked; where it goes as before, there is nothing to write. */
export async function keepHealth(db: Tx, before: Endpoint, health: Health): Promise<void> {
  const { failures, failingSince, pausedUntil, slow } = health;
  if (failures === 0 && before.failures === 0 && before.pausedUntil === null && slow === before.slow) return;
  await execute(
    db,
    Prisma.sql`UPDATE webhook_endpoints SET failures = ${failures}, failing_since = ${failingSince}, paused_until = ${pausedUntil}, slow = ${slow}
      WHERE id = ${before.id}::uuid`,
  );
}

/** An endpoint that asked for a kind of event, with what its owner may do. */
export interface Recipient {
  id: string;
  ownerId: string;
  roles: string[];
}

/** The enabled endpoints that asked for one of these patterns, of owners who may log in. */
export function recipientsOf(db: Db, patterns: readonly string[]): Promise<Recipient[]> {
  return rows(
    db,
    Prisma.sql`SELECT e.id, e.owner_id AS "ownerId", u.roles FROM webhook_endpoints e JOIN users u ON u.id = e.owner_id
      WHERE e.events && ${[...patterns]}::text[] AND e.disabled_at IS NULL AND u.status = 'active' ORDER BY e.id`,
  );
}

/** Has an endpoint get nothing any more, and ends what was on its way. */
export async function disableEndpoint(db: Tx, id: string, reason: WebhookDisabledReason): Promise<void> {
  await rows(
    db,
    Prisma.sql`WITH ended AS (
        UPDATE webhook_deliveries SET status = 'failed', completed_at = now(), next_attempt_at = NULL
        WHERE endpoint_id = ${id}::uuid AND status IN ('scheduled', 'waiting')
      ) UPDATE webhook_endpoints SET disabled_reason = ${reason}::webhook_disabled_reason, disabled_at = now(), paused_until = NULL,
          version = version + 1, updated_at = now()
        WHERE id = ${id}::uuid`,
  );
}

/** The consumer that gives each event to the endpoints which asked for it. */
export const FAN_OUT = 'webhooks.fan-out';

/** Has the fan-out hear of the kinds that these patterns stand for. What no endpoint asks for never becomes a delivery, nor a job. */
export function askFor(db: Db, patterns: readonly string[]): Promise<void> {
  return subscribe(db, FAN_OUT, namesOf(patterns, eventCatalogue().keys()));
}

/** The same for all enabled endpoints, again and again: what nobody asks for any more is forgotten after a day. */
export async function askForAll(db: Db): Promise<void> {
  const asked = await rows<{ pattern: string }>(
    db,
    Prisma.sql`SELECT DISTINCT unnest(events) AS pattern FROM webhook_endpoints WHERE disabled_at IS NULL`,
  );
  await askFor(
    db,
    asked.map(({ pattern }) => pattern),
  );
}
