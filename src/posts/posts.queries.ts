import { audited } from '#audit';
import { type Db, Prisma, rows, rowsPlannedAnew, type Tx } from '#database';
import { keysetSql, parseSort, type Position } from '#http';
import type { Actor } from '#security';
import { COVER, type Cover } from './covers.queries.js';
import { type Rendered, RENDERING } from './markdown.rules.js';
import type { Heading } from './outline.rules.js';
import type { ListPostsQuery } from './posts.dto.js';
import { SERIES_PLACE, type SeriesPlace } from './places.queries.js';
import type { PostFacts } from './posts.rules.js';
import { IS, OUT } from './public.queries.js';
import { orderOf } from './search.rules.js';
import { normaliseTags } from './tags.rules.js';
import { typedQuery } from './words.queries.js';

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
  cover: Cover | null;
  series: SeriesPlace | null;
  commentsOpen: boolean;
  likes: number;
  comments: number;
  /** Whether the caller likes it, where one is known. */
  liked?: boolean;
}

export interface Post extends PostSummary {
  body: string;
  bodyHtml: string;
  contents: Heading[];
  minutes: number;
  ownExcerpt: boolean;
  coverFileId: string | null;
  imageIds: string[];
  seriesId: string | null;
  seriesPlace: number | null;
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
  coverFileId: 'plain',
  seriesId: 'plain',
  seriesPlace: 'plain',
  externalId: 'personal',
  metadata: 'personal',
  commentsOpen: 'plain',
});

export const SUMMARY = Prisma.sql`p.id, p.slug, p.title, p.excerpt, p.tags, p.author_id AS "authorId", u.name AS "authorName", p.external_id AS "externalId", p.metadata, p.version,
  p.created_at AS "createdAt", p.updated_at AS "updatedAt", p.published_at AS "publishedAt", p.expires_at AS "expiresAt",
  p.review::text AS review, p.trashed_at AS "trashedAt", ${COVER} AS cover, ${SERIES_PLACE} AS series,
  p.comments_open AS "commentsOpen", coalesce(pc.likes, 0) AS likes, coalesce(pc.comments, 0) AS comments`;
const WHOLE = Prisma.sql`${SUMMARY}, p.body, p.body_html AS "bodyHtml", p.contents, p.minutes, p.own_excerpt AS "ownExcerpt", p.cover_file_id AS "coverFileId",
  p.image_ids AS "imageIds", p.series_id AS "seriesId", p.series_place AS "seriesPlace"`;
const JOINS = Prisma.sql`JOIN users u ON u.id = p.author_id LEFT JOIN post_counts pc ON pc.post_id = p.id`;
export const FROM = Prisma.sql`FROM posts p ${JOINS}`;

/** A page of what the caller may see, by time; one row more than asked for tells that there is a next page. */
export function listPosts(db: Db, actor: Actor | null, query: ListPostsQuery, position: Position | null): Promise<PostSummary[]> {
  const sort = parseSort(orderOf(query));
  const tags = tagsOf(query);
  // One tag without an author is walked in the order of the list; with more to ask for PostgreSQL chooses where to begin.
  const walked = tags.length === 1 && query.author === undefined && query.status !== 'trashed';
  const from = walked ? Prisma.sql`${FROM} JOIN post_tags t ON t.post_id = p.id AND t.tag = ${tags[0]}` : FROM;
  const [table, id] = walked ? [Prisma.sql`t`, Prisma.sql`t.post_id`] : [Prisma.sql`p`, Prisma.sql`p.id`];
  const column = sort.field === 'publishedAt' ? Prisma.sql`${table}.published_at` : Prisma.sql`${table}.created_at`;
  const { after, order } = keysetSql(column, id, sort, position);
  const conditions = [
    visibleTo(actor, query.status),
    ...(sort.field === 'publishedAt' ? [Prisma.sql`${column} IS NOT NULL`] : []),
    ...(walked ? publishedWithin(query, column) : filtersOf(query)),
    ...(query.q === undefined ? [] : [Prisma.sql`p.search @@ ${typedQuery(query.q)}`]),
  ];
  const page = Prisma.sql`SELECT ${SUMMARY} ${from} WHERE ${Prisma.join(conditions, ' AND ')} ${after} ${order} LIMIT ${query.limit + 1}`;
  return query.q === undefined ? rows(db, page) : rowsPlannedAnew(db, page);
}

