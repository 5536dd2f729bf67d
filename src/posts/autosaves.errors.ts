import { problem } from '#errors';

export const autosaveNotFound = problem(
  'posts/autosave-not-found',
  'not-found',
  'Nothing was autosaved',
  'You have typed nothing into this post that was not saved, or it was too long ago (POSTS_AUTOSAVES_TTL_DAYS).',
);
