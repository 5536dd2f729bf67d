import { Currency, EmailAddress, ExternalId, Id, IfPresent, Line, Metadata } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsInt, IsNotEmptyObject, IsOptional, Max, Min, ValidateNested } from 'class-validator';
import { PostalAddressDto } from '../shop/settings.dto.js';

export class AddressDto extends PostalAddressDto {
  /** @example "Ada Lovelace" */
  @Line(1, 200)
  name: string;
}

export class OrderItemDto {
  @Id()
  variantId: string;

  /** @example 2 */
  @ApiProperty({ type: 'integer' })
  @IsInt()
  @Min(1)
  @Max(100_000)
  quantity: number;
}

/** What a cart or an order says beside what is bought. */
export class TermsDto {
  /** What it is paid in; each variant has its price in it, by a price list or as its own. Left out: the currency of the variants' own prices. */
  @IsOptional()
  @Currency()
  currency?: string | null;

  /** Of a coupon, in small or capital letters. @example "SUMMER-15" */
  @IsOptional()
  @Line(1, 64)
  couponCode?: string | null;

  /** The `code` of one of the `shippingOptions` of a quote; left out: the cheapest. @example "express" */
  @IsOptional()
  @Line(1, 64)
  shippingMethod?: string | null;

  /** Where it is sent to, and where it is taxed. */
  @IsOptional()
  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => AddressDto)
  shippingAddress?: AddressDto | null;
}

/** What an order says beyond that. */
export class OrderTermsDto extends TermsDto {
  @IsOptional()
  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => AddressDto)
  billingAddress?: AddressDto | null;

  @IsOptional()
  @ExternalId()
  externalId?: string | null;

  @IfPresent()
  @Metadata()
  metadata?: Record<string, string>;
}

export class QuoteOrderDto extends OrderTermsDto {
  /** What is bought. Prices come from the catalogue. */
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => OrderItemDto)
  items: OrderItemDto[];
}

export class PlaceOrderDto extends OrderTermsDto {
  /** What is bought, unless it is a cart. Prices come from the catalogue. */
  @IfPresent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => OrderItemDto)
  items?: OrderItemDto[];

  /** A cart of yours, in place of `items`: it is gone once it is ordered. What it says of currency, coupon and shipping holds, unless the order says otherwise. */
  @IfPresent()
  @Id()
  cartId?: string;

  /** Where a guest is written to; needed without a login, refused with one. */
  @IfPresent()
  @EmailAddress()
  email?: string;
}
