import { type Db, Prisma, rows } from '#database';
import type { Actor } from '#security';

/** Says of each of these posts whether the caller likes it, where one is known: one statement for all. */
export async function markLiked(db: Db, actor: Actor | null, posts: { id: string; liked?: boolean }[]): Promise<void> {
  if (actor === null || posts.length === 0) return;
  const ids = posts.map(({ id }) => id);
  const found = await rows<{ id: string }>(
    db,
    Prisma.sql`SELECT post_id AS id FROM likes WHERE user_id = ${actor.id}::uuid AND post_id = ANY (${ids}::uuid[])`,
  );
  const liked = new Set(found.map(({ id }) => id));
  for (const post of posts) post.liked = liked.has(post.id);
}
