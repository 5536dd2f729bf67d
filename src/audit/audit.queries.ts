import { type AuditEntry, readEntries, STORED } from '#audit';
import { type Db, firstIdAt, Prisma } from '#database';
import type { Position } from '#http';
import type { ListAuditQuery } from './audit.dto.js';
import { resourceFilter } from './audit.rules.js';

/** An entry with its place in the chain. */
export type ListedEntry = AuditEntry & { position: bigint | null };

/** A page of entries; one more than asked for tells that there is a next page. Ids are in the order of time, so that they alone sort. */
export function listEntries(db: Db, query: ListAuditQuery, position: Position | null): Promise<ListedEntry[]> {
  const descending = query.sort === '-createdAt';
  const resource = query.resource === undefined ? {} : resourceFilter(query.resource);
  const after = position && (descending ? Prisma.sql`e.id < ${position.id}::uuid` : Prisma.sql`e.id > ${position.id}::uuid`);
  const conditions = [
    ...(after ? [after] : []),
    ...(query.actor === undefined ? [] : [Prisma.sql`e.actor_id = ${query.actor}::uuid`]),
    ...(query.person === undefined ? [] : [concerning(query.person)]),
    ...(query.action === undefined ? [] : [Prisma.sql`e.action = ${query.action}`]),
    ...(query.outcome === undefined ? [] : [Prisma.sql`e.outcome = ${query.outcome}::audit_outcome`]),
    // Said again as the partial index says it, for plans that do not look at the values.
    ...(query.outcome === undefined || query.outcome === 'succeeded' ? [] : [Prisma.sql`e.outcome <> 'succeeded'`]),
    ...(resource.type === undefined ? [] : [Prisma.sql`e.resource_type = ${resource.type}`]),
    ...(resource.id === undefined ? [] : [Prisma.sql`e.resource_id = ${resource.id}`]),
    ...(query.from === undefined ? [] : [Prisma.sql`e.id >= ${firstIdAt(new Date(query.from))}::uuid`]),
    ...(query.to === undefined ? [] : [Prisma.sql`e.id < ${firstIdAt(new Date(query.to))}::uuid`]),
  ];
  return readEntries<{ position: bigint | null }>(
    db,
    Prisma.sql`SELECT ${STORED}, (SELECT s.position FROM audit_seals s WHERE s.entry_id = e.id) AS position FROM audit_entries e
      ${conditions.length === 0 ? Prisma.empty : Prisma.sql`WHERE ${Prisma.join(conditions, ' AND ')}`}
      ORDER BY e.id ${descending ? Prisma.sql`DESC` : Prisma.sql`ASC`} LIMIT ${query.limit + 1}`,
  );
}

/** By a person, or about them by others: each half has its index. */
function concerning(person: string): Prisma.Sql {
  return Prisma.sql`(e.actor_id = ${person}::uuid OR (e.subject_id = ${person}::uuid AND e.subject_id IS DISTINCT FROM e.actor_id))`;
}
