import { type Db, execute, Prisma, type RevisionKind, rows, type Tx } from '#database';
import type { Position } from '#http';
import type { Post, PostSummary } from './posts.queries.js';
import { type Content, contentOf, memberOf, type MemberChange, PLACES, touchesContent } from './revisions.rules.js';

/** A version of a post, without what it held. */
export interface Revision {
  n: number;
  kind: RevisionKind;
  editorId: string | null;
  editorName: string | null;
  summary: string | null;
  changed: string[];
  restoredFrom: number | null;
  createdAt: Date;
}

/** A version with what it held. */
export interface FullRevision extends Revision {
  content: Content;
  body: string;
}

/** What made a version. */
export interface Step {
  /** Who acts as somebody else is who does it. */
  actor: { id: string; impersonatorId: string | null };
  kind: RevisionKind;
  changed: string[];
  summary?: string | null;
  restoredFrom?: number | null;
}

/** How much of a history is kept. */
export interface Limits {
  count: number;
  bytes: number;
}

/** What `contentOf` keeps, of the post `p`. */
const CONTENT = Prisma.sql`jsonb_build_object('title', p.title, 'slug', p.slug, 'excerpt', p.excerpt, 'ownExcerpt', p.own_excerpt, 'tags', p.tags,
  'coverFileId', p.cover_file_id, 'seriesId', p.series_id, 'seriesPlace', p.series_place)`;
/** What is known of the version that the post `p` has, when nothing was written down: of the first one all, of others the time. */
const KIND = Prisma.sql`CASE p.version WHEN 1 THEN 'written' ELSE 'edited' END::revision_kind`;
const EDITOR = Prisma.sql`CASE p.version WHEN 1 THEN p.author_id END`;
const TIME = Prisma.sql`CASE p.version WHEN 1 THEN p.created_at ELSE p.updated_at END`;

/** A save is what the editor's autosave was for. */
const SAVES: readonly RevisionKind[] = ['edited', 'restored'];

/**
 * Writes down a version that was just made. What the one before it held, and this one changed, goes to the history now: the newest version is
 * the post itself, so that a post which is only written costs nothing here.
 */
export async function keepRevision(db: Tx, before: Post, after: Post, step: Step): Promise<void> {
  const { actor, kind, changed, summary = null, restoredFrom = null } = step;
  const content = touchesContent(changed) ? JSON.stringify(contentOf(before)) : null;
  const body = changed.includes('body') ? before.body : null;
  const first = before.version === 1;
  await execute(
    db,
    Prisma.sql`WITH former AS (
        INSERT INTO post_revisions (post_id, n, kind, editor_id, content, body, created_at)
        VALUES (${before.id}::uuid, ${before.version}, ${first ? 'written' : 'edited'}::revision_kind, ${first ? before.authorId : null}::uuid,
          ${content}::jsonb, ${body}, ${first ? before.createdAt : before.updatedAt})
        ON CONFLICT (post_id, n) DO UPDATE SET content = excluded.content, body = excluded.body
      ), saved AS (
        DELETE FROM post_autosaves WHERE post_id = ${after.id}::uuid AND editor_id = ${actor.id}::uuid AND ${SAVES.includes(kind)}
      )
      INSERT INTO post_revisions (post_id, n, kind, editor_id, summary, changed, restored_from)
      VALUES (${after.id}::uuid, ${after.version}, ${kind}::revision_kind, ${actor.impersonatorId ?? actor.id}::uuid, ${summary}, ${changed}::text[], ${restoredFrom})`,
  );
}

/**
 * Changes these posts, which are locked, in one statement, and writes down what that made of them: two more statements, however many they are.
 * It clears nobody's autosave, since nobody has saved.
 */
export async function keepRevisions(
  db: Tx,
  ids: readonly string[],
  editorId: string | null,
  changed: string[],
  change: () => Promise<unknown>,
): Promise<void> {
  const these = Prisma.sql`FROM posts p WHERE p.id = ANY (${[...ids]}::uuid[])`;
  await execute(
    db,
    Prisma.sql`INSERT INTO post_revisions (post_id, n, kind, editor_id, content, created_at)
      SELECT p.id, p.version, ${KIND}, ${EDITOR}, ${CONTENT}, ${TIME} ${these} ORDER BY p.id
      ON CONFLICT (post_id, n) DO UPDATE SET content = excluded.content`,
  );
  await change();
  await execute(
    db,
    Prisma.sql`INSERT INTO post_revisions (post_id, n, kind, editor_id, changed)
      SELECT p.id, p.version, 'edited'::revision_kind, ${editorId}::uuid, ${changed}::text[] ${these} ORDER BY p.id`,
  );
}

