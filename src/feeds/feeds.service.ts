import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { PrismaService } from '#database';
import { apiUrl, TextDocument } from '#http';
import type { FeedQuery } from './feeds.dto.js';
import { newestPosts } from './feeds.queries.js';
import { atomFeed, FEED_FORMATS, type FeedFormat, type FeedPlace, jsonFeed, lastChange, rssFeed } from './feeds.rules.js';

const FEED_SIZE = 20;
const WRITERS = { rss: rssFeed, atom: atomFeed, json: jsonFeed };

/** The newest posts for feed readers: what strangers may read, by the clock, in three formats. */
@Injectable()
export class FeedsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {}

  async read(format: FeedFormat, query: FeedQuery): Promise<TextDocument> {
    const posts = await newestPosts(this.prisma, query, FEED_SIZE);
    const text = await WRITERS[format](this.placeOf(format, query), posts);
    return new TextDocument(FEED_FORMATS[format], text, lastChange(posts), [
      'posts',
      ...new Set(posts.map(({ authorId }) => `user:${authorId}`)),
    ]);
  }

  private placeOf(format: FeedFormat, { tag, author }: FeedQuery): FeedPlace {
    const url = new URL(`${this.env.PUBLIC_URL}/feeds/posts.${format}`);
    if (tag !== undefined) url.searchParams.set('tag', tag);
    if (author !== undefined) url.searchParams.set('author', author);
    const pattern = this.env.POSTS_URL ?? `${apiUrl(this.env)}/posts/{slug}`;
    const home = this.env.POSTS_URL === undefined ? `${this.env.PUBLIC_URL}/` : `${new URL(pattern).origin}/`;
    return { title: [this.env.POSTS_FEED_TITLE, tag].filter(Boolean).join(': '), url: url.href, home, postUrl: pattern };
  }
}
