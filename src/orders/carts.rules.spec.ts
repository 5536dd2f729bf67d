import { describe, expect, it } from '@jest/globals';
import { couponExpired } from '../shop/coupons.errors.js';
import { shortcomingsOf, withoutCause } from './carts.rules.js';
import { mixedCurrencies, orderNotFound, orderTooLarge, shippingUnavailable } from './orders.errors.js';

describe('what of a cart cannot be ordered', () => {
  const variants = new Map([
    ['plenty', { available: 5, backorder: 'none' }],
    ['owed', { available: -2, backorder: 'none' }],
    ['coming', { available: 0, backorder: 'preorder' }],
  ]);
  const of = (variantId: string, quantity: number, currency: string | null = null) =>
    shortcomingsOf({ lines: [{ variantId, quantity }], currency }, variants);

  it('is what is short or not on sale, by its line', () => {
    expect(shortcomingsOf({ lines: [], currency: null }, variants)).toEqual([]);
    expect(of('plenty', 5)).toEqual([]);
    expect(of('plenty', 6)).toEqual([{ pointer: '/items/0/quantity', code: 'products/out-of-stock', detail: 'only 5 are left' }]);
    expect(of('owed', 1)).toMatchObject([{ detail: 'only 0 are left' }]);
    const gone = { pointer: '/items/0/variantId', code: 'products/variant-not-found' };
    expect(of('gone', 1)).toEqual([{ ...gone, detail: 'is not on sale any more' }]);
    expect(of('gone', 1, 'USD')).toEqual([{ ...gone, detail: 'is not on sale in USD' }]);
  });

  it('is nothing of what can be ordered before it comes', () => {
    expect(of('coming', 1_000)).toEqual([]);
  });
});

describe('a cart that cannot be priced', () => {
  const terms = { couponCode: 'FIVE', shippingMethod: 'express' };

  it('is priced without its coupon, or by another shipping method', () => {
    expect(withoutCause(couponExpired('x'), terms)).toEqual({ pointer: '/couponCode', rest: { ...terms, couponCode: null } });
    expect(withoutCause(shippingUnavailable('x'), terms)).toEqual({ pointer: '/shippingMethod', rest: { ...terms, shippingMethod: null } });
  });

  it('has no price where that does not help', () => {
    expect(withoutCause(shippingUnavailable('x'), { ...terms, shippingMethod: null })).toMatchObject({ rest: null });
    for (const error of [mixedCurrencies('x'), orderTooLarge('x')])
      expect(withoutCause(error, terms)).toEqual({ pointer: '/items', rest: null });
  });

  it('for another reason is a fault', () => {
    expect(withoutCause(orderNotFound('x'), terms)).toBeUndefined();
    expect(withoutCause(couponExpired('x'), { ...terms, couponCode: null })).toBeUndefined();
  });
});
