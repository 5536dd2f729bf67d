import { problem } from '#errors';

export const postNotFound = problem(
  'posts/not-found',
  'not-found',
  'No such post',
  'No post has this id or slug, or you may not see it: drafts are seen by their authors and by editors only.',
);
export const notYourPost = problem(
  'posts/not-yours',
  'forbidden',
  'The post is somebody else’s',
  'You may read this post, but only its author and editors may change it.',
);
export const slugTaken = problem(
  'posts/slug-taken',
  'conflict',
  'The slug belongs to another post',
  'Another post, perhaps one in the trash, has this slug. Choose another, or leave `slug` out to have one made from the title.',
);
export const postExternalIdTaken = problem(
  'posts/external-id-taken',
  'conflict',
  'The external id belongs to another post',
  'Another post already has this `externalId`. Read that one first, or use another id.',
);
export const orderRefused = problem(
  'posts/order-refused',
  'invalid',
  'The order does not go with the filters',
  '`sort=relevance` needs words in `q`. `from` and `to` are times of publication, and go with `publishedAt`, `-publishedAt` and `relevance`. Leave `sort` out to have the order that goes with the filters.',
);
