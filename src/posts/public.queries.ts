import { type Db, Prisma, rows } from '#database';
import type { PostFacts, PostStatus } from './posts.rules.js';

/** Of the post `p`: that its publication has begun, and has not ended. Trashed posts are left out beside it. */
export const OUT = outOf('p');

/** The same of a post by another name. */
export function outOf(alias: 'p' | 'o' | 'posts'): Prisma.Sql {
  const post = Prisma.raw(alias);
  return Prisma.sql`${post}.published_at <= now() AND (${post}.expires_at IS NULL OR ${post}.expires_at > now())`;
}

/** What the rules look at, of a row of `posts`. */
export const FACTS = Prisma.sql`author_id AS "authorId", published_at AS "publishedAt", expires_at AS "expiresAt", review::text AS review, trashed_at AS "trashedAt"`;

/** The same as `statusOf` of the post `p`, said to PostgreSQL; for those that are not in the trash, that is said beside it. */
export const IS: Record<PostStatus, Prisma.Sql> = {
  draft: Prisma.sql`p.published_at IS NULL AND p.review IS NULL`,
  'in-review': Prisma.sql`p.review = 'submitted'`,
  approved: Prisma.sql`p.review = 'approved'`,
  scheduled: Prisma.sql`p.published_at > now()`,
  published: OUT,
  expired: Prisma.sql`p.published_at <= now() AND p.expires_at <= now()`,
  trashed: Prisma.sql`p.trashed_at IS NOT NULL`,
};

/** What is asked of a post before something is said about it. */
export interface CommentedPost extends PostFacts {
  id: string;
  commentsOpen: boolean;
}

/** A post that is not in the trash. */
export async function findCommented(db: Db, id: string, kept: boolean): Promise<CommentedPost | null> {
  const [post] = await rows<CommentedPost>(
    db,
    Prisma.sql`SELECT id, ${FACTS}, comments_open AS "commentsOpen" FROM posts
      WHERE id = ${id}::uuid AND trashed_at IS NULL ${kept ? Prisma.sql`FOR KEY SHARE` : Prisma.empty}`,
  );
  return post ?? null;
}
