import { ExternalId, Id, IfPresent, Line, ListQuery, Metadata, type Page, Prose, Slug, Time } from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsOptional, ValidateBy } from 'class-validator';
import type { Post, PostSummary } from './posts.queries.js';
import { HighlightsResponse, SearchResponse } from './search.dto.js';
import type { FoundPost } from './search.service.js';
import { normaliseTags, POST_STATUSES, type PostStatus, statusOf } from './posts.rules.js';

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
  status: 'draft' | 'scheduled' | 'published';
  /** @example ["engines"] */
  tags: string[];
  author: AuthorResponse;
  /** Cover images come with files; until then there is none. */
  cover: string | null;
  /** @example 0 */
  likes: number;
  /** @example 0 */
  comments: number;
  externalId: string | null;
  metadata: Record<string, string>;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;
  /** When it was or will be published; null for a draft. */
  publishedAt: Date | null;

  static from(this: void, post: PostSummary): PostSummaryResponse {
    return {
      id: post.id,
      slug: post.slug,
      title: post.title,
      excerpt: post.excerpt,
      status: statusOf(post, new Date()),
      tags: post.tags,
      author: { id: post.authorId, name: post.authorName },
      cover: null,
      likes: 0,
      comments: 0,
      externalId: post.externalId,
      metadata: post.metadata,
      version: post.version,
      createdAt: post.createdAt,
      updatedAt: post.updatedAt,
      publishedAt: post.publishedAt,
    };
  }
}

export class PostResponse extends PostSummaryResponse {
  /** Markdown, as it was written. @example "The engine *weaves* patterns." */
  body: string;
  /** The body rendered to HTML and sanitised. @example "<p>The engine <em>weaves</em> patterns.</p>" */
  bodyHtml: string;

  static override from(this: void, post: Post): PostResponse {
    return { ...PostSummaryResponse.from(post), body: post.body, bodyHtml: post.bodyHtml };
  }
}

export class FoundPostResponse extends PostSummaryResponse {
  /** Only with `q`. */
  highlights?: HighlightsResponse;

  static override from(this: void, post: FoundPost): FoundPostResponse {
    return { ...PostSummaryResponse.from(post), ...(post.highlights && { highlights: post.highlights }) };
  }
}

export class PostList implements Page<FoundPostResponse> {
  items: FoundPostResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
  /** Only with `sort=relevance`. */
  search?: SearchResponse;
}

/** Marks belong to the letters of many scripts, and to some of ours once they are lower case. */
const TAG_AS_WRITTEN = '^\\s*[\\p{L}\\p{M}\\p{N}.+#_-][\\p{L}\\p{M}\\p{N}\\s.+#_-]*$';
const isTag = (value: unknown) => typeof value === 'string' && /^[\p{L}\p{M}\p{N} .+#_-]{1,40}$/u.test(value);

/** Up to 20 tags, kept as `normaliseTags` gives them. */
const Tags = () =>
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

export class CreatePostDto {
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

  /** @example ["engines"] */
  @IfPresent()
  @Tags()
  tags?: string[];

  /** Where the post is found beside its id; made from the title when it is left out. @example "on-analytical-engines" */
  @IfPresent()
  @Slug()
  slug?: string;

  @IsOptional()
  @ExternalId()
  externalId?: string | null;

  @IfPresent()
  @Metadata()
  metadata?: Record<string, string>;
}

export class UpdatePostDto {
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

  /** @example ["engines"] */
  @IfPresent()
  @Tags()
  tags?: string[];

  /** @example "on-analytical-engines" */
  @IfPresent()
  @Slug()
  slug?: string;

  @IsOptional()
  @ExternalId()
  externalId?: string | null;

  @IfPresent()
  @Metadata()
  metadata?: Record<string, string>;
}

export class PublishPostDto {
  /** When; now, if it is left out. A time to come schedules the post. @example "2030-01-01T08:00:00.000Z" */
  @IfPresent()
  @Time()
  at?: string;
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

  /** Who may not manage posts sees drafts of their own only. */
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
   * `relevance` with `q`, `-publishedAt` with `from` or `to`, else `-createdAt`. Relevance ranks the newest 1,000 matches; the answer's
   * `search.complete` says whether these were all.
   */
  @IfPresent()
  @IsIn(['relevance', '-createdAt', 'createdAt', '-publishedAt', 'publishedAt'])
  sort?: 'relevance' | '-createdAt' | 'createdAt' | '-publishedAt' | 'publishedAt';
}
