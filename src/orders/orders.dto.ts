import { Id, IfPresent, Line, ListQuery, Money, money, type Page, Time } from '#http';
import { IsIn } from 'class-validator';
import { percentageOf } from '../shop/settings.rules.js';
import type { KeptTax } from './orders.queries.js';
import { statusAt } from './orders.rules.js';
import type { Order } from './orders.service.js';
import type { Quote } from './pricing.service.js';
import { AddressDto } from './terms.dto.js';

/** What an order may be. */
export const STATUSES = ['pending', 'paid', 'shipped', 'delivered', 'cancelled', 'expired', 'refunded'] as const;

export class OrderItemResponse {
  variantId: string;
  /** @example "MUG-BLUE" */
  sku: string;
  /** @example "Enamel mug, Blue" */
  name: string;
  /** @example 2 */
  quantity: number;
  unitPrice: Money;
  /** By the catalogue, before anything is taken off. */
  total: Money;
  /** Its part of the order's discount. */
  discount: Money;
  /** Its part of the order's tax: on top, or contained in its total, as that is. */
  tax: Money;
  /** Per cent; null where it is not taxed. @example "21" */
  taxRate: string | null;
}

export class TaxResponse {
  /** @example "VAT" */
  name: string;
  /** Per cent. @example "21" */
  rate: string;
  /** What is taxed at this rate, less discounts, shipping included; it contains the tax where prices do. */
  base: Money;
  amount: Money;
}

export class ChosenShippingResponse {
  /** @example "express" */
  code: string;
  /** @example "Express, next day" */
  name: string;
}

export class ShippingOptionResponse extends ChosenShippingResponse {
  price: Money;
}

export class TotalsResponse {
  items: OrderItemResponse[];
  subtotal: Money;
  /** What the coupon takes off the subtotal. */
  discount: Money;
  /** Tax on top of the prices. */
  tax: Money;
  /** Tax that the prices contain: a part of the total. A shop has one of the two. */
  includedTax: Money;
  shipping: Money;
  /** subtotal − discount + tax + shipping. */
  total: Money;
  /** All tax, be it on top or contained, by its rates. */
  taxes: TaxResponse[];
  /** How it is sent; null where the shop has no shipping methods. */
  shippingMethod: ChosenShippingResponse | null;
  /** @example "SUMMER-15" */
  couponCode: string | null;

  static from(this: void, priced: Quote | Order): TotalsResponse {
    const of = (amount: bigint) => money(amount, priced.currency);
    const taxes = priced.taxes as unknown as KeptTax[];
    return {
      items: priced.lines.map(({ variantId, sku, name, quantity, unitPrice, total, discount, tax, taxPpm }) => ({
        variantId,
        sku,
        name,
        quantity,
        unitPrice: of(unitPrice),
        total: of(total),
        discount: of(discount),
        tax: of(tax),
        taxRate: taxPpm === null ? null : percentageOf(taxPpm),
      })),
      subtotal: of(priced.subtotal),
      discount: of(priced.discount),
      tax: of(priced.tax),
      includedTax: of(priced.includedTax),
      shipping: of(priced.shipping),
      total: of(priced.total),
      taxes: taxes.map(({ name, ppm, base, amount }) => ({
        name,
        rate: percentageOf(ppm),
        base: { amount: base, currency: priced.currency },
        amount: { amount, currency: priced.currency },
      })),
      shippingMethod: priced.shippingMethod as ChosenShippingResponse | null,
      couponCode: priced.couponCode,
    };
  }
}

export class QuoteResponse extends TotalsResponse {
  /** All methods it could be sent by, the cheapest first. */
  shippingOptions: ShippingOptionResponse[];

  static override from(this: void, quote: Quote): QuoteResponse {
    const shippingOptions = quote.options.map(({ method: { code, name }, price }) => ({ code, name, price: money(price, quote.currency) }));
    return { ...TotalsResponse.from(quote), shippingOptions };
  }
}

export class OrderResponse extends TotalsResponse {
  id: string;
  /** What people say on the telephone. @example "1001" */
  number: string;
  status: 'pending' | 'paid' | 'shipped' | 'delivered' | 'cancelled' | 'expired' | 'refunded';
  /** Whose order it is; null of a guest's. */
  customerId: string | null;
  /** Where its guest is written to; null of a user's. @example "ada@example.com" */
  guestEmail: string | null;
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
      guestEmail: order.guestEmail,
      ...TotalsResponse.from(order),
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

export class PlacedOrderResponse extends OrderResponse {
  /** For a guest: opens the order, in the header `X-Order-Token`. It is shown here, and in the mails about the order. */
  token?: string;

  static placed(this: void, order: Order, token: string | null): PlacedOrderResponse {
    return { ...OrderResponse.from(order), ...(token !== null && { token }) };
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

  /** For staff: an order's number, its `externalId`, or the address of its guest. @example "1001" */
  @IfPresent()
  @Line(1, 255)
  q?: string;

  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}
