import { ExternalId, Id, IfPresent, Line, ListQuery, Metadata, Money, money, type Page, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsIn,
  IsInt,
  IsISO31661Alpha2,
  IsNotEmptyObject,
  IsOptional,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { statusAt } from './orders.rules.js';
import type { Order, Quote } from './orders.service.js';

const STATUSES = ['pending', 'paid', 'shipped', 'delivered', 'cancelled', 'expired', 'refunded'] as const;

export class AddressDto {
  /** @example "Ada Lovelace" */
  @Line(1, 200)
  name: string;

  /** @example "12 Dean Street" */
  @Line(1, 200)
  line1: string;

  @IfPresent()
  @Line(0, 200)
  line2?: string;

  /** @example "London" */
  @Line(1, 100)
  city: string;

  @IfPresent()
  @Line(0, 100)
  region?: string;

  /** @example "SW1Y 4JH" */
  @Line(1, 20)
  postalCode: string;

  /** ISO 3166-1 alpha-2. @example "GB" */
  @IsISO31661Alpha2()
  @Matches(/^[A-Z]{2}$/, { message: 'country must be two capital letters' })
  country: string;
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

export class PlaceOrderDto {
  /** What is bought. Prices come from the catalogue. */
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => OrderItemDto)
  items: OrderItemDto[];

  @IsOptional()
  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => AddressDto)
  shippingAddress?: AddressDto | null;

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

export class OrderItemResponse {
  variantId: string;
  /** @example "MUG-BLUE" */
  sku: string;
  /** @example "Enamel mug, Blue" */
  name: string;
  /** @example 2 */
  quantity: number;
  unitPrice: Money;
  total: Money;
}

export class QuoteResponse {
  items: OrderItemResponse[];
  subtotal: Money;
  discount: Money;
  tax: Money;
  shipping: Money;
  total: Money;

  static from(this: void, quote: Quote): QuoteResponse {
    const of = (amount: bigint) => money(amount, quote.currency);
    return {
      items: quote.lines.map(({ variantId, sku, name, quantity, unitPrice, total }) => ({
        variantId,
        sku,
        name,
        quantity,
        unitPrice: of(unitPrice),
        total: of(total),
      })),
      subtotal: of(quote.subtotal),
      discount: of(quote.discount),
      tax: of(quote.tax),
      shipping: of(quote.shipping),
      total: of(quote.total),
    };
  }
}

export class OrderResponse extends QuoteResponse {
  id: string;
  /** What people say on the telephone. @example "1001" */
  number: string;
  status: 'pending' | 'paid' | 'shipped' | 'delivered' | 'cancelled' | 'expired' | 'refunded';
  /** Whose order it is. */
  customerId: string;
  /** Until when its stock is held; null once it is paid, or while a payment is under way. */
  expiresAt: Date | null;
  shippingAddress: AddressDto | null;
  billingAddress: AddressDto | null;
  externalId: string | null;
  metadata: Record<string, string>;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static override from(this: void, order: Order): OrderResponse {
    return {
      id: order.id,
      number: String(order.number),
      status: statusAt(order, new Date()),
      customerId: order.userId,
      ...QuoteResponse.from(order),
      expiresAt: order.expiresAt,
      shippingAddress: order.shippingAddress as AddressDto | null,
      billingAddress: order.billingAddress as AddressDto | null,
      externalId: order.externalId,
      metadata: order.metadata as Record<string, string>,
      version: order.version,
      createdAt: order.createdAt,
      updatedAt: order.updatedAt,
    };
  }
}

export class OrderList implements Page<OrderResponse> {
  items: OrderResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListOrdersQuery extends ListQuery {
  @IfPresent()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];

  /** Placed at or after this time. @example "2026-01-01T00:00:00Z" */
  @IfPresent()
  @Time()
  from?: string;

  /** Placed before this time. @example "2027-01-01T00:00:00Z" */
  @IfPresent()
  @Time()
  to?: string;

  /** For staff: the orders of this user. */
  @IfPresent()
  @Id()
  customer?: string;

  /** For staff: an order's number, or its `externalId`. @example "1001" */
  @IfPresent()
  @Line(1, 255)
  q?: string;

  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}
