import { type Db, Prisma, rows } from '#database';
import { IS } from '../posts/posts.service.js';

/** A published post, as a sitemap names it. */
export interface SitemapPost {
  id: string;
  slug: string;
  updatedAt: Date;
  publishedAt: Date;
}

/** The place before the first post of a page. Posts are in the order of publication, so that only the last page grows. */
export interface SitemapPlace {
  publishedAt: Date;
  id: string;
}

const OUT = Prisma.sql`p.trashed_at IS NULL AND p.published_at <= now()`;
const beyond = (place: SitemapPlace | null) =>
  place ? Prisma.sql`AND (p.published_at, p.id) > (${place.publishedAt}, ${place.id}::uuid)` : Prisma.empty;

/** The last post of every page that is full. */
export async function pageEnds(db: Db, size: number): Promise<SitemapPlace[]> {
  return rows(
    db,
    Prisma.sql`SELECT o.published_at AS "publishedAt", o.id FROM (
        SELECT p.published_at, p.id, row_number() OVER (ORDER BY p.published_at, p.id) AS n FROM posts p WHERE ${OUT}
      ) o WHERE o.n % ${size} = 0 ORDER BY o.n`,
  );
}

/** What a page of at most `size` posts holds, in short: it changes with every post that comes, goes or is edited. */
export async function pageState(db: Db, after: SitemapPlace | null, size: number): Promise<{ count: bigint; state: bigint | null }> {
  const [state] = await rows<{ count: bigint; state: bigint | null }>(
    db,
    Prisma.sql`SELECT count(*) AS count, bit_xor(hashtextextended(o.id || ':' || o.version, 0)) AS state FROM (
        SELECT p.id, p.version, ${IS.published} AS shown FROM posts p WHERE ${OUT} ${beyond(after)} ORDER BY p.published_at, p.id LIMIT ${size}
      ) o WHERE o.shown`,
  );
  return state!;
}

/** The posts of a page, some at a time. */
export async function* pagePosts(db: Db, after: SitemapPlace | null, size: number): AsyncGenerator<SitemapPost> {
  const batch = 2_000;
  let place = after;
  for (let left = size; left > 0; left -= batch) {
    const posts: (SitemapPost & { shown: boolean })[] = await rows(
      db,
      Prisma.sql`SELECT p.id, p.slug, p.updated_at AS "updatedAt", p.published_at AS "publishedAt", ${IS.published} AS shown
        FROM posts p WHERE ${OUT} ${beyond(place)} ORDER BY p.published_at, p.id LIMIT ${Math.min(batch, left)}`,
    );
    for (const { shown, ...post } of posts) if (shown) yield post;
    if (posts.length < Math.min(batch, left)) return;
    place = posts.at(-1)!;
  }
}
