import type { AppError, FieldProblem } from '#errors';
import { outOfStock, variantNotFound } from '../products/products.errors.js';
import { currencyNotSold, mixedCurrencies, orderTooLarge, shippingUnavailable } from './orders.errors.js';

/** How many different variants a cart holds: as many as an order has lines. */
export const MOST_LINES = 100;
export const MOST_OF_ONE = 100_000;

/** What a cart asks for beside its lines. */
export interface CartTerms {
  couponCode: string | null;
  shippingMethod: string | null;
}

/** What of a cart cannot be ordered now, by its lines. */
export function shortcomingsOf(
  { lines, currency }: { lines: readonly { variantId: string; quantity: number }[]; currency: string | null },
  variants: ReadonlyMap<string, { available: number; backorder: string }>,
): FieldProblem[] {
  return lines.flatMap(({ variantId, quantity }, index) => {
    const variant = variants.get(variantId);
    if (variant === undefined)
      return [
        {
          pointer: `/items/${index}/variantId`,
          code: variantNotFound.code,
          detail: `is not on sale${currency === null ? ' any more' : ` in ${currency}`}`,
        },
      ];
    if (variant.backorder !== 'none' || variant.available >= quantity) return [];
    return [{ pointer: `/items/${index}/quantity`, code: outOfStock.code, detail: `only ${Math.max(variant.available, 0)} are left` }];
  });
}

/** What to price a cart by when it cannot be priced for this reason: without the coupon, say. Null: not at all; undefined: it is no such reason. */
export function withoutCause({ code }: AppError, terms: CartTerms): { pointer: string; rest: CartTerms | null } | undefined {
  if (code.startsWith('coupons/') && terms.couponCode !== null) return { pointer: '/couponCode', rest: { ...terms, couponCode: null } };
  if (code === shippingUnavailable.code)
    return { pointer: '/shippingMethod', rest: terms.shippingMethod === null ? null : { ...terms, shippingMethod: null } };
  if ([mixedCurrencies.code, currencyNotSold.code, orderTooLarge.code].includes(code)) return { pointer: '/items', rest: null };
  return undefined;
}
