import { type Db, Prisma, rowsPlannedAnew } from '#database';
import { FROM, type Post, type PostSummary, SUMMARY, visibleTo } from './posts.queries.js';
import { titleWords } from './related.rules.js';
import { newestMatches } from './search.queries.js';
import { spelledQuery } from './words.queries.js';

/** The newest posts of each tag, and with words of the title, that are compared. */
const COMPARED = 200;
/** A tag of more posts than this says as little as any other of that kind. */
const COMMON = 1_000;

/**
 * The published posts most like this one. A shared tag counts the more the fewer posts have it, ln(1 + 1000 / posts); the words of the
 * title count as search ranks them. What is compared is bounded: the newest of each tag and of those words.
 */
export function relatedPosts(db: Db, post: Post, limit: number, now: Date): Promise<PostSummary[]> {
  const words = titleWords(post.title);
  const query = words.length === 0 ? null : spelledQuery([words]);
  const others = Prisma.sql`p.id <> ${post.id}::uuid`;
  const alike = query
    ? Prisma.sql`SELECT w.id FROM ${newestMatches(query, now, COMPARED, [others])} w`
    : Prisma.sql`SELECT NULL::uuid AS id WHERE false`;
  return rowsPlannedAnew(
    db,
    Prisma.sql`WITH tag AS MATERIALIZED (
        SELECT tag, ln(1 + ${COMMON} / (SELECT count(*)::float8 FROM (SELECT FROM post_tags o WHERE o.tag = t.tag LIMIT ${COMMON}) few)) AS weight
        FROM post_tags t WHERE t.post_id = ${post.id}::uuid
      ),
      shared AS (
        SELECT n.post_id AS id, sum(tag.weight) AS weight FROM tag CROSS JOIN LATERAL (
          SELECT o.post_id FROM post_tags o WHERE o.tag = tag.tag AND o.published_at <= ${now} AND o.post_id <> ${post.id}::uuid
          ORDER BY o.published_at DESC, o.post_id DESC LIMIT ${COMPARED}
        ) n GROUP BY n.post_id
      ),
      compared AS (
        SELECT id, coalesce(shared.weight, 0) AS weight FROM shared FULL JOIN (${alike}) a USING (id)
      ),
      best AS (
        SELECT p.id, c.weight + ${query ? Prisma.sql`10 * ts_rank('{0.1, 0.2, 0.6, 1}', p.search, ${query}, 1)` : Prisma.sql`0`} AS weight
        FROM compared c JOIN posts p ON p.id = c.id WHERE p.trashed_at IS NULL AND ${visibleTo(null, 'published')}
        ORDER BY weight DESC, p.published_at DESC, p.id DESC LIMIT ${limit}
      )
      SELECT ${SUMMARY} ${FROM} JOIN best ON best.id = p.id ORDER BY best.weight DESC, p.published_at DESC, p.id DESC`,
  );
}
