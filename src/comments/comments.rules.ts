import type { Actor } from '#security';

export const COMMENT_STATUSES = ['pending', 'approved', 'rejected', 'spam', 'deleted'] as const;
export type CommentStatus = (typeof COMMENT_STATUSES)[number];

/** A comment, a reply to it, and a reply to that. */
export const DEEPEST = 3;
export const MOST_MENTIONS = 10;

/** What the rules look at. */
export interface CommentFacts {
  id: string;
  parentId: string | null;
  rootId: string | null;
  depth: number;
  authorId: string | null;
  status: CommentStatus;
  replies: number;
  createdAt: Date;
}

export const moderates = (actor: Actor | null): boolean => actor?.can('comments:moderate') === true;

/** Whether somebody may read its text: everybody once it is approved, and before its author and moderators. */
export function mayRead(actor: Actor | null, { status, authorId }: Pick<CommentFacts, 'status' | 'authorId'>): boolean {
  if (status === 'deleted') return false;
  return status === 'approved' || moderates(actor) || (actor !== null && authorId === actor.id);
}

/** Whether somebody sees that it is there: what they may read, and the place of what others have replied to. */
export function mayFind(actor: Actor | null, comment: Pick<CommentFacts, 'status' | 'authorId' | 'replies'>): boolean {
  return mayRead(actor, comment) || comment.replies > 0 || (comment.status === 'deleted' && moderates(actor));
}

/** Where a reply stands. One to the deepest level stands beside what it replies to, so that nobody has to know how deep that is. */
export function placeBelow(parent: Pick<CommentFacts, 'id' | 'parentId' | 'rootId' | 'depth'>): {
  parentId: string;
  rootId: string;
  depth: number;
} {
  if (parent.depth < DEEPEST) return { parentId: parent.id, rootId: parent.rootId ?? parent.id, depth: parent.depth + 1 };
  return { parentId: parent.parentId!, rootId: parent.rootId!, depth: DEEPEST };
}

export function isEditable({ createdAt }: Pick<CommentFacts, 'createdAt'>, seconds: number, now: Date): boolean {
  return now.getTime() < createdAt.getTime() + seconds * 1_000;
}

/** What a page of comments, or one, is made of for strangers; of an empty page it could not be told which post it is of. */
export function madeOfComments(
  comments: readonly { postId: string; author: { id: string } | null; mentions: readonly { id: string }[] }[],
): string[] | null {
  const [first] = comments;
  if (first === undefined) return null;
  const people = comments.flatMap(({ author, mentions }) => [...(author ? [author] : []), ...mentions]);
  return [`post:${first.postId}`, `comments:${first.postId}`, ...new Set(people.map(({ id }) => `user:${id}`))];
}
