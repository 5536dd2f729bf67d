import { type Db, firstIdAt, Prisma, rows } from '#database';

/** An event as it was published. */
export interface Published<Payload extends object = object, Name extends string = string> {
  /** UUIDv7. The same however often the event is delivered. */
  id: string;
  name: Name;
  version: number;
  /** Its place in the log: what comes after it, `readEvents` gives for this cursor. */
  cursor: string;
  resource: { type: string; id: string };
  actorId: string | null;
  subjectId: string | null;
  payload: Payload;
  /** The request that caused it, and its trace (W3C Trace Context). */
  requestId: string | null;
  traceId: string | null;
  occurredAt: Date;
}

/** A row of `events` that has its place, as `EVENT_COLUMNS` selects it. */
export interface EventRow extends Omit<Published, 'cursor' | 'resource'> {
  position: bigint;
  resourceType: string;
  resourceId: string;
}

/** For statements that call the table `e`. */
export const EVENT_COLUMNS = Prisma.sql`e.id, e.position, e.name, e.version, e.resource_type AS "resourceType", e.resource_id AS "resourceId", e.actor_id AS "actorId",
  e.subject_id AS "subjectId", e.payload, e.request_id AS "requestId", e.trace_id AS "traceId", e.occurred_at AS "occurredAt"`;

export function publishedFrom({ position, resourceType, resourceId, ...event }: EventRow): Published {
  return { ...event, cursor: cursorAt(position), resource: { type: resourceType, id: resourceId } };
}

export interface LogQuery {
  /** A cursor of an event, of `endOfLog`, or null for the beginning. */
  after: string | null;
  limit: number;
  /** Only events of these kinds. */
  names?: readonly string[];
  /** Only events of this user's. */
  subject?: string;
}

/**
 * A stretch of the log, in its order. Readers that go on from the last cursor they were given miss nothing: an event gets its place only
 * once it is committed, and a later one a higher place, however long its transaction took. @throws RangeError for a text that is no cursor
 */
export async function readEvents(db: Db, { after, limit, names, subject }: LogQuery): Promise<Published[]> {
  const position = after === null ? 0n : positionAt(after);
  if (position === null) throw new RangeError('This is not a cursor of the event log.');
  const filters = [
    ...(names === undefined ? [] : [Prisma.sql`AND e.name = ANY (${[...names]}::text[])`]),
    ...(subject === undefined ? [] : [Prisma.sql`AND e.subject_id = ${subject}::uuid`]),
  ];
  const found = await rows<EventRow>(
    db,
    Prisma.sql`SELECT ${EVENT_COLUMNS} FROM events e WHERE e.position > ${position} ${Prisma.join([Prisma.empty, ...filters], ' ')}
      ORDER BY e.position LIMIT ${limit}`,
  );
  return found.map(publishedFrom);
}

/**
 * A stretch of the log in which nothing is missing: null when something behind `after` has been forgotten already (`EVENTS_TTL_DAYS`).
 * `known` is a cursor up to which the log is known to reach. Places are given without gaps, so a gap is where events were purged.
 */
export async function readWhole(
  db: Db,
  { after, limit, known }: { after: string; limit: number; known: string },
): Promise<Published[] | null> {
  const events = await readEvents(db, { after, limit });
  let position = positionAt(after)!;
  for (const { cursor } of events) {
    if (positionAt(cursor) !== position + 1n) return null;
    position += 1n;
  }
  return events.length < limit && position < positionAt(known)! ? null : events;
}

/** A time of the log, and how much of it is read at once. */
export interface Stretch {
  from: Date;
  until: Date;
  /** Only events of these kinds. */
  names: readonly string[];
  /** The id of the last event that was read before; null at the beginning. */
  after: string | null;
  limit: number;
}

/** The events of a time, the oldest first, whether or not they have their place yet. What was published before and is not committed is missing. */
export async function readEventsOf(db: Db, { from, until, names, after, limit }: Stretch): Promise<EventOfTime[]> {
  return rows(
    db,
    Prisma.sql`SELECT id, name, subject_id AS "subjectId", payload, occurred_at AS "occurredAt" FROM events
      WHERE id >= ${firstIdAt(from)}::uuid AND id < ${firstIdAt(until)}::uuid AND id > ${after ?? NIL}::uuid AND name = ANY (${[...names]}::text[])
      ORDER BY id LIMIT ${limit}`,
  );
}

/** What happened to some resources. */
export interface History {
  resources: readonly { type: string; id: string }[];
  /** Only events of these kinds. */
  names: readonly string[];
  descending: boolean;
  /** The `seq` of the last event that was read before; null at the beginning. */
  after: number | null;
  limit: number;
}

/** An event of a history; `seq` counts up as events are published. `isAnonymous`: somebody did it who is no user. */
export type PastEvent = Omit<Published, 'cursor'> & { seq: number; isAnonymous: boolean };

/** The events of some resources, in the order in which they were published, whether or not they have their place in the log yet. */
export async function readHistory(db: Db, { resources, names, descending, after, limit }: History): Promise<PastEvent[]> {
  const beyond = descending ? Prisma.sql`e.seq < ${after ?? Number.MAX_SAFE_INTEGER}` : Prisma.sql`e.seq > ${after ?? 0}`;
  const found = await rows<EventRow & { seq: bigint; isAnonymous: boolean }>(
    db,
    Prisma.sql`SELECT ${EVENT_COLUMNS}, e.seq, e.is_anonymous AS "isAnonymous" FROM unnest(${resources.map(({ type }) => type)}::text[], ${resources.map(({ id }) => id)}::text[]) AS r (type, id)
      JOIN events e ON e.resource_type = r.type AND e.resource_id = r.id
      WHERE e.name = ANY (${[...names]}::text[]) AND ${beyond} ORDER BY e.seq ${descending ? Prisma.sql`DESC` : Prisma.sql`ASC`} LIMIT ${limit}`,
  );
  return found.map(({ seq, position: _, resourceType, resourceId, ...event }) => ({
    ...event,
    resource: { type: resourceType, id: resourceId },
    seq: Number(seq),
  }));
}

type EventOfTime = Pick<Published, 'id' | 'name' | 'subjectId' | 'payload' | 'occurredAt'>;

const NIL = '00000000-0000-0000-0000-000000000000';

/** The cursor behind which only what happens from now on will lie. */
export async function endOfLog(db: Db): Promise<string> {
  const [log] = await rows<{ position: bigint }>(db, Prisma.sql`SELECT position FROM event_log`);
  return cursorAt(log!.position);
}

const CURSOR_LENGTH = 16;
const LAST_POSITION = 2n ** 63n - 1n; // a bigint of PostgreSQL's

/** Cursors are plain, not signed: they say nothing but a place. As texts they are in the order of the log. */
export function cursorAt(position: bigint): string {
  return position.toString(16).padStart(CURSOR_LENGTH, '0');
}

/** The place a cursor names; null for a text that is none. */
export function positionAt(cursor: string): bigint | null {
  if (cursor.length !== CURSOR_LENGTH || !/^[0-9a-f]+$/.test(cursor)) return null;
  const position = BigInt(`0x${cursor}`);
  return position > LAST_POSITION ? null : position;
}
