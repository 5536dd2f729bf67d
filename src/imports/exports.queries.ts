import { type Db, Prisma, rows } from '#database';
import { keysetSql } from '#http';
import type { ExportPostsQuery } from './exports.dto.js';
import { IS } from '../posts/posts.service.js';
import { normaliseTags } from '../posts/tags.rules.js';

/** A post as it is exported. */
export interface ExportedPost {
  id: string;
  slug: string;
  title: string;
  excerpt: string;
  body: string;
  /** Whether the excerpt was written by hand; others are made from the body again. */
  ownExcerpt: boolean;
  tags: string[];
  authorId: string;
  authorName: string;
  externalId: string | null;
  metadata: Record<string, string>;
  coverFileId: string | null;
  createdAt: Date;
  updatedAt: Date;
  publishedAt: Date | null;
}

const OLDEST_FIRST = { field: 'createdAt', descending: false };

/** So many posts behind `last`, the oldest first; with `authorId` of that author's alone. */
export function exportPosts(
  db: Db,
  { tag, status, authorId }: Omit<ExportPostsQuery, 'author'> & { authorId: string | undefined },
  last: ExportedPost | undefined,
  limit: number,
): Promise<ExportedPost[]> {
  const position = last === undefined ? null : { value: last.createdAt, id: last.id };
  const { after, order } = keysetSql(Prisma.sql`p.created_at`, Prisma.sql`p.id`, OLDEST_FIRST, position);
  const conditions = [
    ...(status === 'trashed' ? [] : [Prisma.sql`p.trashed_at IS NULL`]),
    ...(authorId === undefined ? [] : [Prisma.sql`p.author_id = ${authorId}::uuid`]),
    ...(status === undefined ? [] : [IS[status]]),
    ...(tag === undefined ? [] : [Prisma.sql`p.tags @> ARRAY[${normaliseTags([tag])[0]}]`]),
  ];
  return rows(
    db,
    Prisma.sql`SELECT p.id, p.slug, p.title, p.excerpt, p.body, p.own_excerpt AS "ownExcerpt", p.tags, p.author_id AS "authorId", u.name AS "authorName",
        p.external_id AS "externalId", p.metadata, p.cover_file_id AS "coverFileId", p.created_at AS "createdAt", p.updated_at AS "updatedAt",
        CASE WHEN ${IS.expired} THEN NULL ELSE p.published_at END AS "publishedAt"
      FROM posts p JOIN users u ON u.id = p.author_id WHERE ${Prisma.join(conditions, ' AND ')} ${after} ${order} LIMIT ${limit}`,
  );
}
