import { event } from '#events';
import { Id } from '#http';

export class ReviewPayload {
  @Id()
  postId: string;

  @Id()
  authorId: string;
}

const EDITORS_AND_AUTHOR = ['subject', 'posts:manage'] as const;

export const postSubmitted = event('post.submitted', {
  version: 1,
  payload: ReviewPayload,
  description: 'A post was handed in to the editors, or an approved one was changed and waits for them again.',
  visibleTo: EDITORS_AND_AUTHOR,
});

export const postWithdrawn = event('post.withdrawn', {
  version: 1,
  payload: ReviewPayload,
  description: 'A post that was handed in, or approved, was taken back from the editors.',
  visibleTo: EDITORS_AND_AUTHOR,
});

export const postApproved = event('post.approved', {
  version: 1,
  payload: ReviewPayload,
  description: 'An editor has approved a post. Whether it is published with that, other events say.',
  visibleTo: EDITORS_AND_AUTHOR,
});

export const postReturned = event('post.returned', {
  version: 1,
  payload: ReviewPayload,
  description: 'An editor has given a post back to its author.',
  visibleTo: EDITORS_AND_AUTHOR,
});
