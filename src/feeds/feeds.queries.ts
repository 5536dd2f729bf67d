import { type Db, Prisma, rows } from '#database';
import type { FeedQuery } from './feeds.dto.js';
import type { FeedPost } from './feeds.rules.js';
import { IS } from '../posts/posts.service.js';
import { normaliseTags } from '../posts/tags.rules.js';

interface FeedRow extends FeedPost {
  authorId: string;
}

/** The posts that were published last, whole. */
export function newestPosts(db: Db, { tag, author }: FeedQuery, limit: number): Promise<FeedRow[]> {
  const from = tag === undefined ? Prisma.empty : Prisma.sql`JOIN post_tags t ON t.post_id = p.id AND t.tag = ${normaliseTags([tag])[0]}`;
  const of = tag === undefined ? Prisma.sql`p.published_at` : Prisma.sql`t.published_at`;
  return rows(
    db,
    Prisma.sql`SELECT p.id, p.slug, p.title, p.excerpt, p.body_html AS "bodyHtml", p.tags, p.author_id AS "authorId", u.name AS "authorName",
        p.updated_at AS "updatedAt", p.published_at AS "publishedAt"
      FROM posts p JOIN users u ON u.id = p.author_id ${from}
      WHERE p.trashed_at IS NULL AND ${of} IS NOT NULL AND ${IS.published} ${author === undefined ? Prisma.empty : Prisma.sql`AND p.author_id = ${author}::uuid`}
      ORDER BY ${of} DESC, p.id DESC LIMIT ${limit}`,
  );
}
