import { ExternalId, Id, IfPresent, Line, ListQuery, Metadata, Money, type Page, Prose, QueryInt, Slug } from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty, IntersectionType } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  Equals,
  IsArray,
  IsIn,
  IsInt,
  IsNotEmptyObject,
  IsNotIn,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { FileVariantResponse, type Links } from '../files/files.dto.js';
import { TaxClass } from '../shop/settings.dto.js';
import type { Picture, Product, Variant } from './products.queries.js';

/** Words of paths beside slugs. */
const RESERVED = ['facets', 'imports'];
const MOST_OPTIONS = 3;
const MOST_IMAGES = 50;
const OPTION_LENGTH = 40;
const VALUE_LENGTH = 60;
// Filters part values by commas.
const VALUE = /^[^\s,\u0000-\u001f\u007f](?:[^,\u0000-\u001f\u007f]*[^\s,\u0000-\u001f\u007f])?$/;
const OPTIONS_WANTED = /^[^,:]+:[^,]+(?:,[^,:]+:[^,]+){0,19}$/;
const OPTION_NAME = /^[^,:]+$/;

const isOptionValues = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  const fits = (text: unknown, most: number) => typeof text === 'string' && text.length > 0 && text.length <= most;
  return entries.length <= MOST_OPTIONS && entries.every(([name, text]) => fits(name, OPTION_LENGTH) && fits(text, VALUE_LENGTH));
};

/** Texts by the names of options. */
const OptionValues = () =>
  applyDecorators(
    ValidateBy({
      name: 'isOptionValues',
      validator: {
        validate: isOptionValues,
        defaultMessage: () =>
          `$property must be an object of at most ${MOST_OPTIONS} texts (1 to ${VALUE_LENGTH} characters each) with the names of options`,
      },
    }),
    ApiProperty({
      type: 'object',
      additionalProperties: { type: 'string', minLength: 1, maxLength: VALUE_LENGTH },
      propertyNames: { minLength: 1, maxLength: OPTION_LENGTH },
      maxProperties: MOST_OPTIONS,
      example: {},
      description: 'Of each option of the product the value that it has, another for each variant on sale; or none.',
    } as never),
  );

/** What the variants of a product differ in. */
export class OptionDto {
  /** @example "Colour" */
  @Line(1, OPTION_LENGTH)
  @Matches(OPTION_NAME, { message: '$property must have no comma and no colon' })
  @ApiProperty({ pattern: OPTION_NAME.source })
  name: string;

  /** What can be chosen, in the order it is shown in. @example ["Blue", "White"] */
  @ApiProperty({
    type: 'array',
    items: { type: 'string', minLength: 1, maxLength: VALUE_LENGTH, pattern: VALUE.source },
    uniqueItems: true,
    minItems: 1,
    maxItems: 100,
  })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(VALUE_LENGTH, { each: true })
  @Matches(VALUE, { each: true, message: 'each of $property must be one line without commas, and without space around it' })
  values: string[];
}

const Options = () =>
  applyDecorators(
    ApiProperty({ required: false, type: [OptionDto], maxItems: MOST_OPTIONS }),
    IsArray(),
    ArrayMaxSize(MOST_OPTIONS),
    ArrayUnique((option: OptionDto | null) => option?.name, { message: 'each of $property must have another name' }),
    ValidateNested({ each: true }),
    Type(() => OptionDto),
  );

/** An image that is to be shown. */
export class ImageDto {
  /** An image file of yours. */
  @Id()
  fileId: string;

  /** What it shows, for those who do not see it. @example "The blue mug on a table" */
  @IfPresent()
  @Line(0, 300)
  alt: string = '';
}

const Images = () =>
  applyDecorators(
    ApiProperty({ required: false, type: [ImageDto], maxItems: MOST_IMAGES }),
    IsArray(),
    ArrayMaxSize(MOST_IMAGES),
    ArrayUnique((image: ImageDto | null) => image?.fileId, { message: 'each of $property must be another file' }),
    ValidateNested({ each: true }),
    Type(() => ImageDto),
  );

const CompareAt = () =>
  applyDecorators(
    IsOptional(),
    IsNotEmptyObject(),
    ValidateNested(),
    Type(() => Money),
  );

export class ImageResponse {
  fileId: string;
  /** The image. While the product is not on sale, the link works for some minutes. */
  url: string;
  /** What it shows, for those who do not see it. @example "The blue mug on a table" */
  alt: string;
  /** In pixels. @example 1200 */
  width: number | null;
  /** In pixels. @example 800 */
  height: number | null;
  /** The smaller pictures that are ready. */
  variants: FileVariantResponse[];
  /** Whether there are, or will be, smaller pictures. */
  variantsStatus: 'none' | 'pending' | 'ready' | 'failed';

  static from(this: void, picture: Picture, links: Links): ImageResponse {
    const { id, alt, width, height, variants } = picture;
    return {
      fileId: id,
      url: links.toContent(picture),
      alt,
      width,
      height,
      variants: FileVariantResponse.of(picture, links),
      variantsStatus: variants,
    };
  }
}

export class OptionResponse {
  /** @example "Colour" */
  name: string;
  /** @example ["Blue", "White"] */
  values: string[];
}

export class VariantResponse {
  id: string;
  productId: string;
  /** @example "MUG-BLUE" */
  sku: string;
  /** @example "Blue" */
  name: string;
  /** What it costs now: by a price list, where one counts. */
  price: Money;
  /** What it costs without one. */
  regularPrice: Money;
  /** What the price is struck through beside: what was given so, or the regular price, where that is more than the price. */
  compareAtPrice: Money | null;
  /** Of each option of the product the value that it has. @example {} */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  optionValues: Record<string, string>;
  /** How many can be ordered now. @example 20 */
  available: number;
  externalId: string | null;
  metadata: Record<string, string>;
  /** Counts the changes of the variant itself, not of its stock; part of the ETag. @example 1 */
  version: number;

  static from(this: void, variant: Variant): VariantResponse {
    const { price, priceAmount, currency } = variant;
    const compareAt = variant.compareAt ?? priceAmount;
    return {
      id: variant.id,
      productId: variant.productId,
      sku: variant.sku,
      name: variant.name,
      price: { amount: price, currency },
      regularPrice: { amount: priceAmount, currency },
      compareAtPrice: compareAt > price ? { amount: compareAt, currency } : null,
      optionValues: variant.optionValues,
      available: variant.available,
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

  /** What the price is struck through beside: more than the price, in its currency. */
  @CompareAt()
  compareAtPrice?: Money | null;

  @IfPresent()
  @OptionValues()
  optionValues?: Record<string, string>;

  /** How many there are to begin with. @example 20 */
  @ApiProperty({ type: 'integer' })
  @IfPresent()
  @IsInt()
  @Min(0)
  @Max(1_000_000_000)
  stock: number = 0;

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

  /** What the price is struck through beside: more than the price, in its currency. */
  @CompareAt()
  compareAtPrice?: Money | null;

  @IfPresent()
  @OptionValues()
  optionValues?: Record<string, string>;

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

export class ProductFilters {
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
  @IsString()
  @MaxLength(500)
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
