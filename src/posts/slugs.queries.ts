import { type Db, execute, Prisma, rows, type Tx } from '#database';

/** What stands in the place of a slug in a path of the API: a post of that name could not be read by it. */
const RESERVED = ['imports'];

/** How many former slugs lead to a post; older ones are free again. */
const MOST_FORMER = 50;

/**
 * Whether a post may have this slug: no other has it, or had it before it was renamed. Whoever makes a slug somebody's asks here first: of
 * two that want the same one at once, the second waits for the first and sees it, until the transaction ends.
 */
export async function claimSlug(db: Tx, slug: string, postId: string): Promise<boolean> {
  if (RESERVED.includes(slug)) return false;
  const [, taken] = await Promise.all([
    rows(db, Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`posts.slug ${slug}`}, 0))`),
    rows(
      db,
      Prisma.sql`SELECT 1 FROM posts WHERE slug = ${slug} AND id <> ${postId}::uuid
        UNION ALL SELECT 1 FROM former_slugs WHERE slug = ${slug} AND post_id <> ${postId}::uuid LIMIT 1`,
    ),
  ]);
  return taken.length === 0;
}

/** Keeps the slug that a post had, for who has its address; one of its own that it takes back is its slug again. */
export async function leaveSlug(db: Tx, { id, slug }: { id: string; slug: string }, next: string): Promise<void> {
  await execute(db, Prisma.sql`DELETE FROM former_slugs WHERE slug = ${next} AND post_id = ${id}::uuid`);
  await execute(db, Prisma.sql`INSERT INTO former_slugs (slug, post_id) VALUES (${slug}, ${id}::uuid)`);
  await execute(
    db,
    Prisma.sql`DELETE FROM former_slugs WHERE slug IN (
      SELECT slug FROM former_slugs WHERE post_id = ${id}::uuid ORDER BY created_at DESC, slug OFFSET ${MOST_FORMER})`,
  );
}

/** The post that had this slug, whoever asks. */
export async function findRenamed(db: Db, slug: string): Promise<string | null> {
  const [former] = await rows<{ id: string }>(db, Prisma.sql`SELECT post_id AS id FROM former_slugs WHERE slug = ${slug}`);
  return former?.id ?? null;
}
