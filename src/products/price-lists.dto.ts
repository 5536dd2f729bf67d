import { Currency, Id, IfPresent, Line, ListQuery, Money, type Page, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import type { ListPrice, PriceList } from './price-lists.queries.js';

const HIGHEST = 1_000_000;
const MOST_AMOUNT = 1_000_000_000_000;
const MOST_PRICES = 500;

/** When a list counts, and before which others. */
export class PriceListTermsDto {
  /** From when on it counts; null: from now on. */
  @IsOptional()
  @Time()
  startsAt?: string | null;

  /** Until when it counts; null: for good. */
  @IsOptional()
  @Time()
  endsAt?: string | null;

  /** Of several lists that count and have a price of a variant, the one with the highest decides. @example 10 */
  @ApiProperty({ type: 'integer', maximum: HIGHEST })
  @IfPresent()
  @IsInt()
  @Min(0)
  @Max(HIGHEST)
  priority?: number;

  /** Whether it counts at all. */
  @IfPresent()
  @IsBoolean()
  active?: boolean;
}

export class UpdatePriceListDto extends PriceListTermsDto {
  /** @example "Summer sale" */
  @IfPresent()
  @Line(1, 100)
  name?: string;
}

export class CreatePriceListDto extends PriceListTermsDto {
  /** @example "Summer sale" */
  @Line(1, 100)
  name: string;

  /** ISO 4217. Its prices count in this currency; it cannot be changed. */
  @Currency()
  currency: string;
}

export class PriceListResponse {
  id: string;
  /** @example "Summer sale" */
  name: string;
  /** @example "EUR" */
  currency: string;
  startsAt: Date | null;
  endsAt: Date | null;
  /** @example 10 */
  priority: number;
  active: boolean;
  /** Counts the changes, those of its prices among them; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, list: PriceList): PriceListResponse {
    const { id, name, currency, startsAt, endsAt, priority, active, version, createdAt, updatedAt } = list;
    return { id, name, currency, startsAt, endsAt, priority, active, version, createdAt, updatedAt };
  }
}

export class PriceListList implements Page<PriceListResponse> {
  items: PriceListResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListPriceListsQuery extends ListQuery {
  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}

export class ListPriceDto {
  @Id()
  variantId: string;

  /** In minor units of the list's currency; null takes the variant off the list. @example 1499 */
  @ApiProperty({ type: 'integer', nullable: true, minimum: 0, maximum: MOST_AMOUNT })
  @ValidateIf((_, value) => value !== null)
  @IsInt()
  @Min(0)
  @Max(MOST_AMOUNT)
  amount: number | null;
}

export class SetListPricesDto {
  /** Those that are not named stay as they are. */
  @ApiProperty({ type: [ListPriceDto], minItems: 1, maxItems: MOST_PRICES })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_PRICES)
  @ArrayUnique((price: ListPriceDto | null) => price?.variantId, { message: 'each of $property must be of another variant' })
  @ValidateNested({ each: true })
  @Type(() => ListPriceDto)
  prices: ListPriceDto[];
}

export class ListPriceResponse {
  variantId: string;
  /** @example "MUG-BLUE" */
  sku: string;
  price: Money;

  static from(this: void, { variantId, sku, amount, currency }: ListPrice): ListPriceResponse {
    return { variantId, sku, price: { amount: Number(amount), currency } };
  }
}

export class ListPriceList implements Page<ListPriceResponse> {
  items: ListPriceResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListListPricesQuery extends ListQuery {}
