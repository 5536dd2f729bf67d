import { type Db, type EventDeliveryStatus, firstIdAt, Prisma, rows } from '#database';
import type { Position } from '#http';
import type { ListDeliveriesQuery, ListEventsQuery } from './events.dto.js';

/** An event in the log; without a position it was published a moment ago. */
export interface LoggedEvent {
  id: string;
  position: bigint | null;
  name: string;
  version: number;
  resourceType: string;
  resourceId: string;
  actorId: string | null;
  subjectId: string | null;
  payload: Record<string, unknown>;
  requestId: string | null;
  occurredAt: Date;
}

/** What a consumer has to deal with. */
export interface Delivery {
  eventId: string;
  name: string;
  consumer: string;
  resource: string;
  status: EventDeliveryStatus;
  attempts: number;
  lastError: string | null;
  nextAttemptAt: Date | null;
  createdAt: Date;
}

/** A page of the log, the newest first; ids are in the order of time. One row more than asked for tells that there is a next page. */
export function listEvents(db: Db, query: ListEventsQuery, position: Position | null): Promise<LoggedEvent[]> {
  const [type, ...id] = query.resource?.split(':') ?? [];
  const conditions = [
    ...(position === null ? [] : [Prisma.sql`id < ${position.id}::uuid`]),
    ...(query.name === undefined ? [] : [Prisma.sql`name = ${query.name}`]),
    ...(type === undefined ? [] : [Prisma.sql`resource_type = ${type} AND resource_id = ${id.join(':')}`]),
    ...(query.from === undefined ? [] : [Prisma.sql`id >= ${firstIdAt(new Date(query.from))}::uuid`]),
    ...(query.to === undefined ? [] : [Prisma.sql`id < ${firstIdAt(new Date(query.to))}::uuid`]),
    Prisma.sql`true`,
  ];
  return rows(
    db,
    Prisma.sql`SELECT id, position, name, version, resource_type AS "resourceType", resource_id AS "resourceId", actor_id AS "actorId", subject_id AS "subjectId",
        payload, request_id AS "requestId", occurred_at AS "occurredAt"
      FROM events WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY id DESC LIMIT ${query.limit + 1}`,
  );
}

const DELIVERY = Prisma.sql`d.event_id AS "eventId", e.name, d.consumer, d.resource, d.status, d.attempts, d.last_error AS "lastError",
  d.next_attempt_at AS "nextAttemptAt", d.created_at AS "createdAt" FROM event_deliveries d JOIN events e ON e.id = d.event_id`;

/** A page of what consumers have not dealt with, the oldest first: that is what holds up the others. */
export function listDeliveries(db: Db, query: ListDeliveriesQuery, position: Position | null): Promise<Delivery[]> {
  const conditions = [
    Prisma.sql`d.status = ${query.status}::event_delivery_status`,
    ...(position === null ? [] : [Prisma.sql`(d.event_id, d.consumer) > (${position.id}::uuid, ${position.value})`]),
    ...(query.consumer === undefined ? [] : [Prisma.sql`d.consumer = ${query.consumer}`]),
  ];
  return rows(
    db,
    Prisma.sql`SELECT ${DELIVERY} WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY d.event_id, d.consumer LIMIT ${query.limit + 1}`,
  );
}

/** A delivery that is known to exist. */
export async function findDelivery(db: Db, eventId: string, consumer: string): Promise<Delivery> {
  const [delivery] = await rows<Delivery>(
    db,
    Prisma.sql`SELECT ${DELIVERY} WHERE d.event_id = ${eventId}::uuid AND d.consumer = ${consumer}`,
  );
  return delivery!;
}
