import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { Id, IfPresent, ListQuery, type Page } from '#http';
import { Type } from 'class-transformer';
import { IsIn, IsObject, IsOptional, ValidateNested } from 'class-validator';
import { UpdatePostDto } from '../posts/posts.dto.js';
import { UpdateProductDto } from '../products/products.dto.js';
import { UpdateVariantDto } from '../products/variants.dto.js';
import type { Previewed, ReleaseItem } from './releases.queries.js';
import { type Kind, shown } from './releases.rules.js';
import { ConflictResponse } from './releases.dto.js';

/** The members of an edit, by the rules of that edit. */
const Changes = (of: () => new () => object) => applyDecorators(IsObject(), ValidateNested(), Type(of));

export class PostItemDto {
  @IsIn(['post'])
  kind: 'post';

  /** What to write into the post, as `PATCH /posts/:id` takes it. */
  @IfPresent()
  @Changes(() => UpdatePostDto)
  changes?: UpdatePostDto;
}

export class AddPostItemDto extends PostItemDto {
  @Id()
  postId: string;

  /** Whether the release also publishes the post, or takes it back to a draft. */
  @IfPresent()
  @IsIn(['publish', 'unpublish'])
  publication?: 'publish' | 'unpublish';
}

export class AddProductItemDto {
  @IsIn(['product'])
  kind: 'product';

  @Id()
  productId: string;

  /** What to change of the product, as `PATCH /products/:id` takes it. */
  @Changes(() => UpdateProductDto)
  changes: UpdateProductDto;
}

export class AddVariantItemDto {
  @IsIn(['variant'])
  kind: 'variant';

  @Id()
  variantId: string;

  /** What to change of the variant, as `PATCH /variants/:id` takes it. */
  @Changes(() => UpdateVariantDto)
  changes: UpdateVariantDto;
}

/** What is added to a release, by its kind. */
export const ADDED = { post: AddPostItemDto, product: AddProductItemDto, variant: AddVariantItemDto };
export type ItemToAdd = AddPostItemDto | AddProductItemDto | AddVariantItemDto;

export class ChangePostItemDto extends PostItemDto {
  /** Whether the release also publishes the post, or takes it back to a draft; `null` for neither. */
  @IsOptional()
  @IsIn(['publish', 'unpublish'])
  publication?: 'publish' | 'unpublish' | null;
}

export class ChangeProductItemDto {
  @IsIn(['product'])
  kind: 'product';

  /** In place of the changes that the item had. */
  @Changes(() => UpdateProductDto)
  changes: UpdateProductDto;
}

export class ChangeVariantItemDto {
  @IsIn(['variant'])
  kind: 'variant';

  /** In place of the changes that the item had. */
  @Changes(() => UpdateVariantDto)
  changes: UpdateVariantDto;
}

/** What an item is changed to, by its kind, which it keeps. */
export const CHANGED = { post: ChangePostItemDto, product: ChangeProductItemDto, variant: ChangeVariantItemDto };
export type ItemToChange = ChangePostItemDto | ChangeProductItemDto | ChangeVariantItemDto;

/** The post's members and, where it is published or taken back, its status. */
export class PostStateResponse extends UpdatePostDto {
  @ApiProperty({ required: false, enum: ['draft', 'scheduled', 'published', 'expired'] })
  status?: string;
  @ApiProperty({ required: false, type: String, format: 'date-time', nullable: true })
  publishedAt?: string | null;
  @ApiProperty({ required: false, type: String, format: 'date-time', nullable: true })
  expiresAt?: string | null;
}

const EDITS = [UpdatePostDto, UpdateProductDto, UpdateVariantDto] as const;
const STATES = [PostStateResponse, UpdateProductDto, UpdateVariantDto] as const;
const anyOf = (classes: readonly (new () => object)[], nullable = false) =>
  ApiProperty({
    anyOf: classes.map((each) => ({ $ref: getSchemaPath(each) })),
    nullable,
    description: 'Members of the resource, by its kind.',
  });

/** Which post, product or variant an item is about. */
export class ItemOfReleaseResponse {
  /** Of the item. */
  id: string;
  kind: 'post' | 'product' | 'variant';
  postId: string | null;
  productId: string | null;
  variantId: string | null;

  static aboutOf(this: void, { id, kind, resourceId }: { id: string; kind: Kind; resourceId: string }): ItemOfReleaseResponse {
    const idOf = (which: Kind) => (kind === which ? resourceId : null);
    return { id, kind, postId: idOf('post'), productId: idOf('product'), variantId: idOf('variant') };
  }
}

export class ReleaseItemResponse extends ItemOfReleaseResponse {
  @anyOf(EDITS)
  changes: object;
  /** Of a post: whether the release publishes it, or takes it back. */
  publication: 'publish' | 'unpublish' | null;
  /** The version of the resource that the change was made for. When it has another one at publication, the item is in the way. @example 3 */
  baseVersion: number;
  /** Counts the changes of the item; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, item: ReleaseItem): ReleaseItemResponse {
    return {
      ...ItemOfReleaseResponse.aboutOf(item),
      changes: item.changes,
      publication: item.publication,
      baseVersion: item.baseVersion,
      version: item.version,
      createdAt: item.createdAt,
      updatedAt: item.updatedAt,
    };
  }
}

export class ReleaseItemList implements Page<ReleaseItemResponse> {
  items: ReleaseItemResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListItemsQuery extends ListQuery {
  @IfPresent()
  @IsIn(['createdAt', '-createdAt'])
  sort: 'createdAt' | '-createdAt' = 'createdAt';
}

@ApiExtraModels(...STATES)
export class PreviewedItemResponse extends ItemOfReleaseResponse {
  /** What the members are now that the release changes; null when the resource is gone. */
  @anyOf(STATES, true)
  before: object | null;
  /** What they would be; null when the item cannot be applied. */
  @anyOf(STATES, true)
  after: object | null;
  /** What is in the way of this item. Such a release cannot be published. */
  conflicts: ConflictResponse[];
  /** Other releases that are not published yet and change the same. Whichever goes live first leaves the others outdated. */
  alsoIn: string[];

  static from(this: void, { item, before, after, conflicts, alsoIn }: Previewed, now: Date): PreviewedItemResponse {
    return {
      ...ItemOfReleaseResponse.aboutOf(item),
      before: before && shown(before, now),
      after: after && shown(after, now),
      conflicts: conflicts.map(({ code, detail }) => ({ code, detail })),
      alsoIn,
    };
  }
}

/** What the release would do if it went live now. */
export class PreviewResponse {
  /** Whether nothing is in the way, neither in what is listed here nor in what you may not see. */
  publishable: boolean;
  /** In the order they are applied. */
  items: PreviewedItemResponse[];
}
