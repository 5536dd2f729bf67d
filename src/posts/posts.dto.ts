import { ExternalId, Id, IfPresent, Line, ListQuery, Metadata, type Page, Prose, Slug, Time } from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsInt, IsOptional, Max, Min, ValidateBy } from 'class-validator';
import type { Links } from '../files/files.dto.js';
import { relinked } from './images.rules.js';
import { CoverResponse, HeadingResponse, SeriesPlaceResponse } from './parts.dto.js';
import type { Post, PostSummary } from './posts.queries.js';
import { POST_STATUSES, type PostStatus, statusOf } from './posts.rules.js';
import { HighlightsResponse, SearchResponse } from './search.dto.js';
import type { FoundPost } from './search.service.js';
import { isTag, normaliseTags, TAG_AS_WRITTEN } from './tags.rules.js';

export class AuthorResponse {
  id: string;
  /** @example "Ada Lovelace" */
  name: string;
}

export class PostSummaryResponse {
  id: string;
  /** @example "on-analytical-engines" */
  slug: string;
  /** @example "On analytical engines" */
  title: string;
  /** @example "What the engine can do, and what it cannot." */
  excerpt: string;
  status: 'draft' | 'in-review' | 'approved' | 'scheduled' | 'published' | 'expired' | 'trashed';
  /** @example ["engines"] */
  tags: string[];
  author: AuthorResponse;
  /** The image above the post. */
  cover: CoverResponse | null;
  /** The series that it belongs to. */
  series: SeriesPlaceResponse | null;
  /** How many people like it. @example 0 */
  likes: number;
  /** Whether you like it; only where it is known who asks. @example false */
  liked?: boolean;
  /** How many comments everybody can read. @example 0 */
  comments: number;
  /** Whether something can be said about it. @example true */
  commentsOpen: boolean;
  externalId: string | null;
  metadata: Record<string, string>;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;
  /** When it was or will be published; null for a draft. */
  publishedAt: Date | null;
  /** When it ends: from then on it is public no more. Null for no end. */
  expiresAt: Date | null;
  /** When it was put into the trash; null where it was not. */
  trashedAt: Date | null;

  static from(this: void, post: PostSummary, links: Links): PostSummaryResponse {
    return {
      id: post.id,
      slug: post.slug,
      title: post.title,
      excerpt: post.excerpt,
      status: statusOf(post, new Date()),
      tags: post.tags,
      author: { id: post.authorId, name: post.authorName },
      cover: post.cover && CoverResponse.from(post.cover, links),
      series: post.series,
      likes: post.likes,
      ...(post.liked !== undefined && { liked: post.liked }),
      comments: post.comments,
      commentsOpen: post.commentsOpen,
      externalId: post.externalId,
      metadata: post.metadata,
      version: post.version,
      createdAt: post.createdAt,
      updatedAt: post.updatedAt,
      publishedAt: post.publishedAt,
      expiresAt: post.expiresAt,
      trashedAt: post.trashedAt,
    };
  }
}

export class PostResponse extends PostSummaryResponse {
  /** Markdown, as it was written. @example "The engine *weaves* patterns." */
  body: string;
  /** The body rendered to HTML and sanitised. @example "<p>The engine <em>weaves</em> patterns.</p>" */
  bodyHtml: string;
  /** How many minutes it takes to read, in any script. @example 4 */
  readingMinutes: number;
  /** The headings of the body that stand in no quote or list. */
  tableOfContents: HeadingResponse[];

  static override from(this: void, post: Post, links: Links): PostResponse {
    const summary = PostSummaryResponse.from(post, links);
    // Who sees it before everybody does sees its images, too.
    const toImage = (id: string, variant?: string) => links.toContent({ id, isPublic: false }, variant);
    const bodyHtml = summary.status === 'published' ? post.bodyHtml : relinked(post.bodyHtml, post.imageIds, toImage);
    return { ...summary, body: post.body, bodyHtml, readingMinutes: post.minutes, tableOfContents: post.contents };
  }
}

export class FoundPostResponse extends PostSummaryResponse {
  /** Only with `q`. */
  highlights?: HighlightsResponse;

  static override from(this: void, post: FoundPost, links: Links): FoundPostResponse {
    return { ...PostSummaryResponse.from(post, links), ...(post.highlights && { highlights: post.highlights }) };
  }
}

export class PostList implements Page<FoundPostResponse> {
  items: FoundPostResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
  /** Only with `sort=relevance`. */
  search?: SearchResponse;
}

/** Up to 20 tags, kept as `normaliseTags` gives them. */
export const Tags = () =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) =>
      Array.isArray(value) && value.every((tag) => typeof tag === 'string') ? normaliseTags(value) : value,
    ),
    IsArray(),
    ArrayMaxSize(20),
    ValidateBy(
      {
        name: 'isTag',
        validator: { validate: isTag, defaultMessage: () => 'each tag must be 1 to 40 letters, digits, spaces and . + # _ -' },
      },
      { each: true },
    ),
    ApiProperty({
      type: 'array',
      maxItems: 20,
      items: { type: 'string', minLength: 1, maxLength: 40, pattern: TAG_AS_WRITTEN, description: 'Letters, digits, spaces and . + # _ -' },
      example: ['engines'],
    }),
  );

