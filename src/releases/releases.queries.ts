import { audited } from '#audit';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import { AppError } from '#errors';
import type { Conflict, Members } from './releases.rules.js';

export const withCount = { include: { _count: { select: { items: true } } } } satisfies Prisma.ReleaseDefaultArgs;
export type Release = Prisma.ReleaseGetPayload<typeof withCount>;
/** Releases with the number of their items: of these only, where `withCount` would count those of all. */
export async function counted(db: Db, releases: Omit<Release, '_count'>[]): Promise<Release[]> {
  const ids = releases.map(({ id }) => id);
  const counts = await rows<{ id: string; items: number }>(
    db,
    Prisma.sql`SELECT release_id AS id, count(*)::int AS items FROM release_items WHERE release_id = ANY (${ids}::uuid[]) GROUP BY release_id`,
  );
  const items = new Map(counts.map(({ id, items }) => [id, items]));
  return releases.map((release) => ({ ...release, _count: { items: items.get(release.id) ?? 0 } }));
}

/** Its changes and what was before are as `items.dto.ts` and `concerned` have made them. */
export type ReleaseItem = Omit<Prisma.ReleaseItemGetPayload<object>, 'changes' | 'before'> & { changes: object; before: Members | null };

/** An item as a preview shows it. */
export interface Previewed {
  item: ReleaseItem;
  before: Members | null;
  after: Members | null;
  conflicts: Conflict[];
  alsoIn: string[];
}

export const auditedRelease = audited('release', {
  name: 'plain',
  description: 'plain',
  status: 'plain',
  scheduledAt: 'plain',
  publishedAt: 'plain',
  rolledBackAt: 'plain',
});

export const auditedItem = audited('release-item', {
  releaseId: 'plain',
  kind: 'plain',
  resourceId: 'plain',
  publication: 'plain',
  baseVersion: 'plain',
  // What it says is kept when it is written into the resource.
  written: 'digest',
});

/** The release as it is now, kept so until the transaction ends. */
export async function lockRelease(db: Tx, id: string): Promise<Release | null> {
  await rows(db, Prisma.sql`SELECT id FROM releases WHERE id = ${id}::uuid FOR UPDATE`);
  return db.release.findUnique({ where: { id }, ...withCount });
}

/** All that a release changes. */
export async function itemsOf(db: Db, releaseId: string): Promise<ReleaseItem[]> {
  return (await db.releaseItem.findMany({ where: { releaseId } })) as ReleaseItem[];
}

/** How many changes a release holds, and how many bytes they take. */
export async function extentOf(db: Db, releaseId: string): Promise<{ items: number; bytes: number }> {
  const [extent] = await rows<{ items: number; bytes: number }>(
    db,
    Prisma.sql`SELECT count(*)::int AS items, coalesce(sum(octet_length(changes::text)), 0)::int AS bytes
      FROM release_items WHERE release_id = ${releaseId}::uuid`,
  );
  return extent!;
}

/** Of each resource that this release changes the other releases which are to change it, too. */
export async function othersWith(db: Db, releaseId: string): Promise<Map<string, string[]>> {
  const found = await rows<{ itemId: string; releaseIds: string[] }>(
    db,
    Prisma.sql`SELECT mine.id AS "itemId", array_agg(r.id ORDER BY r.id) AS "releaseIds"
      FROM release_items mine JOIN release_items other ON other.resource_id = mine.resource_id AND other.kind = mine.kind AND other.release_id <> mine.release_id
      JOIN releases r ON r.id = other.release_id
      WHERE mine.release_id = ${releaseId}::uuid AND r.status IN ('open', 'scheduled', 'failed') GROUP BY mine.id`,
  );
  return new Map(found.map(({ itemId, releaseIds }) => [itemId, releaseIds]));
}

/** Writes down of all items what rolling back restores. */
export async function keepBefore(db: Tx, kept: readonly { id: string; before: Members; version: number }[]): Promise<void> {
  await execute(
    db,
    Prisma.sql`UPDATE release_items SET before = kept.before::jsonb, after_version = kept.version
      FROM unnest(${kept.map(({ id }) => id)}::uuid[], ${kept.map(({ before }) => JSON.stringify(before))}::text[], ${kept.map(({ version }) => version)}::int[])
        AS kept (id, before, version) WHERE release_items.id = kept.id`,
  );
}

/**
 * Does `work` within the transaction; what it refuses is undone by itself, and the rest goes on. What waits for the commit is not taken back,
 * so whoever lets such a transaction commit must not go on after a refusal.
 */
export async function attempt<T>(db: Tx, work: () => Promise<T>): Promise<T | AppError> {
  await execute(db, Prisma.sql`SAVEPOINT item`);
  try {
    const done = await work();
    await execute(db, Prisma.sql`RELEASE SAVEPOINT item`);
    return done;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    await execute(db, Prisma.sql`ROLLBACK TO SAVEPOINT item`);
    return error;
  }
}
