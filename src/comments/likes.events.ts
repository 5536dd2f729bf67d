import { event } from '#events';
import { Id } from '#http';

export class LikePayload {
  @Id()
  postId: string;

  @Id()
  authorId: string;

  /** Who likes it. */
  @Id()
  userId: string;
}

export const postLiked = event('post.liked', {
  version: 1,
  payload: LikePayload,
  description: 'Somebody likes a post.',
  visibleTo: ['subject', 'posts:manage'],
});

export const postUnliked = event('post.unliked', {
  version: 1,
  payload: LikePayload,
  description: 'Somebody has taken a like back.',
  visibleTo: ['subject', 'posts:manage'],
});