/** A number that orders. */
const Place = () =>
  applyDecorators(IsInt(), Min(1), Max(1_000_000), ApiProperty({ type: 'integer', minimum: 1, maximum: 1_000_000, example: 2 }));

/** What is said of a post in the same way when it is written and when it is changed. */
export class PostMembers {
  /** @example ["engines"] */
  @IfPresent()
  @Tags()
  tags?: string[];

  @IsOptional()
  @ExternalId()
  externalId?: string | null;

  @IfPresent()
  @Metadata()
  metadata?: Record<string, string>;

  /** Whether something can be said about it; what was said stays. */
  @IfPresent()
  @IsBoolean()
  commentsOpen?: boolean;
}

export class CreatePostDto extends PostMembers {
  /** @example "On analytical engines" */
  @Line(1, 200)
  title: string;

  /** Markdown. @example "The engine *weaves* patterns." */
  @Prose(1, 500_000)
  body: string;

  /** A short summary; made from the body when it is left out. @example "What the engine can do, and what it cannot." */
  @IfPresent()
  @Line(0, 500)
  excerpt?: string;

  /** Where the post is found beside its id; made from the title when it is left out. @example "on-analytical-engines" */
  @IfPresent()
  @Slug()
  slug?: string;

  /** An image above the post, which was uploaded with `POST /files`. It is public while the post is. */
  @IsOptional()
  @Id()
  coverFileId?: string | null;

  /** A series that it joins. */
  @IsOptional()
  @Id()
  seriesId?: string | null;

  /** Orders the posts of a series; at the end, when it is left out. @example 2 */
  @IfPresent()
  @Place()
  seriesPosition?: number;
}

export class UpdatePostDto extends PostMembers {
  /** @example "On analytical engines" */
  @IfPresent()
  @Line(1, 200)
  title?: string;

  /** Markdown. @example "The engine *weaves* patterns." */
  @IfPresent()
  @Prose(1, 500_000)
  body?: string;

  /** `null` makes it from the body again. @example "What the engine can do, and what it cannot." */
  @IsOptional()
  @Line(0, 500)
  excerpt?: string | null;

  /** @example "on-analytical-engines" */
  @IfPresent()
  @Slug()
  slug?: string;

  /** An image above the post; `null` takes it away. */
  @IsOptional()
  @Id()
  coverFileId?: string | null;

  /** A series that it joins; `null` takes it out of the one it is in. */
  @IsOptional()
  @Id()
  seriesId?: string | null;

  /** Orders the posts of a series. @example 2 */
  @IfPresent()
  @Place()
  seriesPosition?: number;

  /** What was changed, and why: for the history. @example "The figures of May" */
  @IsOptional()
  @Line(0, 200)
  summary?: string | null;
}

export class ListPostsQuery extends ListQuery {
  /**
   * Words that title, tags, excerpt or body have, all of them, in any script, with or without accents; of the last one the beginning is
   * enough. As in web search engines `"in quotes"` is a phrase, `or` an alternative, and `-word` must not occur. What is found nowhere is
   * looked for in the spellings that published posts have. @example "engine"
   */
  @IfPresent()
  @Line(1, 200)
  q?: string;

  /** A tag, or several between commas: posts that have all of them. @example "engines" */
  @IfPresent()
  @Line(1, 200)
  @ValidateBy({
    name: 'isTags',
    validator: {
      validate: (value) => typeof value === 'string' && value.split(',').length <= 5,
      defaultMessage: () => 'at most 5 tags between commas',
    },
  })
  @ApiProperty({ pattern: '^[^,\\u0000-\\u001f\\u007f]*(?:,[^,\\u0000-\\u001f\\u007f]*){0,4}$' })
  tag?: string;

  /** The author's id. */
  @IfPresent()
  @Id()
  author?: string;

  /** Who may not manage posts sees published ones, and of all others their own only. What is in the trash is shown with `trashed`. */
  @IfPresent()
  @IsIn(POST_STATUSES)
  status?: PostStatus;

  /** Published at or after this time; the list is then sorted by publication. @example "2026-01-01T00:00:00Z" */
  @IfPresent()
  @Time()
  from?: string;

  /** Published before this time. @example "2027-01-01T00:00:00Z" */
  @IfPresent()
  @Time()
  to?: string;

  /**
   * `relevance` with `q`, `-publishedAt` with `from` or `to`, else `-createdAt`. Relevance ranks the newest 1,000 matches,
   * and of posts that are not out the newest 2,000 of each kind that you see are looked at; the answer's `search.complete` says
   * whether these were all.
   */
  @IfPresent()
  @IsIn(['relevance', '-createdAt', 'createdAt', '-publishedAt', 'publishedAt'])
  sort?: 'relevance' | '-createdAt' | 'createdAt' | '-publishedAt' | 'publishedAt';
}
