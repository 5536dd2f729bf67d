import { type Circumstances, event } from '#events';
import { Id, Time } from '#http';
import { IsString } from 'class-validator';

export class PostPayload {
  @Id()
  postId: string;

  @Id()
  authorId: string;
}

export class PostChangePayload extends PostPayload {
  /** The names of the members that were changed. @example ["title","body"] */
  @IsString({ each: true })
  changed: string[];
}

export class PostPublicationPayload extends PostPayload {
  /** When it appears, or appeared. */
  @Time()
  publishedAt: string;
}

export class PostExpiryPayload extends PostPayload {
  /** When it ended. */
  @Time()
  expiresAt: string;
}

export const postCreated = event('post.created', {
  version: 1,
  payload: PostPayload,
  description: 'A draft was begun.',
  visibleTo: ['subject', 'posts:manage'],
});

export const postUpdated = event('post.updated', {
  version: 1,
  payload: PostChangePayload,
  description: 'A post was changed, whether or not it is published.',
  visibleTo: ['subject', 'posts:manage'],
});

export const postScheduled = event('post.scheduled', {
  version: 1,
  payload: PostPublicationPayload,
  description: 'A post was given a time to appear at.',
  visibleTo: ['subject', 'posts:manage'],
});

export const postPublished = event('post.published', {
  version: 1,
  payload: PostPublicationPayload,
  description: 'A post has appeared: at once, or because its time has come.',
  visibleTo: ['everyone'],
});

export const postExpired = event('post.expired', {
  version: 1,
  payload: PostExpiryPayload,
  description: 'The time of a published post has run out: it is not public any more.',
  visibleTo: ['subject', 'posts:manage'],
});

export const postUnpublished = event('post.unpublished', {
  version: 1,
  payload: PostPayload,
  description: 'A published post is not public any more, or a scheduled one will not appear as it should have.',
  visibleTo: ['subject', 'posts:manage'],
});

export const postTrashed = event('post.trashed', {
  version: 1,
  payload: PostPayload,
  description: 'A post was put into the trash.',
  visibleTo: ['subject', 'posts:manage'],
});

export const postRestored = event('post.restored', {
  version: 1,
  payload: PostPayload,
  description: 'A post was taken out of the trash, published or not as it was.',
  visibleTo: ['subject', 'posts:manage'],
});

export const postDeleted = event('post.deleted', {
  version: 1,
  payload: PostPayload,
  description: 'A post was deleted for good: out of the trash, by hand or because its time there was over.',
  visibleTo: ['subject', 'posts:manage'],
});

/** What the events of a post have in common. */
export function of(
  actor: Circumstances['actor'],
  { id, authorId }: { id: string; authorId: string },
): [payload: { postId: string; authorId: string }, about: Circumstances] {
  return [
    { postId: id, authorId },
    { actor, resource: { type: 'post', id }, subject: authorId },
  ];
}
