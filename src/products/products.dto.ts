import { ExternalId, IfPresent, Line, ListQuery, Metadata, Money, type Page, Prose, QueryInt, Slug, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsNotEmptyObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { TaxClass } from '../shop/settings.dto.js';
import type { Product, Variant } from './products.queries.js';

export class VariantResponse {
  id: string;
  productId: string;
  /** @example "MUG-BLUE" */
  sku: string;
  /** @example "Blue" */
  name: string;
  price: Money;
  /** How many can be ordered now. @example 20 */
  available: number;
  /** Whether more can be ordered than that: because more is coming (`backorder`), or because it is not out yet (`preorder`). */
  backorder: 'none' | 'backorder' | 'preorder';
  /** When what cannot be had yet is expected, where that is known. */
  availableFrom: Date | null;
  externalId: string | null;
  metadata: Record<string, string>;
  /** Counts the changes of the variant itself, not of its stock; part of the ETag. @example 1 */
  version: number;

  static from(this: void, variant: Variant): VariantResponse {
    return {
      id: variant.id,
      productId: variant.productId,
      sku: variant.sku,
      name: variant.name,
      price: { amount: variant.priceAmount, currency: variant.currency },
      available: variant.available,
      backorder: variant.backorder,
      availableFrom: variant.availableFrom === null ? null : new Date(variant.availableFrom),
      externalId: variant.externalId,
      metadata: variant.metadata,
      version: variant.version,
    };
  }
}

export class ProductResponse {
  id: string;
  /** @example "enamel-mug" */
  slug: string;
  /** @example "Enamel mug" */
  name: string;
  /** @example "Holds 300 ml and every temper." */
  description: string;
  status: 'draft' | 'active' | 'archived';
  /** @example "kitchen" */
  category: string | null;
  /** What it is taxed as. @example "standard" */
  taxClass: string;
  /** Images come with files; until then there are none. @example [] */
  images: string[];
  variants: VariantResponse[];
  externalId: string | null;
  metadata: Record<string, string>;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, product: Product): ProductResponse {
    return {
      id: product.id,
      slug: product.slug,
      name: product.name,
      description: product.description,
      status: product.status,
      category: product.category,
      taxClass: product.taxClass,
      images: [],
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

export class CreateVariantDto {
  /** Unique for ever. @example "MUG-BLUE" */
  @IsString()
  @MaxLength(64)
  @Matches(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, { message: 'sku must be of letters, digits and . _ / -' })
  sku: string;

  /** @example "Blue" */
  @Line(1, 200)
  name: string;

  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => Money)
  price: Money;

  /** How many there are to begin with. @example 20 */
  @ApiProperty({ type: 'integer' })
  @IfPresent()
  @IsInt()
  @Min(0)
  @Max(1_000_000_000)
  stock: number = 0;

  /** Whether more can be ordered than there is: because more is coming (`backorder`), or because it is not out yet (`preorder`). */
  @IfPresent()
  @IsIn(['none', 'backorder', 'preorder'])
  backorder?: 'none' | 'backorder' | 'preorder';

  /** When what cannot be had yet is expected; a pre-order needs it. */
  @IsOptional()
  @Time()
  availableFrom?: string | null;

  @IsOptional()
  @ExternalId()
  externalId?: string | null;

  @IfPresent()
  @Metadata()
  metadata?: Record<string, string>;
}

export class UpdateVariantDto {
  /** @example "MUG-BLUE" */
  @IfPresent()
  @IsString()
  @MaxLength(64)
  @Matches(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, { message: 'sku must be of letters, digits and . _ / -' })
  sku?: string;

  /** @example "Blue" */
  @IfPresent()
  @Line(1, 200)
  name?: string;

  @IfPresent()
  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => Money)
  price?: Money;

  /** Whether more can be ordered than there is: because more is coming (`backorder`), or because it is not out yet (`preorder`). */
  @IfPresent()
  @IsIn(['none', 'backorder', 'preorder'])
  backorder?: 'none' | 'backorder' | 'preorder';

  /** When what cannot be had yet is expected; a pre-order needs it. With `none` it is cleared. */
  @IsOptional()
  @Time()
  availableFrom?: string | null;

  @IsOptional()
  @ExternalId()
  externalId?: string | null;

  @IfPresent()
  @Metadata()
  metadata?: Record<string, string>;
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
  slug?: string;

  /** @example "kitchen" */
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
  slug?: string;

  /** @example "kitchen" */
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

  @IsOptional()
  @ExternalId()
  externalId?: string | null;

  @IfPresent()
  @Metadata()
  metadata?: Record<string, string>;
}

export class ListProductsQuery extends ListQuery {
  /** Words that the name or the description hold. @example "mug" */
  @IfPresent()
  @Line(1, 200)
  q?: string;

  /** @example "kitchen" */
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

  @IfPresent()
  @IsIn(['-createdAt', 'createdAt', 'name', '-name'])
  sort: '-createdAt' | 'createdAt' | 'name' | '-name' = '-createdAt';
}
