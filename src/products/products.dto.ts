import { ExternalId, IfPresent, Line, ListQuery, Metadata, type Page, Prose, QueryInt, Slug, Text } from '#http';
import { ApiProperty, IntersectionType } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { ArrayMaxSize, Equals, IsArray, IsIn, IsInt, IsNotIn, IsOptional, Matches, Max, Min, ValidateNested } from 'class-validator';
import type { Links } from '../files/files.dto.js';
import { TaxClass } from '../shop/settings.dto.js';
import { ImageDto, ImageResponse, Images, OptionDto, OptionResponse, Options } from './parts.dto.js';
import type { Product } from './products.queries.js';
import { RESERVED } from './products.rules.js';
import { CreateVariantDto, CurrencyQuery, VariantResponse } from './variants.dto.js';

const OPTIONS_WANTED = /^[^,:]+:[^,]+(?:,[^,:]+:[^,]+){0,19}$/;

export class ProductResponse {
  id: string;
  /** @example "enamel-mug" */
  slug: string;
  /** @example "Enamel mug" */
  name: string;
  /** @example "Holds 300 ml and every temper." */
  description: string;
  status: 'draft' | 'active' | 'archived';
  /** The slug of the category it is found in. @example "kitchen" */
  category: string | null;
  /** What it is taxed as. @example "standard" */
  taxClass: string;
  /** What its variants differ in. */
  options: OptionResponse[];
  /** What it is shown by, the most important first. */
  images: ImageResponse[];
  variants: VariantResponse[];
  externalId: string | null;
  metadata: Record<string, string>;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, product: Product, links: Links): ProductResponse {
    return {
      id: product.id,
      slug: product.slug,
      name: product.name,
      description: product.description,
      status: product.status,
      category: product.category,
      taxClass: product.taxClass,
      options: product.options.map(({ name, values }) => ({ name, values })),
      images: product.images.map((picture) => ImageResponse.from(picture, links)),
      variants: product.variants.map(VariantResponse.from),
      externalId: product.externalId,
      metadata: product.metadata,
      version: product.version,
      createdAt: product.createdAt,
      updatedAt: product.updatedAt,
    };
  }
}

export class ProductList implements Page<ProductResponse> {
  items: ProductResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class CreateProductDto {
  /** @example "Enamel mug" */
  @Line(1, 200)
  name: string;

  /** @example "Holds 300 ml and every temper." */
  @IfPresent()
  @Prose(0, 20_000)
  description?: string;

  /** Where the product is found beside its id; made from the name when it is left out. @example "enamel-mug" */
  @IfPresent()
  @Slug()
  @IsNotIn(RESERVED)
  slug?: string;

  /** The slug of the category it is found in. One that is not there is made, at the top. @example "kitchen" */
  @IsOptional()
  @Line(1, 100)
  category?: string | null;

  /** What it is taxed as: one of `taxClasses` of `GET /shop/settings`; left out: `standard`. */
  @IfPresent()
  @TaxClass()
  taxClass?: string;

  /** Only active products are seen and bought. */
  @IfPresent()
  @IsIn(['draft', 'active', 'archived'])
  status: 'draft' | 'active' | 'archived' = 'draft';

  /** What its variants differ in. */
  @IfPresent()
  @Options()
  options?: OptionDto[];

  /** What it is shown by, the most important first: image files of yours. */
  @IfPresent()
  @Images()
  images?: ImageDto[];

  @ApiProperty({ required: false, type: [CreateVariantDto] })
  @IfPresent()
  @IsArray()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => CreateVariantDto)
  variants: CreateVariantDto[] = [];

  @IsOptional()
  @ExternalId()
  externalId?: string | null;

  @IfPresent()
  @Metadata()
  metadata?: Record<string, string>;
}

export class UpdateProductDto {
  /** @example "Enamel mug" */
  @IfPresent()
  @Line(1, 200)
  name?: string;

  /** @example "Holds 300 ml and every temper." */
  @IfPresent()
  @Prose(0, 20_000)
  description?: string;

  /** @example "enamel-mug" */
  @IfPresent()
  @Slug()
  @IsNotIn(RESERVED)
  slug?: string;

  /** The slug of the category it is found in. One that is not there is made, at the top. @example "kitchen" */
  @IsOptional()
  @Line(1, 100)
  category?: string | null;

  /** What it is taxed as: one of `taxClasses` of `GET /shop/settings`. */
  @IfPresent()
  @TaxClass()
  taxClass?: string;

  @IfPresent()
  @IsIn(['draft', 'active', 'archived'])
  status?: 'draft' | 'active' | 'archived';

  /** What its variants differ in, all of it; values that variants on sale have cannot go. */
  @IfPresent()
  @Options()
  options?: OptionDto[];

  /** What it is shown by, the most important first, all of them: image files of yours, or that it shows already. */
  @IfPresent()
  @Images()
  images?: ImageDto[];

  @IsOptional()
  @ExternalId()
  externalId?: string | null;

  @IfPresent()
  @Metadata()
  metadata?: Record<string, string>;
}

export class ProductFilters extends CurrencyQuery {
  /** Words that the name or the description hold. @example "mug" */
  @IfPresent()
  @Line(1, 200)
  q?: string;

  /** The slug of a category: what lies in it, or in one below it. @example "kitchen" */
  @IfPresent()
  @Line(1, 100)
  category?: string;

  /** Who may not read the whole catalogue sees active products only. */
  @IfPresent()
  @IsIn(['draft', 'active', 'archived'])
  status?: 'draft' | 'active' | 'archived';

  /** Only products with a variant of at least this price, in minor units. @example 1000 */
  @ApiProperty({ type: 'integer' })
  @IfPresent()
  @QueryInt()
  @IsInt()
  @Min(0)
  @Max(9_007_199_254_740_991)
  minPrice?: number;

  /** Only products with a variant of at most this price, in minor units. @example 5000 */
  @ApiProperty({ type: 'integer' })
  @IfPresent()
  @QueryInt()
  @IsInt()
  @Min(0)
  @Max(9_007_199_254_740_991)
  maxPrice?: number;

  /** Only products with a variant that has these values, between commas; of two values of an option, either. @example "Colour:Blue,Size:M" */
  @IfPresent()
  @ApiProperty({ pattern: OPTIONS_WANTED.source })
  @Text(1, 500)
  @Matches(OPTIONS_WANTED, { message: '$property must be like Colour:Blue, several between commas' })
  option?: string;

  /** Only products of which a variant can be ordered now. */
  @ApiProperty({ required: false, type: 'boolean', enum: [true], description: 'Only products of which a variant can be ordered now.' })
  @IfPresent()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value))
  @Equals(true)
  available?: true;
}

/** Filters of variants hold for one and the same variant. */
export class ListProductsQuery extends IntersectionType(ListQuery, ProductFilters) {
  @IfPresent()
  @IsIn(['-createdAt', 'createdAt', 'name', '-name'])
  sort: '-createdAt' | 'createdAt' | 'name' | '-name' = '-createdAt';
}
