import { Amount, event } from '#events';
import { Id } from '#http';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsString, ValidateNested } from 'class-validator';

const STATUSES = ['draft', 'active', 'archived'] as const;

export class ProductPayload {
  @Id()
  productId: string;
}

export class ProductStatusPayload extends ProductPayload {
  /** The status from now on. */
  @IsIn(STATUSES)
  status: (typeof STATUSES)[number];
}

export class ProductChangePayload extends ProductStatusPayload {
  /** The names of the members that were changed. @example ["description"] */
  @IsString({ each: true })
  changed: string[];
}

export class VariantPayload extends ProductPayload {
  @Id()
  variantId: string;
}

export class VariantPricePayload extends VariantPayload {
  /** The price from now on. */
  @ValidateNested()
  @Type(() => Amount)
  price: Amount;
}

export class VariantChangePayload extends VariantPricePayload {
  /** The names of the members that were changed. @example ["price"] */
  @IsString({ each: true })
  changed: string[];
}

export class StockPayload {
  @Id()
  variantId: string;

  /** How many came in (positive) or went out (negative). @example 20 */
  @IsInt()
  delta: number;

  /** The stock after it, what orders hold included. @example 40 */
  @IsInt()
  stock: number;
}

export class ReturnedStockPayload extends StockPayload {
  /** The order that had bought it. */
  @Id()
  orderId: string;
}

export class TransferPayload {
  @Id()
  variantId: string;

  @Id()
  fromLocationId: string;

  @Id()
  toLocationId: string;

  /** @example 5 */
  @IsInt()
  quantity: number;
}

export const productCreated = event('product.created', {
  version: 1,
  payload: ProductStatusPayload,
  description: 'A product was entered; its variants have events of their own.',
  visibleTo: ['products:read'],
});

export const productUpdated = event('product.updated', {
  version: 1,
  payload: ProductChangePayload,
  description: 'A product was changed, put on sale or archived.',
  visibleTo: ['products:read'],
});

export const productWithdrawn = event('product.withdrawn', {
  version: 1,
  payload: ProductPayload,
  description: 'A product was taken off sale for good.',
  visibleTo: ['products:read'],
});

export const variantCreated = event('variant.created', {
  version: 1,
  payload: VariantPricePayload,
  description: 'A product was given a variant, with its first stock.',
  visibleTo: ['products:read'],
});

export const variantUpdated = event('variant.updated', {
  version: 1,
  payload: VariantChangePayload,
  description: 'A variant was changed, its price for example.',
  visibleTo: ['products:read'],
});

export const variantWithdrawn = event('variant.withdrawn', {
  version: 1,
  payload: VariantPayload,
  description: 'A variant was taken off sale for good.',
  visibleTo: ['products:read'],
});

export const stockReturned = event('stock.returned', {
  version: 1,
  resource: 'variant',
  payload: ReturnedStockPayload,
  description: 'What an order had bought is in the stock again: it was cancelled after it was paid, or refunded with `restock`.',
  visibleTo: ['products:read'],
});

export const stockAdjusted = event('stock.adjusted', {
  version: 1,
  resource: 'variant',
  payload: StockPayload,
  description:
    'Staff entered that stock came in or went out. What orders hold and take has no event of this kind; what comes back is `stock.returned`.',
  visibleTo: ['products:read'],
});

export const stockTransferred = event('stock.transferred', {
  version: 1,
  resource: 'variant',
  payload: TransferPayload,
  description: 'Staff entered that goods were brought from one location to another; there are as many as before.',
  visibleTo: ['products:read'],
});