/** Forgets the oldest versions beyond the limits. */
export async function thinRevisions(db: Tx, postId: string, { count, bytes }: Limits): Promise<void> {
  await execute(
    db,
    Prisma.sql`DELETE FROM post_revisions WHERE post_id = ${postId}::uuid AND n < (
      SELECT min(n) FROM (
        SELECT n, count(*) OVER newest AS count, sum(coalesce(pg_column_size(body), 0) + coalesce(pg_column_size(content), 0)) OVER newest AS bytes
        FROM post_revisions WHERE post_id = ${postId}::uuid WINDOW newest AS (ORDER BY n DESC)
      ) AS kept WHERE count <= ${count} AND (bytes <= ${bytes} OR count = 1))`,
  );
}

/** All that is known of a post's versions; of one that was only written, or that another release has made, the post itself says it. */
const historyOf = (postId: string) => Prisma.sql`(
  SELECT n, kind, editor_id, summary, changed, restored_from, created_at FROM post_revisions WHERE post_id = ${postId}::uuid
  UNION ALL
  SELECT p.version, ${KIND}, ${EDITOR}, NULL, '{}', NULL, ${TIME}
  FROM posts p WHERE p.id = ${postId}::uuid AND NOT EXISTS (SELECT FROM post_revisions WHERE post_id = p.id AND n = p.version)
)`;
const MEMBERS = Prisma.sql`h.n, h.kind::text AS kind, h.editor_id AS "editorId", u.name AS "editorName", h.summary, h.changed,
  h.restored_from AS "restoredFrom", h.created_at AS "createdAt"`;

/** The newest first; one row more than asked for tells that there is a next page. */
export function listRevisions(db: Db, postId: string, limit: number, position: Position | null): Promise<Revision[]> {
  const before = position === null ? Prisma.sql`true` : Prisma.sql`h.n < ${position.value}::int`;
  return rows(
    db,
    Prisma.sql`SELECT ${MEMBERS} FROM (SELECT * FROM ${historyOf(postId)} AS h WHERE ${before} ORDER BY h.n DESC LIMIT ${limit + 1}) h
      LEFT JOIN users u ON u.id = h.editor_id ORDER BY h.n DESC`,
  );
}

/** A version, whole: what it does not keep itself is as in the next one that does, or as in the post. */
export async function findRevision(db: Db, postId: string, n: number): Promise<FullRevision | null> {
  const later = Prisma.sql`post_revisions r WHERE r.post_id = ${postId}::uuid AND r.n`;
  const [found] = await rows<FullRevision & { since: string[] }>(
    db,
    Prisma.sql`SELECT ${MEMBERS}, coalesce((SELECT r.body FROM ${later} >= ${n} AND r.body IS NOT NULL ORDER BY r.n LIMIT 1), p.body) AS body,
        coalesce(k.content, ${CONTENT}) AS content,
        ARRAY(SELECT DISTINCT unnest(r.changed) FROM ${later} > ${n} AND r.n <= coalesce(k.n, p.version)) AS since
      FROM ${historyOf(postId)} AS h JOIN posts p ON p.id = ${postId}::uuid LEFT JOIN users u ON u.id = h.editor_id
        LEFT JOIN LATERAL (SELECT r.n, r.content FROM ${later} >= ${n} AND r.content IS NOT NULL ORDER BY r.n LIMIT 1) k ON true
      WHERE h.n = ${n}`,
  );
  if (found === undefined) return null;
  const { since, ...revision } = found;
  // An older release kept nothing when one of these changed: what a later version has of it is not what this one had.
  for (const name of PLACES) if (since.includes(memberOf(name))) delete revision.content[name];
  return revision;
}

/** What was changed since a version, each member by the last who did. */
export async function changesSince(db: Db, { id }: Pick<PostSummary, 'id'>, version: number): Promise<MemberChange[]> {
  const found = await rows<Omit<MemberChange, 'by'> & { editorId: string | null; editorName: string | null }>(
    db,
    Prisma.sql`SELECT DISTINCT ON (member) member, r.n AS version, r.created_at AS at, r.editor_id AS "editorId", u.name AS "editorName"
      FROM post_revisions r CROSS JOIN unnest(r.changed) AS member LEFT JOIN users u ON u.id = r.editor_id
      WHERE r.post_id = ${id}::uuid AND r.n > ${version} ORDER BY member, r.n DESC`,
  );
  return found.map(({ editorId, editorName, ...change }) => ({
    ...change,
    by: editorId === null ? null : { id: editorId, name: editorName! },
  }));
}
