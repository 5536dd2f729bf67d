import type { Actor } from '#security';

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
export function madeOf(
  posts: readonly { author: { id: string }; status: PostStatus }[],
  ...of: ('posts' | 'post-words' | `post:${string}`)[]
): string[] | null {
  if (posts.some(({ status }) => status !== 'published')) return null;
  return [...new Set([...of, ...posts.map(({ author }) => `user:${author.id}`)])];
}

/** Tags as they are kept: trimmed, lower case, one space between words, each once. */
export function normaliseTags(tags: readonly string[]): string[] {
  return [...new Set(tags.map((tag) => tag.trim().normalize('NFC').toLowerCase().replace(/\s+/g, ' ')))];
}
