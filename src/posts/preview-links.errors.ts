import { problem } from '#errors';

export const previewLinkNotFound = problem(
  'posts/preview-link-not-found',
  'not-found',
  'No such preview link',
  'The post has no preview link with this id: it has expired, was revoked, or ended with the post in the trash.',
);
export const previewEnded = problem(
  'posts/preview-ended',
  'not-found',
  'The preview has ended',
  'The link shows nothing (any more): it is not whole, has expired, was revoked, or the post is in the trash. Ask whoever gave it to you for another.',
);
export const tooManyPreviewLinks = problem(
  'posts/too-many-preview-links',
  'conflict',
  'The post has too many preview links',
  'A post has 50 preview links at most. Revoke one that nobody needs.',
);
