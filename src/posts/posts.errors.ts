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
  'Another post, perhaps one in the trash, has this slug or had it before it was renamed. Choose another, or leave `slug` out to have one made from the title.',
);
export const postExternalIdTaken = problem(
  'posts/external-id-taken',
  'conflict',
  'The external id belongs to another post',
  'Another post already has this `externalId`. Read that one first, or use another id.',
);
export const postMoved = problem(
  'posts/moved',
  'moved',
  'The post has another slug now',
  'The post was renamed. Go on where `Location` leads, and keep that address.',
);
export const bodyTooComplex = problem(
  'posts/body-too-complex',
  'unprocessable',
  'The body is too complex',
  'The Markdown has more lines or elements (headings, links, emphasis, cells, items) than a text for people. Split the post.',
);
export const imageUnusable = problem(
  'posts/image-unusable',
  'unprocessable',
  'The image cannot be used',
  'A post shows images that were uploaded with POST /files by its author or by you; editors may use those of everybody. The file may be gone, be somebody else’s, or be no image (JPEG, PNG, GIF, WebP, AVIF).',
);
export const publicationLocked = problem(
  'posts/publication-locked',
  'forbidden',
  'The post is out',
  'Your role lets you write, not publish, and this post is published or scheduled: a change would be public without anybody’s review. Ask an editor to change it, or to take it back from publication.',
);
export const orderRefused = problem(
  'posts/order-refused',
  'invalid',
  'The order does not go with the filters',
  '`sort=relevance` needs words in `q`. `from` and `to` are times of publication, and go with `publishedAt`, `-publishedAt` and `relevance`. Leave `sort` out to have the order that goes with the filters.',
);
