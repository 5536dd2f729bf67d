import type { Actor } from '#security';
import { isLasting } from './images.rules.js';

/** What the rules look at. */
export interface PostFacts {
  authorId: string;
  publishedAt: Date | null;
}

export const POST_STATUSES = ['draft', 'scheduled', 'published'] as const;
export type PostStatus = (typeof POST_STATUSES)[number];

export function statusOf({ publishedAt }: Pick<PostFacts, 'publishedAt'>, now: Date): PostStatus {
  if (publishedAt === null) return 'draft';
  return publishedAt <= now ? 'published' : 'scheduled';
}

/** Published posts are everybody's to read; others are for their author and for editors. */
export function maySee(actor: Actor | null, post: PostFacts, now: Date): boolean {
  return statusOf(post, now) === 'published' || mayChange(actor, post);
}

export function mayChange(actor: Actor | null, post: PostFacts): boolean {
  return actor !== null && (post.authorId === actor.id || actor.can('posts:manage'));
}

/** What a page of posts, or one, is made of for strangers; what is not out yet is kept for nobody. */
export function madeOf(posts: readonly Answered[], of: 'posts' | `post:${string}`): string[] | null {
  // A post that has just appeared by itself may have a cover that is about to be public: its link ends.
  if (posts.some(({ status, cover }) => status !== 'published' || (cover !== null && !isLasting(cover.url)))) return null;
  const parts = posts.flatMap(({ id, author, cover, series }) => [
    `counts:${id}`,
    `user:${author.id}`,
    ...(cover === null ? [] : [`file:${cover.fileId}`]),
    ...(series === null ? [] : [`series:${series.id}`]),
  ]);
  return [...new Set([of, ...parts])];
}

/** What of an answer says what it was made of. */
interface Answered {
  id: string;
  author: { id: string };
  status: PostStatus;
  cover: { fileId: string; url: string } | null;
  series: { id: string } | null;
}
