import { Id, IfPresent, Line, ListQuery, type Page, Prose, Slug } from '#http';
import { IsIn } from 'class-validator';
import { AuthorResponse } from './posts.dto.js';
import { statusOf } from './posts.rules.js';
import type { Series, SeriesEntry } from './series.queries.js';

export class SeriesSummaryResponse {
  id: string;
  /** @example "engines" */
  slug: string;
  /** @example "Engines" */
  title: string;
  /** @example "From the difference engine to the analytical one." */
  description: string;
  owner: AuthorResponse;
  /** How many of its posts are published. @example 3 */
  postCount: number;
  /** Counts the changes of the series itself; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, series: Series): SeriesSummaryResponse {
    const { id, slug, title, description, ownerId, ownerName, postCount, version, createdAt, updatedAt } = series;
    return { id, slug, title, description, owner: { id: ownerId, name: ownerName }, postCount, version, createdAt, updatedAt };
  }
}

export class SeriesEntryResponse {
  id: string;
  /** @example "on-analytical-engines" */
  slug: string;
  /** @example "On analytical engines" */
  title: string;
  /** @example "What the engine can do, and what it cannot." */
  excerpt: string;
  status: 'draft' | 'in-review' | 'approved' | 'scheduled' | 'published' | 'expired' | 'trashed';
  /** What `seriesPosition` of the post was set to. @example 2 */
  seriesPosition: number;
  publishedAt: Date | null;

  static from(this: void, entry: SeriesEntry): SeriesEntryResponse {
    const { id, slug, title, excerpt, place, publishedAt } = entry;
    return { id, slug, title, excerpt, status: statusOf(entry, new Date()), seriesPosition: place, publishedAt };
  }
}

export class SeriesResponse extends SeriesSummaryResponse {
  /** Its posts in their order: published ones, and those that you may see besides. */
  posts: SeriesEntryResponse[];

  static override from(this: void, series: Series & { entries: SeriesEntry[] }): SeriesResponse {
    return { ...SeriesSummaryResponse.from(series), posts: series.entries.map(SeriesEntryResponse.from) };
  }
}

export class SeriesList implements Page<SeriesSummaryResponse> {
  items: SeriesSummaryResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class CreateSeriesDto {
  /** @example "Engines" */
  @Line(1, 200)
  title: string;

  /** @example "From the difference engine to the analytical one." */
  @IfPresent()
  @Prose(0, 2_000)
  description?: string;

  /** Made from the title when it is left out. @example "engines" */
  @IfPresent()
  @Slug()
  slug?: string;
}

export class UpdateSeriesDto {
  /** @example "Engines" */
  @IfPresent()
  @Line(1, 200)
  title?: string;

  /** @example "From the difference engine to the analytical one." */
  @IfPresent()
  @Prose(0, 2_000)
  description?: string;

  /** @example "engines" */
  @IfPresent()
  @Slug()
  slug?: string;
}

export class ListSeriesQuery extends ListQuery {
  /** The owner's id. */
  @IfPresent()
  @Id()
  owner?: string;

  @IfPresent()
  @IsIn(['-createdAt', 'createdAt', 'title', '-title'])
  sort: '-createdAt' | 'createdAt' | 'title' | '-title' = '-createdAt';
}
