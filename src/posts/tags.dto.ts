import { IfPresent, Line, ListQuery, type Page } from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, ValidateBy } from 'class-validator';
import { isTag, normaliseTags, TAG_AS_WRITTEN } from './tags.rules.js';
import type { Merged, TagCount } from './tags.queries.js';

const TAG = 'must be 1 to 40 letters, digits, spaces and . + # _ -';

const Tag = () =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? normaliseTags([value])[0] : value)),
    ValidateBy({ name: 'isTag', validator: { validate: isTag, defaultMessage: () => `$property ${TAG}` } }),
    ApiProperty({ type: 'string', minLength: 1, maxLength: 40, pattern: TAG_AS_WRITTEN }),
  );

export class TagPath {
  @Tag()
  tag: string;
}

export class TagResponse {
  /** @example "engines" */
  name: string;
  /** How many published posts bear it. @example 12 */
  posts: number;

  static from(this: void, { name, posts }: TagCount): TagResponse {
    return { name, posts };
  }
}

export class TagList implements Page<TagResponse> {
  items: TagResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListTagsQuery extends ListQuery {
  /** What the tag begins with. @example "eng" */
  @IfPresent()
  @Line(1, 40)
  q?: string;

  @IfPresent()
  @IsIn(['name', '-name', 'posts', '-posts'])
  sort: 'name' | '-name' | 'posts' | '-posts' = 'name';
}

export class MergeTagDto {
  /** The tag that posts bear from now on in its place; one that there is not yet renames it. @example "machines" */
  @Tag()
  into: string;
}

export class TagMergerResponse {
  /** The tag that they bear now. @example "machines" */
  into: string;
  /** How many posts were changed by this call, drafts among them. @example 3 */
  changed: number;
  /** Whether there are more, which are being changed in the background. */
  goesOn: boolean;

  static from(this: void, { into, changed, goesOn }: Merged): TagMergerResponse {
    return { into, changed, goesOn };
  }
}
