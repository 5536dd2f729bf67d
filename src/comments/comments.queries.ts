import { audited } from '#audit';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import { keysetSql, parseSort, type Position } from '#http';
import type { Actor } from '#security';
import type { Mentioned, Rendered } from './comments-markdown.rules.js';
import type { ListCommentsQuery } from './comments.dto.js';
import { type CommentFacts, moderates } from './comments.rules.js';
import type { ListQueueQuery } from './moderation.dto.js';
import type { Hold } from './moderation.rules.js';
import type { CommentedPost } from '../posts/posts.service.js';

/** A comment with its author's name, and the names of those it mentions. */
export interface Comment extends CommentFacts {
  postId: string;
  authorName: string | null;
  body: string;
  bodyHtml: string;
  mentions: Mentioned[];
  heldFor: Hold[];
  version: number;
  approvedAt: Date | null;
  editedAt: Date | null;
}

/** What moderators see of it beside. */
export interface QueuedComment extends Comment {
  postSlug: string;
  postTitle: string;
  openReports: number;
  moderatedAt: Date | null;
  moderationNote: string | null;
}

export const auditedComment = audited('comment', {
  postId: 'plain',
  parentId: 'plain',
  body: 'digest',
  status: 'plain',
  heldFor: 'plain',
  moderationNote: 'personal',
});

const COMMENT = Prisma.sql`c.id, c.post_id AS "postId", c.parent_id AS "parentId", c.root_id AS "rootId", c.depth, c.author_id AS "authorId", u.name AS "authorName",
  c.body, c.body_html AS "bodyHtml", c.status, c.held_for AS "heldFor", c.replies, c.version, c.approved_at AS "approvedAt", c.edited_at AS "editedAt", c.created_at AS "createdAt",
  coalesce((SELECT json_agg(json_build_object('id', m.user_id, 'name', mu.name) ORDER BY m.user_id) FROM comment_mentions m JOIN users mu ON mu.id = m.user_id WHERE m.comment_id = c.id), '[]') AS mentions`;
const QUEUED = Prisma.sql`${COMMENT}, p.slug AS "postSlug", p.title AS "postTitle", c.moderated_at AS "moderatedAt", c.moderation_note AS "moderationNote",
  (SELECT count(*)::int FROM comment_reports r WHERE r.comment_id = c.id AND r.resolved_at IS NULL) AS "openReports"`;
const AUTHOR = Prisma.sql`LEFT JOIN users u ON u.id = c.author_id`;

/** A page of the beginnings of threads, or of what was said below a comment; one row more than asked for tells that there is a next page. */
export function listComments(
  db: Db,
  actor: Actor | null,
  of: { postId: string } | Comment,
  query: ListCommentsQuery,
  position: Position | null,
): Promise<Comment[]> {
  const { after, order } = keysetSql(Prisma.sql`c.created_at`, Prisma.sql`c.id`, parseSort(query.sort), position);
  return rows(
    db,
    Prisma.sql`SELECT ${COMMENT} FROM comments c ${AUTHOR} WHERE ${below(of)} AND ${findableBy(actor)} ${after} ${order} LIMIT ${query.limit + 1}`,
  );
}

/** A page of all comments, for moderators. */
export function listQueue(db: Db, query: ListQueueQuery, position: Position | null): Promise<QueuedComment[]> {
  const { after, order } = keysetSql(Prisma.sql`c.created_at`, Prisma.sql`c.id`, parseSort(query.sort), position);
  const conditions = [
    query.status === undefined ? Prisma.sql`c.status <> 'deleted'` : Prisma.sql`c.status = ${query.status}::comment_status`,
    ...(query.author === undefined ? [] : [Prisma.sql`c.author_id = ${query.author}::uuid`]),
  ];
  return rows(
    db,
    Prisma.sql`SELECT ${QUEUED} FROM comments c ${AUTHOR} JOIN posts p ON p.id = c.post_id WHERE ${Prisma.join(conditions, ' AND ')} ${after} ${order} LIMIT ${query.limit + 1}`,
  );
}

/** A comment, whoever asks. */
export async function findComment(db: Db, id: string): Promise<Comment | null> {
  const [comment] = await rows<Comment>(db, Prisma.sql`SELECT ${COMMENT} FROM comments c ${AUTHOR} WHERE c.id = ${id}::uuid`);
  return comment ?? null;
}

export async function findQueued(db: Db, id: string): Promise<QueuedComment | null> {
  const [comment] = await rows<QueuedComment>(
    db,
    Prisma.sql`SELECT ${QUEUED} FROM comments c ${AUTHOR} JOIN posts p ON p.id = c.post_id WHERE c.id = ${id}::uuid`,
  );
  return comment ?? null;
}

/** Kept as it is until the transaction ends: as strongly as it has to be, so that those who reply wait for a deletion only. */
export async function lockComment(db: Tx, id: string, against: keyof typeof LOCKS): Promise<void> {
  await rows(db, Prisma.sql`SELECT id FROM comments WHERE id = ${id}::uuid ${LOCKS[against]}`);
}

const LOCKS = {
  deletion: Prisma.sql`FOR KEY SHARE`,
  change: Prisma.sql`FOR NO KEY UPDATE`,
  everything: Prisma.sql`FOR UPDATE`,
};

export interface NewComment extends Rendered {
  id: string;
  postId: string;
  authorId: string;
  place: { parentId: string; rootId: string; depth: number } | null;
  heldFor: Hold[];
}

