import { Line, Money, money } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { MOST_OF_ONE } from './carts.rules.js';
import type { PricedCart } from './carts.service.js';
import { QuoteResponse } from './orders.dto.js';
import { AddressDto, TermsDto } from './terms.dto.js';

export class SetCartItemDto {
  /** How many there are to be; 0 takes it out. @example 2 */
  @ApiProperty({ type: 'integer', maximum: MOST_OF_ONE })
  @IsInt()
  @Min(0)
  @Max(MOST_OF_ONE)
  quantity: number;
}

export class UpdateCartDto extends TermsDto {}

export class MergeCartDto {
  /** Of the cart that its user had before they logged in. */
  @Line(1, 500)
  token: string;
}

export class CartItemResponse {
  variantId: string;
  /** @example 2 */
  quantity: number;
  /** Null while it is not on sale, as are its name and price. @example "MUG-BLUE" */
  sku: string | null;
  /** @example "Enamel mug, Blue" */
  name: string | null;
  unitPrice: Money | null;
}

/** Why some of a cart could not be ordered now. */
export class CartProblemResponse {
  /** What of the cart it is about. @example "/items/0/quantity" */
  pointer: string;
  /** What `POST /orders` would answer. @example "products/out-of-stock" */
  code: string;
  /** @example "only 3 are left" */
  detail: string;
}

export class CartResponse {
  id: string;
  /** What is in it, in the order in which it was put in. */
  items: CartItemResponse[];
  /** What stands in the way of an order of all that is in it; empty: nothing. */
  problems: CartProblemResponse[];
  /** What an order of all that is on sale would come to now; null where it cannot be priced, or nothing is in it. */
  quote: QuoteResponse | null;
  /** @example "EUR" */
  currency: string | null;
  /** @example "SUMMER-15" */
  couponCode: string | null;
  /** @example "express" */
  shippingMethod: string | null;
  shippingAddress: AddressDto | null;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, { cart, variants, problems, quote }: PricedCart): CartResponse {
    return {
      id: cart.id,
      items: cart.lines.map(({ variantId, quantity }) => {
        const variant = variants.get(variantId);
        return {
          variantId,
          quantity,
          sku: variant?.sku ?? null,
          name: variant?.name ?? null,
          unitPrice: variant === undefined ? null : money(variant.priceAmount, variant.currency),
        };
      }),
      problems: problems.map(({ pointer, code, detail }) => ({ pointer, code, detail })),
      quote: quote && QuoteResponse.from(quote),
      currency: cart.currency,
      couponCode: cart.couponCode,
      shippingMethod: cart.shippingMethod,
      shippingAddress: cart.shippingAddress as AddressDto | null,
      version: cart.version,
      createdAt: cart.createdAt,
      updatedAt: cart.updatedAt,
    };
  }
}

export class NewCartResponse extends CartResponse {
  /** Opens the cart, in the header `X-Cart-Token`: shown here once. A cart of a user has none. */
  token: string | null;

  static override from(this: void, cart: PricedCart, token: string | null = null): NewCartResponse {
    return { ...CartResponse.from(cart), token };
  }
}
