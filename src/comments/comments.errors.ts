import { problem } from '#errors';

export const commentNotFound = problem(
  'comments/not-found',
  'not-found',
  'No such comment',
  'No comment has this id, or you may not see it: what waits for a moderator is seen by its author and by moderators only, and what stands below a post by whoever may see that.',
);
export const commentsClosed = problem(
  'comments/closed',
  'conflict',
  'Nothing can be said about this post now',
  'Only published posts can be commented on and liked, and only posts whose `commentsOpen` is true can be commented on. What was said before can still be read.',
);
export const notYourComment = problem(
  'comments/not-yours',
  'forbidden',
  'The comment is somebody else’s',
  'You may read this comment, but only its author and moderators may change or delete it.',
);
export const commentSettled = problem(
  'comments/settled',
  'conflict',
  'The comment cannot be changed any more',
  'A comment can be changed by its author for some minutes after it was written (COMMENTS_EDIT_SECONDS; 15 minutes by default), unless a moderator has rejected it. Write another one instead, or delete this one.',
);
export const unknownMention = problem(
  'comments/unknown-mention',
  'unprocessable',
  'Somebody who is mentioned has not taken part',
  'Ten people at most can be mentioned in a comment: the author of the post, and whoever has an approved comment on it. GET /api/v1/posts/:id/participants finds them, and gives the text that mentions each.',
);
export const alreadyReported = problem(
  'comments/already-reported',
  'conflict',
  'You have reported this comment before',
  'A moderator looks at each comment that is reported; one report of each person is enough.',
);
export const ownComment = problem(
  'comments/your-own',
  'conflict',
  'The comment is your own',
  'Nobody reports their own comments. Delete it instead.',
);