export async function insertComment(
  db: Tx,
  { id, postId, authorId, place, body, bodyHtml, mentioned, heldFor }: NewComment,
): Promise<void> {
  const status = heldFor.length > 0 ? 'pending' : 'approved';
  await execute(
    db,
    Prisma.sql`INSERT INTO comments (id, post_id, parent_id, root_id, depth, author_id, body, body_html, status, held_for, approved_at)
      VALUES (${id}::uuid, ${postId}::uuid, ${place?.parentId ?? null}::uuid, ${place?.rootId ?? null}::uuid, ${place?.depth ?? 1}, ${authorId}::uuid, ${body}, ${bodyHtml},
        ${status}::comment_status, ${heldFor}::text[], CASE WHEN ${status} = 'approved' THEN now() END)`,
  );
  await insertMentions(db, id, mentioned);
}

/** Its text, as its author or a moderator has changed it. */
export async function rewriteComment(db: Tx, id: string, { body, bodyHtml, mentioned }: Rendered, heldFor: Hold[] | null): Promise<void> {
  const held = heldFor === null ? Prisma.empty : Prisma.sql`, status = 'pending', held_for = ${heldFor}::text[]`;
  await execute(
    db,
    Prisma.sql`UPDATE comments SET body = ${body}, body_html = ${bodyHtml}, edited_at = now(), version = version + 1 ${held} WHERE id = ${id}::uuid`,
  );
  await execute(db, Prisma.sql`DELETE FROM comment_mentions WHERE comment_id = ${id}::uuid`);
  await insertMentions(db, id, mentioned);
}

/** Of these people those who have taken part: the post's author, and whoever has an approved comment on it. */
export async function participantsAmong(db: Db, post: CommentedPost, ids: readonly string[]): Promise<Set<string>> {
  const found = await rows<{ id: string }>(
    db,
    Prisma.sql`SELECT u.id FROM users u WHERE u.id = ANY (${[...ids]}::uuid[]) AND u.erased_at IS NULL AND (u.id = ${post.authorId}::uuid
      OR EXISTS (SELECT FROM comments c WHERE c.post_id = ${post.id}::uuid AND c.author_id = u.id AND c.status = 'approved'))`,
  );
  return new Set(found.map(({ id }) => id));
}

/** Who could be mentioned, found by the beginning of any word of the name. */
export function listParticipants(db: Db, post: CommentedPost, q: string, limit: number): Promise<Mentioned[]> {
  const pattern = `%${` ${q}`.replace(/[\\%_]/g, '\\$&')}%`;
  return rows(
    db,
    Prisma.sql`SELECT u.id, u.name FROM users u WHERE u.erased_at IS NULL AND ' ' || u.name ILIKE ${pattern}
        AND (u.id = ${post.authorId}::uuid OR u.id IN (SELECT author_id FROM comments WHERE post_id = ${post.id}::uuid AND status = 'approved'))
      ORDER BY u.name, u.id LIMIT ${limit}`,
  );
}

/** Whether a comment of this person was approved before. */
export async function isKnownAuthor(db: Db, userId: string): Promise<boolean> {
  return (
    (await rows(db, Prisma.sql`SELECT 1 AS one FROM comments WHERE author_id = ${userId}::uuid AND status = 'approved' LIMIT 1`)).length > 0
  );
}

/**
 * Takes a comment away that is locked. What others have replied to leaves its place; empty places without replies go with it. From below
 * upwards, as the triggers count.
 */
export async function removeComment(db: Tx, { id, parentId }: { id: string; parentId: string | null }): Promise<void> {
  if (await hasReplies(db, id)) {
    await execute(
      db,
      Prisma.sql`UPDATE comments SET status = 'deleted', author_id = NULL, body = '', body_html = '', held_for = '{}', moderation_note = NULL, version = version + 1 WHERE id = ${id}::uuid`,
    );
    await execute(db, Prisma.sql`DELETE FROM comment_mentions WHERE comment_id = ${id}::uuid`);
    await execute(db, Prisma.sql`DELETE FROM comment_reports WHERE comment_id = ${id}::uuid`);
    return;
  }
  await execute(db, Prisma.sql`DELETE FROM comments WHERE id = ${id}::uuid`);
  if (parentId === null) return;
  const [parent] = await rows<{ id: string; parentId: string | null; status: string }>(
    db,
    Prisma.sql`SELECT id, parent_id AS "parentId", status FROM comments WHERE id = ${parentId}::uuid AND status = 'deleted' FOR UPDATE`,
  );
  if (parent !== undefined && !(await hasReplies(db, parent.id))) await removeComment(db, parent);
}

async function hasReplies(db: Tx, id: string): Promise<boolean> {
  return (await rows(db, Prisma.sql`SELECT 1 AS one FROM comments WHERE parent_id = ${id}::uuid LIMIT 1`)).length > 0;
}

async function insertMentions(db: Tx, id: string, mentioned: readonly string[]): Promise<void> {
  if (mentioned.length === 0) return;
  await execute(
    db,
    Prisma.sql`INSERT INTO comment_mentions (comment_id, user_id) SELECT ${id}::uuid, u FROM unnest(${[...mentioned]}::uuid[]) AS u ORDER BY u`,
  );
}

function below(of: { postId: string } | Comment): Prisma.Sql {
  if (!('id' in of)) return Prisma.sql`c.post_id = ${of.postId}::uuid AND c.parent_id IS NULL`;
  return of.depth === 1 ? Prisma.sql`c.root_id = ${of.id}::uuid` : Prisma.sql`c.parent_id = ${of.id}::uuid`;
}

/** The same as the rule `mayFind`, said to PostgreSQL. */
function findableBy(actor: Actor | null): Prisma.Sql {
  if (moderates(actor)) return Prisma.sql`true`;
  const everybody = Prisma.sql`c.status = 'approved' OR c.replies > 0`;
  return actor === null ? Prisma.sql`(${everybody})` : Prisma.sql`(${everybody} OR c.author_id = ${actor.id}::uuid)`;
}
