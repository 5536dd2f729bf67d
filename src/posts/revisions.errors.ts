import { problem } from '#errors';

export const revisionNotFound = problem(
  'posts/revision-not-found',
  'not-found',
  'No such version',
  'The history of the post holds no version with this number: there never was one, or it was too old to be kept (POSTS_REVISIONS_MAX, POSTS_REVISIONS_MEGABYTES).',
);
