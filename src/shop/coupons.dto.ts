import { IfPresent, Line, ListQuery, Money, type Page, Time } from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { KINDS, normalisedCode } from './coupons.rules.js';
import type { Coupon } from './coupons.service.js';
import { Percentage } from './settings.dto.js';
import { percentageOf } from './settings.rules.js';

const CODE = /^[A-Za-z0-9][A-Za-z0-9_-]{2,39}$/;
const MOST_USES = 1_000_000_000;

const Code = () =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? normalisedCode(value) : value)),
    IsString(),
    MaxLength(40),
    Matches(CODE, { message: '$property must be 3 to 40 letters, digits, - and _, beginning with a letter or digit' }),
    ApiProperty({ type: 'string', minLength: 3, maxLength: 40, pattern: CODE.source, example: 'SUMMER-15' }),
  );

/** Amounts of money, one in each currency at most. */
const Amounts = () =>
  applyDecorators(
    ApiProperty({ type: [Money], maxItems: 50 }),
    IsArray(),
    ArrayMaxSize(50),
    ArrayUnique((money: Money | null) => money?.currency, { message: 'each of $property must have another currency' }),
    ValidateNested({ each: true }),
    Type(() => Money),
  );

const Limit = () =>
  applyDecorators(ApiProperty({ type: 'integer', minimum: 1, maximum: MOST_USES }), IsOptional(), IsInt(), Min(1), Max(MOST_USES));

export class UpdateCouponDto {
  /** For those who make coupons. @example "Summer sale" */
  @IfPresent()
  @Line(0, 200)
  description?: string;

  /** Of a percentage: what it takes off the subtotal, per cent. */
  @IfPresent()
  @Percentage()
  percentage?: string;

  /** Of a fixed one: what it takes off the subtotal, one amount in each currency it can be used for. */
  @IfPresent()
  @Amounts()
  amounts?: Money[];

  /** The subtotal an order must have, before anything is taken off; with any, only orders in these currencies can use it. */
  @IfPresent()
  @Amounts()
  minimumSubtotals?: Money[];

  /** How often it can be used in all. @example 1000 */
  @Limit()
  usageLimit?: number | null;

  /** How often one customer can use it. @example 1 */
  @Limit()
  perCustomerLimit?: number | null;

  @IsOptional()
  @Time()
  startsAt?: string | null;

  @IsOptional()
  @Time()
  endsAt?: string | null;

  /** Whether it can be used. */
  @IfPresent()
  @IsBoolean()
  active?: boolean;
}

export class CreateCouponDto extends UpdateCouponDto {
  /** What customers type; small and capital letters are the same. */
  @Code()
  code: string;

  /** What it does; that cannot be changed. */
  @IsIn(KINDS)
  kind: (typeof KINDS)[number];
}

export class CouponResponse {
  id: string;
  /** @example "SUMMER-15" */
  code: string;
  /** @example "Summer sale" */
  description: string;
  kind: 'percentage' | 'fixed' | 'free-shipping';
  /** @example "15" */
  percentage: string | null;
  amounts: Money[];
  minimumSubtotals: Money[];
  /** @example 1000 */
  usageLimit: number | null;
  /** @example 1 */
  perCustomerLimit: number | null;
  /** How many orders have used it up, or hold a use until they are paid or expire. @example 12 */
  used: number;
  startsAt: Date | null;
  endsAt: Date | null;
  active: boolean;
  /** Counts the changes, not the uses; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, coupon: Coupon): CouponResponse {
    const { id, code, description, kind, ppm, amounts, minimums, ...rest } = coupon;
    const { usageLimit, perCustomerLimit, used, startsAt, endsAt, active, version, createdAt, updatedAt } = rest;
    const moneys = (amounts: Coupon['amounts']) => Object.entries(amounts).map(([currency, amount]) => ({ amount, currency }));
    return {
      id,
      code,
      description,
      kind,
      percentage: ppm === null ? null : percentageOf(ppm),
      amounts: moneys(amounts),
      minimumSubtotals: moneys(minimums),
      usageLimit,
      perCustomerLimit,
      used,
      startsAt,
      endsAt,
      active,
      version,
      createdAt,
      updatedAt,
    };
  }
}

export class CouponList implements Page<CouponResponse> {
  items: CouponResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListCouponsQuery extends ListQuery {
  /** The coupon with this code, in small or capital letters. @example "SUMMER-15" */
  @IfPresent()
  @Line(1, 64)
  code?: string;

  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}
