import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { PrismaService } from '#database';
import { apiUrl } from '#http';
import { SitemapIndexStream, SitemapStream } from 'sitemap';
import { changedAt, postUrl } from './feeds.rules.js';
import { sitemapPageNotFound } from './sitemaps.errors.js';
import { pageEnds, pagePosts, pageState, type SitemapPlace } from './sitemaps.queries.js';

/** The most addresses that a sitemap may have (sitemaps.org). */
const MOST_URLS = 50_000;

/** A sitemap on its way. */
export interface Sitemap {
  etag: string;
  open(): Readable;
}

/** Every published post for crawlers: one sitemap, or an index of several where there are more than one may hold. */
@Injectable()
export class SitemapsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {}

  async root(): Promise<Sitemap> {
    const ends = await pageEnds(this.prisma, MOST_URLS);
    if (ends.length === 0) return this.page(null);
    const pages = Array.from({ length: ends.length + 1 }, (_, n) => ({ url: `${this.env.PUBLIC_URL}/sitemaps/${n + 1}` }));
    return { etag: `"index-${pages.length}"`, open: () => Readable.from(pages).pipe(new SitemapIndexStream()) };
  }

  /** @throws posts/sitemap-not-found */
  async numbered(page: number): Promise<Sitemap> {
    const ends = await pageEnds(this.prisma, MOST_URLS);
    if (page > ends.length + 1) throw sitemapPageNotFound('There is no such page; the pages are listed in /sitemap.xml.');
    return this.page(page === 1 ? null : ends[page - 2]!);
  }

  private async page(after: SitemapPlace | null): Promise<Sitemap> {
    const { count, state } = await pageState(this.prisma, after, MOST_URLS);
    return {
      etag: `"${count}-${BigInt.asUintN(64, state ?? 0n).toString(36)}"`,
      open: () => (count > 0n ? this.stream(after) : this.empty()),
    };
  }

  /** A sitemap names one address at least: that of the site. */
  private empty(): Readable {
    const home = this.env.POSTS_URL === undefined ? this.env.PUBLIC_URL! : new URL(this.env.POSTS_URL).origin;
    return Readable.from([{ url: `${home}/` }]).pipe(new SitemapStream());
  }

  private stream(after: SitemapPlace | null): Readable {
    const pattern = this.env.POSTS_URL ?? `${apiUrl(this.env)}/posts/{slug}`;
    const posts = async function* (db: PrismaService) {
      for await (const post of pagePosts(db, after, MOST_URLS))
        yield { url: postUrl(pattern, post), lastmod: changedAt(post).toISOString() };
    };
    const source = Readable.from(posts(this.prisma));
    const sitemap = new SitemapStream();
    // A database that goes away ends the answer instead of leaving it half open.
    source.once('error', (error) => sitemap.destroy(error));
    sitemap.once('close', () => source.destroy());
    return source.pipe(sitemap);
  }
}