/** What the filters of a list ask of a post, `p`. */
export function filtersOf(query: ListPostsQuery): Prisma.Sql[] {
  const tags = tagsOf(query);
  return [
    ...(tags.length === 0 ? [] : [Prisma.sql`p.tags @> ${tags}::text[]`]),
    ...(query.author === undefined ? [] : [Prisma.sql`p.author_id = ${query.author}::uuid`]),
    ...publishedWithin(query, Prisma.sql`p.published_at`),
  ];
}

function publishedWithin({ from, to }: ListPostsQuery, publishedAt: Prisma.Sql): Prisma.Sql[] {
  return [
    ...(from === undefined ? [] : [Prisma.sql`${publishedAt} >= ${new Date(from)}`]),
    ...(to === undefined ? [] : [Prisma.sql`${publishedAt} < ${new Date(to)}`]),
  ];
}

/** The tags that a list asks for, as they are kept. */
export const tagsOf = ({ tag }: ListPostsQuery): string[] => (tag === undefined ? [] : normaliseTags(tag.split(',')));

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
  return (await select<Post>(db, WHOLE, by, wanted)) ?? null;
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
  // As an UPDATE locks it: who only refers to it, by a like or a comment, does not wait.
  const lock = locked ? Prisma.sql` FOR NO KEY UPDATE OF p` : Prisma.empty;
  const [row] = await rows<Row>(db, Prisma.sql`SELECT ${columns} ${FROM} WHERE ${key} AND ${state}${lock}`);
  return row;
}

/** A post as it is written: a draft. */
export type NewPost = Pick<Post, 'id' | 'slug' | 'title' | 'excerpt' | 'ownExcerpt' | 'body' | 'authorId'> &
  Rendered &
  Partial<Pick<Post, 'tags' | 'externalId' | 'metadata' | 'coverFileId' | 'seriesId' | 'seriesPlace' | 'commentsOpen'>>;

export async function insertPost(db: Tx, post: NewPost): Promise<Post> {
  const [written] = await rows<Post>(
    db,
    Prisma.sql`WITH p AS (
        INSERT INTO posts (id, slug, title, excerpt, own_excerpt, body, body_html, contents, minutes, image_ids, rendering, tags, author_id, external_id, metadata,
          cover_file_id, series_id, series_place, comments_open)
        VALUES (${post.id}::uuid, ${post.slug}, ${post.title}, ${post.excerpt}, ${post.ownExcerpt}, ${post.body}, ${post.bodyHtml}, ${JSON.stringify(post.contents)}::jsonb,
          ${post.minutes}, ${post.imageIds}::uuid[], ${RENDERING}, ${post.tags ?? []}, ${post.authorId}::uuid, ${post.externalId ?? null},
          ${JSON.stringify(post.metadata ?? {})}::jsonb, ${post.coverFileId ?? null}::uuid, ${post.seriesId ?? null}::uuid, ${post.seriesPlace ?? null}::int,
          ${post.commentsOpen ?? true})
        RETURNING *
      )
      SELECT ${WHOLE} FROM p ${JOINS}`,
  );
  return written!;
}

/** The same as the rule `maySee`, said to PostgreSQL; the trash is shown when it is asked for. */
export function visibleTo(actor: Actor | null, status: ListPostsQuery['status']): Prisma.Sql {
  const kept = Prisma.sql`p.trashed_at IS NULL`;
  if (status === 'published' || (actor === null && status === undefined)) return Prisma.sql`${kept} AND ${OUT}`;
  if (actor === null) return Prisma.sql`false`;
  const wanted = status === undefined ? kept : status === 'trashed' ? IS.trashed : Prisma.sql`${kept} AND ${IS[status]}`;
  if (actor.can('posts:manage')) return wanted;
  const own = Prisma.sql`p.author_id = ${actor.id}::uuid`;
  return Prisma.sql`${wanted} AND ${status === undefined ? Prisma.sql`(${OUT} OR ${own})` : own}`;
}
