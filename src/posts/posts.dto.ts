import { ExternalId, Id, IfPresent, Line, ListQuery, Metadata, type Page, Prose, Slug, Time } from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsOptional, ValidateBy } from 'class-validator';
import type { Post, PostSummary } from './posts.queries.js';
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

export class PostList implements Page<PostSummaryResponse> {
  items: PostSummaryResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
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

  /** Whether something can be said about it; what was said stays. */
  @IfPresent()
  @IsBoolean()
  commentsOpen?: boolean;
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

  /** Whether something can be said about it; what was said stays. */
  @IfPresent()
  @IsBoolean()
  commentsOpen?: boolean;
}

export class PublishPostDto {
  /** When; now, if it is left out. A time to come schedules the post. @example "2030-01-01T08:00:00.000Z" */
  @IfPresent()
  @Time()
  at?: string;
}

export class ListPostsQuery extends ListQuery {
  /** Words that title, excerpt or body hold. @example "engine" */
  @IfPresent()
  @Line(1, 200)
  q?: string;

  /** @example "engines" */
  @IfPresent()
  @Line(1, 40)
  tag?: string;

  /** The author's id. */
  @IfPresent()
  @Id()
  author?: string;

  /** Who may not manage posts sees drafts of their own only. */
  @IfPresent()
  @IsIn(POST_STATUSES)
  status?: PostStatus;

  @IfPresent()
  @IsIn(['-createdAt', 'createdAt', '-publishedAt', 'publishedAt'])
  sort: '-createdAt' | 'createdAt' | '-publishedAt' | 'publishedAt' = '-createdAt';
}
