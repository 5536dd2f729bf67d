import { audited } from '#audit';
import { type Db, Prisma, rows, type Tx } from '#database';
import { keysetSql, parseSort, type Position } from '#http';
import type { Actor } from '#security';
import type { ListPostsQuery } from './posts.dto.js';
import { normaliseTags } from './posts.rules.js';
import { orderOf } from './search.rules.js';
import { typedQuery } from './words.queries.js';

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
  trashed: 'plain',
  externalId: 'personal',
  metadata: 'personal',
});

export const SUMMARY = Prisma.sql`p.id, p.slug, p.title, p.excerpt, p.tags, p.author_id AS "authorId", u.name AS "authorName", p.external_id AS "externalId", p.metadata, p.version,
  p.created_at AS "createdAt", p.updated_at AS "updatedAt", p.published_at AS "publishedAt"`;
export const FROM = Prisma.sql`FROM posts p JOIN users u ON u.id = p.author_id`;

/** A page of what the caller may see, by time; one row more than asked for tells that there is a next page. */
export function listPosts(db: Db, actor: Actor | null, query: ListPostsQuery, position: Position | null): Promise<PostSummary[]> {
  const sort = parseSort(orderOf(query));
  const tags = tagsOf(query);
  // One tag without an author is walked in the order of the list; with more to ask for PostgreSQL chooses where to begin.
  const walked = tags.length === 1 && query.author === undefined;
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
  return rows(
    db,
    Prisma.sql`SELECT ${SUMMARY} ${from} WHERE p.trashed_at IS NULL AND ${Prisma.join(conditions, ' AND ')} ${after} ${order} LIMIT ${query.limit + 1}`,
  );
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

const tagsOf = ({ tag }: ListPostsQuery) => (tag === undefined ? [] : normaliseTags(tag.split(',')));

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
  const [post] = await rows<Post>(db, Prisma.sql`SELECT ${SUMMARY}, p.body, p.body_html AS "bodyHtml" ${FROM} WHERE ${key} AND ${state}`);
  return post ?? null;
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

/** The same as the rule `maySee`, said to PostgreSQL. */
export function visibleTo(actor: Actor | null, status: ListPostsQuery['status']): Prisma.Sql {
  const published = Prisma.sql`p.published_at <= now()`;
  if (status === 'published') return published;
  const wanted =
    status === 'draft' ? Prisma.sql`p.published_at IS NULL` : status === 'scheduled' ? Prisma.sql`p.published_at > now()` : null;
  if (actor === null) return wanted === null ? published : Prisma.sql`false`;
  if (actor.can('posts:manage')) return wanted ?? Prisma.sql`true`;
  const own = Prisma.sql`p.author_id = ${actor.id}::uuid`;
  return wanted === null ? Prisma.sql`(${published} OR ${own})` : Prisma.sql`${own} AND ${wanted}`;
}
