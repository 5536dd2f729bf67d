/** A post as feeds tell of it. */
export interface FeedPost {
  id: string;
  slug: string;
  title: string;
  excerpt: string;
  bodyHtml: string;
  tags: string[];
  authorName: string;
  updatedAt: Date;
  publishedAt: Date;
}

/** Where a feed lies and what it is called. */
export interface FeedPlace {
  title: string;
  /** The feed's own URL, which is its id, too. */
  url: string;
  /** The page it is a feed of. */
  home: string;
  /** Where a post is read: with `{slug}` or `{id}` in it. */
  postUrl: string;
}

export const FEED_FORMATS = {
  rss: 'application/rss+xml; charset=utf-8',
  atom: 'application/atom+xml; charset=utf-8',
  json: 'application/feed+json; charset=utf-8',
} as const;
export type FeedFormat = keyof typeof FEED_FORMATS;

/** A post changes for its readers when it is edited, and when it appears. */
export const changedAt = ({ updatedAt, publishedAt }: Pick<FeedPost, 'updatedAt' | 'publishedAt'>): Date =>
  updatedAt > publishedAt ? updatedAt : publishedAt;

/** When what a feed holds has changed last; of an empty one, never. */
export const lastChange = (posts: readonly FeedPost[]): Date => new Date(Math.max(0, ...posts.map((post) => changedAt(post).getTime())));

/** XML 1.0 has no other characters (2.2), however they are written: one that slipped in would make the whole feed unreadable. */
export const xmlText = (text: string): string =>
  text.toWellFormed().replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '');

export const postUrl = (pattern: string, { id, slug }: Pick<FeedPost, 'id' | 'slug'>): string =>
  pattern.replace('{slug}', encodeURIComponent(slug)).replace('{id}', id);

/** Loaded with the first feed: a start would spend a twentieth of its time on it. */
const feedsmith = () => import('feedsmith');

const urn = ({ id }: FeedPost) => `urn:uuid:${id}`;

/** RSS 2.0, with the whole text in `content:encoded`. */
export async function rssFeed(place: FeedPlace, posts: readonly FeedPost[]): Promise<string> {
  const { generateRssFeed } = await feedsmith();
  return generateRssFeed({
    title: xmlText(place.title),
    link: place.home,
    description: xmlText(place.title),
    lastBuildDate: lastChange(posts),
    atom: { links: [{ href: place.url, rel: 'self', type: 'application/rss+xml' }] },
    items: posts.map((post) => ({
      title: xmlText(post.title),
      link: postUrl(place.postUrl, post),
      guid: { value: urn(post), isPermaLink: false },
      pubDate: post.publishedAt,
      description: xmlText(post.excerpt),
      categories: post.tags.map((name) => ({ name: xmlText(name) })),
      dc: { creators: [xmlText(post.authorName)] },
      content: { encoded: xmlText(post.bodyHtml) },
    })),
  });
}

/** Atom (RFC 4287). */
export async function atomFeed(place: FeedPlace, posts: readonly FeedPost[]): Promise<string> {
  const { generateAtomFeed } = await feedsmith();
  return generateAtomFeed({
    id: place.url,
    title: { value: xmlText(place.title) },
    updated: lastChange(posts),
    links: [
      { href: place.url, rel: 'self', type: 'application/atom+xml' },
      { href: place.home, rel: 'alternate' },
    ],
    entries: posts.map((post) => ({
      id: urn(post),
      title: { value: xmlText(post.title) },
      links: [{ href: postUrl(place.postUrl, post), rel: 'alternate' }],
      authors: [{ name: xmlText(post.authorName) || '–' }],
      published: post.publishedAt,
      updated: changedAt(post),
      summary: { value: xmlText(post.excerpt) },
      categories: post.tags.map((term) => ({ term: xmlText(term) })),
      content: { value: xmlText(post.bodyHtml), type: 'html' },
    })),
  });
}

/** JSON Feed 1.1. */
export async function jsonFeed(place: FeedPlace, posts: readonly FeedPost[]): Promise<string> {
  const { generateJsonFeed } = await feedsmith();
  const feed = generateJsonFeed({
    title: place.title,
    home_page_url: place.home,
    feed_url: place.url,
    items: posts.map((post) => ({
      id: urn(post),
      url: postUrl(place.postUrl, post),
      title: post.title,
      summary: post.excerpt,
      content_html: post.bodyHtml,
      date_published: post.publishedAt,
      date_modified: changedAt(post),
      authors: [{ name: post.authorName }],
      tags: post.tags,
    })),
  });
  return JSON.stringify({ ...(feed as object), items: (feed as { items?: unknown[] }).items ?? [] });
}
