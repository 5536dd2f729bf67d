import { audited } from '#audit';
import { type Db, Prisma, rows, type Tx } from '#database';
import { keysetSql, parseSort, type Position } from '#http';
import type { Actor } from '#security';
import type { ListPostsQuery } from './posts.dto.js';
import { normaliseTags, type PostFacts, type PostStatus } from './posts.rules.js';

/** A post in a list, with its author's name. */
export interface PostSummary extends PostFacts {
  id: string;
  slug: string;
  title: string;
  excerpt: string;
  tags: string[];
  authorName: string;
  externalId: string | null;
  metadata: Record<string, string>;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

export interface Post extends PostSummary {
  body: string;
  bodyHtml: string;
}

export const auditedPost = audited('post', {
  slug: 'personal',
  title: 'personal',
  excerpt: 'personal',
  body: 'digest',
  tags: 'personal',
  publishedAt: 'plain',
  expiresAt: 'plain',
  review: 'plain',
  trashed: 'plain',
  externalId: 'personal',
  metadata: 'personal',
});

const SUMMARY = Prisma.sql`p.id, p.slug, p.title, p.excerpt, p.tags, p.author_id AS "authorId", u.name AS "authorName", p.external_id AS "externalId", p.metadata, p.version,
  p.created_at AS "createdAt", p.updated_at AS "updatedAt", p.published_at AS "publishedAt", p.expires_at AS "expiresAt",
  p.review::text AS review, p.trashed_at AS "trashedAt"`;
const FROM = Prisma.sql`FROM posts p JOIN users u ON u.id = p.author_id`;

/** A page of what the caller may see; one row more than asked for tells that there is a next page. */
export function listPosts(db: Db, actor: Actor | null, query: ListPostsQuery, position: Position | null): Promise<PostSummary[]> {
  const sort = parseSort(query.sort);
  const column = sort.field === 'publishedAt' ? Prisma.sql`p.published_at` : Prisma.sql`p.created_at`;
  const { after, order } = keysetSql(column, Prisma.sql`p.id`, sort, position);
  const conditions = [
    visibleTo(actor, query.status),
    ...(sort.field === 'publishedAt' ? [Prisma.sql`p.published_at IS NOT NULL`] : []),
    ...(query.tag === undefined ? [] : [Prisma.sql`p.tags @> ARRAY[${normaliseTags([query.tag])[0]}]`]),
    ...(query.author === undefined ? [] : [Prisma.sql`p.author_id = ${query.author}::uuid`]),
    ...(query.q === undefined ? [] : [Prisma.sql`p.search @@ websearch_to_tsquery('simple', ${query.q})`]),
  ];
  return rows(
    db,
    Prisma.sql`SELECT ${SUMMARY} ${FROM} WHERE ${Prisma.join(conditions, ' AND ')} ${after} ${order} LIMIT ${query.limit + 1}`,
  );
}

/** How many more milliseconds nothing appears or ends by itself that had not `sinceMs` ago; less than 0 when something has. */
export async function untilNextAppearance(db: Db, sinceMs: number): Promise<number> {
  const [next] = await rows<{ ms: number | null }>(
    db,
    Prisma.sql`SELECT (extract(epoch FROM least(
        (SELECT min(published_at) FROM posts WHERE published_at > now() - make_interval(secs => ${sinceMs / 1_000}) AND trashed_at IS NULL),
        (SELECT min(expires_at) FROM posts WHERE expires_at > now() - make_interval(secs => ${sinceMs / 1_000}) AND trashed_at IS NULL)
      ) - now()) * 1000)::float8 AS ms`,
  );
  return next?.ms ?? Infinity;
}

interface Wanted {
  /** Those in the trash instead of the others; null: either. */
  trashed?: boolean | null;
  /** Kept as it is until the transaction ends: who asks later waits, and sees what became of it. */
  locked?: boolean;
}

/** A post by id or slug, whoever asks; trashed ones only when they are asked for. */
export async function findPost(db: Db, by: { id: string } | { slug: string }, wanted: Wanted = {}): Promise<Post | null> {
  return (await select<Post>(db, Prisma.sql`${SUMMARY}, p.body, p.body_html AS "bodyHtml"`, by, wanted)) ?? null;
}

/** The same without its body. */
export async function findSummary(db: Db, by: { id: string }, wanted: Wanted = {}): Promise<PostSummary | null> {
  return (await select<PostSummary>(db, SUMMARY, by, wanted)) ?? null;
}

async function select<Row extends object>(
  db: Db,
  columns: Prisma.Sql,
  by: { id: string } | { slug: string },
  { trashed = false, locked = false }: Wanted,
): Promise<Row | undefined> {
  const key = 'id' in by ? Prisma.sql`p.id = ${by.id}::uuid` : Prisma.sql`p.slug = ${by.slug}`;
  const state = trashed === null ? Prisma.sql`true` : trashed ? Prisma.sql`p.trashed_at IS NOT NULL` : Prisma.sql`p.trashed_at IS NULL`;
  const [row] = await rows<Row>(
    db,
    Prisma.sql`SELECT ${columns} ${FROM} WHERE ${key} AND ${state}${locked ? Prisma.sql` FOR UPDATE OF p` : Prisma.empty}`,
  );
  return row;
}

/** A post as it is written: a draft. */
export type NewPost = Pick<Post, 'id' | 'slug' | 'title' | 'excerpt' | 'body' | 'bodyHtml' | 'authorId'> &
  Partial<Pick<Post, 'tags' | 'externalId' | 'metadata'>>;

export async function insertPost(db: Tx, post: NewPost): Promise<Post> {
  const [written] = await rows<Post>(
    db,
    Prisma.sql`WITH p AS (
        INSERT INTO posts (id, slug, title, excerpt, body, body_html, tags, author_id, external_id, metadata)
        VALUES (${post.id}::uuid, ${post.slug}, ${post.title}, ${post.excerpt}, ${post.body}, ${post.bodyHtml}, ${post.tags ?? []}, ${post.authorId}::uuid,
          ${post.externalId ?? null}, ${JSON.stringify(post.metadata ?? {})}::jsonb)
        RETURNING *
      )
      SELECT ${SUMMARY}, p.body, p.body_html AS "bodyHtml" FROM p JOIN users u ON u.id = p.author_id`,
  );
  return written!;
}

const OUT = Prisma.sql`p.published_at <= now() AND (p.expires_at IS NULL OR p.expires_at > now())`;

/** The same as `statusOf`, said to PostgreSQL. */
const IS: Record<PostStatus, Prisma.Sql> = {
  draft: Prisma.sql`p.published_at IS NULL AND p.review IS NULL`,
  'in-review': Prisma.sql`p.review = 'submitted'`,
  approved: Prisma.sql`p.review = 'approved'`,
  scheduled: Prisma.sql`p.published_at > now()`,
  published: OUT,
  expired: Prisma.sql`p.published_at <= now() AND p.expires_at <= now()`,
  trashed: Prisma.sql`p.trashed_at IS NOT NULL`,
};

/** The same as the rule `maySee`, said to PostgreSQL; the trash is shown when it is asked for. */
function visibleTo(actor: Actor | null, status: ListPostsQuery['status']): Prisma.Sql {
  const kept = Prisma.sql`p.trashed_at IS NULL`;
  if (status === 'published' || (actor === null && status === undefined)) return Prisma.sql`${kept} AND ${OUT}`;
  if (actor === null) return Prisma.sql`false`;
  const wanted = status === undefined ? kept : status === 'trashed' ? IS.trashed : Prisma.sql`${kept} AND ${IS[status]}`;
  if (actor.can('posts:manage')) return wanted;
  const own = Prisma.sql`p.author_id = ${actor.id}::uuid`;
  return Prisma.sql`${wanted} AND ${status === undefined ? Prisma.sql`(${OUT} OR ${own})` : own}`;
}
