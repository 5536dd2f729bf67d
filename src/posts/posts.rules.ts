import type { Actor } from '#security';
import { isLasting } from './images.rules.js';

/** What the rules look at. */
export interface PostFacts {
  authorId: string;
  publishedAt: Date | null;
  /** From then on it is public no more. */
  expiresAt: Date | null;
  /** Where it stands with the editors, while it is not out. */
  review: 'submitted' | 'approved' | null;
  trashedAt: Date | null;
}

export const POST_STATUSES = ['draft', 'in-review', 'approved', 'scheduled', 'published', 'expired', 'trashed'] as const;
export type PostStatus = (typeof POST_STATUSES)[number];

export function statusOf({ publishedAt, expiresAt, review, trashedAt }: Omit<PostFacts, 'authorId'>, now: Date): PostStatus {
  if (trashedAt !== null) return 'trashed';
  if (publishedAt === null) return review === null ? 'draft' : review === 'submitted' ? 'in-review' : 'approved';
  if (publishedAt > now) return 'scheduled';
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'published';
}

/** Published posts are everybody's to read; others are for their author and for editors. */
export function maySee(actor: Actor | null, post: PostFacts, now: Date): boolean {
  return statusOf(post, now) === 'published' || mayChange(actor, post);
}

export function mayChange(actor: Actor | null, post: Pick<PostFacts, 'authorId'>): boolean {
  return actor !== null && (post.authorId === actor.id || actor.can('posts:manage'));
}

/** What is public, or will be by itself, is changed by who may publish: else a review could be got round by an edit after it. */
export function mayRewrite(actor: Actor, post: PostFacts, now: Date): boolean {
  return actor.can('posts:publish') || !['published', 'scheduled'].includes(statusOf(post, now));
}

/** The times of a publication; what is given replaces what was. */
export interface Publication {
  publishedAt: Date;
  expiresAt: Date | null;
}

/**
 * When a post is out that is published now: at the time given; else what is out already keeps its date. It ends when that is said; else what
 * was to end still does, unless that time has passed. `null` when it would end before it begins, or has ended.
 */
export function publicationOf(post: PostFacts, wanted: { at?: Date; until?: Date | null }, now: Date): Publication | null {
  const publishedAt = wanted.at ?? (statusOf(post, now) === 'published' ? post.publishedAt! : now);
  const lasting = post.expiresAt !== null && post.expiresAt > now ? post.expiresAt : null;
  const expiresAt = wanted.until === undefined ? lasting : wanted.until;
  return expiresAt !== null && (expiresAt <= now || expiresAt <= publishedAt) ? null : { publishedAt, expiresAt };
}

/**
 * What a page of posts, or one, is made of for strangers; what is not out yet is kept for nobody. One that will end by itself depends on
 * `posts`, too: what bears that tag is kept until the next post appears or ends.
 */
export function madeOf(posts: readonly Answered[], ...of: ('posts' | 'post-words' | `post:${string}`)[]): string[] | null {
  // A post that has just appeared by itself may have a cover that is about to be public: its link ends.
  if (posts.some(({ status, cover }) => status !== 'published' || (cover !== null && !isLasting(cover.url)))) return null;
  const parts = posts.flatMap(({ id, author, cover, series, expiresAt }) => [
    ...(expiresAt === null ? [] : ['posts']),
    `counts:${id}`,
    `user:${author.id}`,
    ...(cover === null ? [] : [`file:${cover.fileId}`]),
    ...(series === null ? [] : [`series:${series.id}`]),
  ]);
  return [...new Set([...of, ...parts])];
}

/** What of an answer says what it was made of. */
interface Answered {
  id: string;
  author: { id: string };
  status: PostStatus;
  expiresAt: Date | null;
  cover: { fileId: string; url: string } | null;
  series: { id: string } | null;
}
