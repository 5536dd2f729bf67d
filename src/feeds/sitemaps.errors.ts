import { problem } from '#errors';

export const sitemapPageNotFound = problem(
  'posts/sitemap-not-found',
  'not-found',
  'No such page of the sitemap',
  'The sitemap has fewer pages. `/sitemap.xml` lists those that there are.',
);
