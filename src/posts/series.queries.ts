import { audited } from '#audit';
import { type Db, Prisma, rows, type Tx } from '#database';
import { keysetSql, parseSort, type Position } from '#http';
import type { Actor } from '#security';
import type { PostFacts } from './posts.rules.js';
import { FACTS, OUT } from './public.queries.js';
import type { ListSeriesQuery } from './series.dto.js';

export interface Series {
  id: string;
  slug: string;
  title: string;
  description: string;
  ownerId: string;
  ownerName: string;
  /** Of those that everybody may read. */
  postCount: number;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** A post, as its series lists it. */
export interface SeriesEntry extends PostFacts {
  id: string;
  slug: string;
  title: string;
  excerpt: string;
  place: number;
}

export const auditedSeries = audited('series', { slug: 'personal', title: 'personal', description: 'personal' });

const IS_OUT = Prisma.sql`${OUT} AND p.trashed_at IS NULL`;
const SERIES = Prisma.sql`SELECT s.id, s.slug, s.title, s.description, s.owner_id AS "ownerId", u.name AS "ownerName", s.version, s.created_at AS "createdAt", s.updated_at AS "updatedAt",
  (SELECT count(*)::int FROM posts p WHERE p.series_id = s.id AND ${IS_OUT}) AS "postCount" FROM series s JOIN users u ON u.id = s.owner_id`;

/** A page of the series that the caller may see, and one row more. */
export function listSeries(db: Db, actor: Actor | null, query: ListSeriesQuery, position: Position | null): Promise<Series[]> {
  const sort = parseSort(query.sort);
  const { after, order } = keysetSql(
    sort.field === 'title' ? Prisma.sql`s.title` : Prisma.sql`s.created_at`,
    Prisma.sql`s.id`,
    sort,
    position,
  );
  const isPublic = Prisma.sql`EXISTS (SELECT FROM posts p WHERE p.series_id = s.id AND ${IS_OUT})`;
  const visible =
    actor === null ? isPublic : actor.can('posts:manage') ? Prisma.sql`true` : Prisma.sql`(${isPublic} OR s.owner_id = ${actor.id}::uuid)`;
  const owner = query.owner === undefined ? Prisma.empty : Prisma.sql`AND s.owner_id = ${query.owner}::uuid`;
  return rows(db, Prisma.sql`${SERIES} WHERE ${visible} ${owner} ${after} ${order} LIMIT ${query.limit + 1}`);
}

export async function findSeries(db: Db, by: { id: string } | { slug: string }): Promise<Series | null> {
  const [series] = await rows<Series>(
    db,
    Prisma.sql`${SERIES} WHERE ${'id' in by ? Prisma.sql`s.id = ${by.id}::uuid` : Prisma.sql`s.slug = ${by.slug}`}`,
  );
  return series ?? null;
}

/** Its posts in their order, whoever asks: there are few enough for one answer. */
export function listEntries(db: Db, seriesId: string): Promise<SeriesEntry[]> {
  return rows(
    db,
    Prisma.sql`SELECT id, slug, title, excerpt, series_place AS place, ${FACTS} FROM posts
      WHERE series_id = ${seriesId}::uuid AND trashed_at IS NULL ORDER BY series_place, id`,
  );
}

/** The series as it is now, kept so until the transaction ends: of two posts that join it at once, the second comes behind the first. */
export async function lockSeries(db: Tx, id: string): Promise<{ ownerId: string; posts: number; last: number } | null> {
  await rows(db, Prisma.sql`SELECT FROM series WHERE id = ${id}::uuid FOR NO KEY UPDATE`);
  const [series] = await rows<{ ownerId: string; posts: number; last: number }>(
    db,
    Prisma.sql`SELECT s.owner_id AS "ownerId", count(p.id)::int AS posts, coalesce(max(p.series_place), 0) AS last
      FROM series s LEFT JOIN posts p ON p.series_id = s.id WHERE s.id = ${id}::uuid GROUP BY s.id`,
  );
  return series ?? null;
}

/** Its posts, whatever their state, kept as they are until the transaction ends. */
export async function lockMembers(db: Tx, seriesId: string): Promise<string[]> {
  const found = await rows<{ id: string }>(
    db,
    Prisma.sql`SELECT id FROM posts WHERE series_id = ${seriesId}::uuid ORDER BY id FOR NO KEY UPDATE`,
  );
  return found.map(({ id }) => id);
}
