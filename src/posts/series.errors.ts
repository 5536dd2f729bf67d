import { problem } from '#errors';

export const seriesNotFound = problem(
  'posts/series-not-found',
  'not-found',
  'No such series',
  'No series has this id or slug, or nothing in it is published: then only its owner and editors see it.',
);
export const notYourSeries = problem(
  'posts/series-not-yours',
  'forbidden',
  'The series is somebody else’s',
  'You may read this series, but only its owner and editors may change it.',
);
export const seriesSlugTaken = problem(
  'posts/series-slug-taken',
  'conflict',
  'The slug belongs to another series',
  'Another series has this slug. Choose another, or leave `slug` out to have one made from the title.',
);
export const seriesUnusable = problem(
  'posts/series-unusable',
  'unprocessable',
  'The post cannot join this series',
  'A post joins a series of its author’s or of yours; editors may use those of everybody. A position is one in a series.',
);
export const seriesFull = problem(
  'posts/series-full',
  'conflict',
  'The series is full',
  'A series has at most 500 posts. Take some out, or begin another.',
);
