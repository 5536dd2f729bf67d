import { Prisma } from '#database';
import { outOf } from './public.queries.js';

/** A post beside another in its series. */
export interface Neighbour {
  id: string;
  slug: string;
  title: string;
}

/** Where a post stands in its series, among those that everybody may read, and itself. */
export interface SeriesPlace {
  id: string;
  slug: string;
  title: string;
  position: number;
  of: number;
  previous: Neighbour | null;
  next: Neighbour | null;
}

/** Of the posts `o` of the series `s`: those that everybody may read, beside the post `p` itself. */
const OTHERS = Prisma.sql`FROM posts o WHERE o.series_id = s.id AND o.id <> p.id AND ${outOf('o')} AND o.trashed_at IS NULL`;
const NEIGHBOUR = Prisma.sql`SELECT json_build_object('id', o.id, 'slug', o.slug, 'title', o.title) ${OTHERS}`;

/** Of the post `p`, with its row, like its cover. */
export const SERIES_PLACE = Prisma.sql`CASE WHEN p.series_id IS NOT NULL THEN (
    SELECT json_build_object('id', s.id, 'slug', s.slug, 'title', s.title,
      'position', 1 + (SELECT count(*) ${OTHERS} AND (o.series_place, o.id) < (p.series_place, p.id)),
      'of', 1 + (SELECT count(*) ${OTHERS}),
      'previous', (${NEIGHBOUR} AND (o.series_place, o.id) < (p.series_place, p.id) ORDER BY o.series_place DESC, o.id DESC LIMIT 1),
      'next', (${NEIGHBOUR} AND (o.series_place, o.id) > (p.series_place, p.id) ORDER BY o.series_place, o.id LIMIT 1))
    FROM series s WHERE s.id = p.series_id) END`;
