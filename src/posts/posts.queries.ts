import { audited } from '#audit';
import { type Db, Prisma, rows, type Tx } from '#database';
import { keysetSql, parseSort, type Position } from '#http';
import type { Actor } from '#security';
import { COVER, type Cover } from './covers.queries.js';
import { type Rendered, RENDERING } from './markdown.rules.js';
import type { Heading } from './outline.rules.js';
import type { ListPostsQuery } from './posts.dto.js';
import { SERIES_PLACE, type SeriesPlace } from './places.queries.js';
import { normaliseTags } from './tags.rules.js';

/** A post in a list, with its author's name. */
export interface PostSummary {
  id: string;
  slug: string;
  title: string;
  excerpt: string;
  tags: string[];
  authorId: string;
  authorName: string;
  externalId: string | null;
  metadata: Record<string, string>;
  version: number;
  createdAt: Date;
  updatedAt: Date;
  publishedAt: Date | null;
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
  trashed: 'plain',
  coverFileId: 'plain',
  seriesId: 'plain',
  seriesPlace: 'plain',
  externalId: 'personal',
  metadata: 'personal',
  commentsOpen: 'plain',
});

const SUMMARY = Prisma.sql`p.id, p.slug, p.title, p.excerpt, p.tags, p.author_id AS "authorId", u.name AS "authorName", p.external_id AS "externalId", p.metadata, p.version,
  p.created_at AS "createdAt", p.updated_at AS "updatedAt", p.published_at AS "publishedAt", ${COVER} AS cover, ${SERIES_PLACE} AS series,
  p.comments_open AS "commentsOpen", coalesce(pc.likes, 0) AS likes, coalesce(pc.comments, 0) AS comments`;
const WHOLE = Prisma.sql`${SUMMARY}, p.body, p.body_html AS "bodyHtml", p.contents, p.minutes, p.own_excerpt AS "ownExcerpt", p.cover_file_id AS "coverFileId",
  p.image_ids AS "imageIds", p.series_id AS "seriesId", p.series_place AS "seriesPlace"`;
const JOINS = Prisma.sql`JOIN users u ON u.id = p.author_id LEFT JOIN post_counts pc ON pc.post_id = p.id`;
const FROM = Prisma.sql`FROM posts p ${JOINS}`;

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
    Prisma.sql`SELECT ${SUMMARY} ${FROM} WHERE p.trashed_at IS NULL AND ${Prisma.join(conditions, ' AND ')} ${after} ${order} LIMIT ${query.limit + 1}`,
  );
}

/** How many more milliseconds nothing appears by itself that had not `sinceMs` ago; less than 0 when something has. */
export async function untilNextAppearance(db: Db, sinceMs: number): Promise<number> {
  const [next] = await rows<{ ms: number | null }>(
    db,
    Prisma.sql`SELECT (extract(epoch FROM min(published_at) - now()) * 1000)::float8 AS ms FROM posts
      WHERE published_at > now() - make_interval(secs => ${sinceMs / 1_000}) AND trashed_at IS NULL`,
  );
  return next?.ms ?? Infinity;
}

/** A post by id or slug, whoever asks; trashed ones only when they are asked for. */
export async function findPost(db: Db, by: { id: string } | { slug: string }, { trashed = false } = {}): Promise<Post | null> {
  const key = 'id' in by ? Prisma.sql`p.id = ${by.id}::uuid` : Prisma.sql`p.slug = ${by.slug}`;
  const state = trashed ? Prisma.sql`p.trashed_at IS NOT NULL` : Prisma.sql`p.trashed_at IS NULL`;
  const [post] = await rows<Post>(db, Prisma.sql`SELECT ${WHOLE} ${FROM} WHERE ${key} AND ${state}`);
  return post ?? null;
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

/** The same as the rule `maySee`, said to PostgreSQL. */
function visibleTo(actor: Actor | null, status: ListPostsQuery['status']): Prisma.Sql {
  const published = Prisma.sql`p.published_at <= now()`;
  if (status === 'published') return published;
  const wanted =
    status === 'draft' ? Prisma.sql`p.published_at IS NULL` : status === 'scheduled' ? Prisma.sql`p.published_at > now()` : null;
  if (actor === null) return wanted === null ? published : Prisma.sql`false`;
  if (actor.can('posts:manage')) return wanted ?? Prisma.sql`true`;
  const own = Prisma.sql`p.author_id = ${actor.id}::uuid`;
  return wanted === null ? Prisma.sql`(${published} OR ${own})` : Prisma.sql`${own} AND ${wanted}`;
}
