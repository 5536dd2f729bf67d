import { Currency, ExternalId, IfPresent, Line, Metadata, Money, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsNotEmptyObject, IsOptional, IsString, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { CompareAt, OptionValues } from './parts.dto.js';
import type { Variant } from './products.queries.js';

export class CurrencyQuery {
  /** ISO 4217. Variants are those that are sold in it, at their prices in it; left out: in whatever currency their own prices are. @example "EUR" */
  @IfPresent()
  @Currency()
  currency?: string;
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
  /** What it costs without one; in another currency than its own, by the list with the lowest priority. */
  regularPrice: Money;
  /** What the price is struck through beside: what was given so, or the regular price, where that is more than the price. */
  compareAtPrice: Money | null;
  /** Of each option of the product the value that it has. @example {} */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  optionValues: Record<string, string>;
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
      backorder: variant.backorder,
      availableFrom: variant.availableFrom === null ? null : new Date(variant.availableFrom),
      externalId: variant.externalId,
      metadata: variant.metadata,
      version: variant.version,
    };
  }
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
