import { describe, expect, it } from '@jest/globals';
import { AppError } from '#errors';
import { contradictionsOf, normalisedCode, refuseUnusable, type Terms } from './coupons.rules.js';

const now = new Date('2026-06-01T12:00:00Z');
const [before, after] = [new Date('2026-06-01T11:59:59.999Z'), new Date('2026-06-01T12:00:00.001Z')];
const coupon = (more: Partial<Terms> = {}): Terms => ({
  kind: 'percentage',
  ppm: 150_000,
  amounts: {},
  minimums: {},
  usageLimit: null,
  perCustomerLimit: null,
  used: 0,
  startsAt: null,
  endsAt: null,
  active: true,
  ...more,
});
const FIXED = { kind: 'fixed', ppm: null, amounts: { EUR: 500 } } as const;

/** Why it is refused; null when it is not. */
function refusal(more: Partial<Terms>, { currency = 'EUR', subtotal = 1_000n, usedByCustomer = 0 } = {}): string | null {
  try {
    refuseUnusable(coupon(more), { currency, subtotal, now, usedByCustomer });
    return null;
  } catch (error) {
    return (error as AppError).code;
  }
}

describe('a coupon', () => {
  it('is found by its code, whoever typed it', () => {
    expect([' summer-15 ', 'SUMMER-15', 'Summer-15'].map(normalisedCode)).toEqual(Array(3).fill('SUMMER-15'));
  });

  it('can be used within its time, its currencies, its minimum and its limits', () => {
    const can = [
      {},
      { startsAt: now },
      { endsAt: after },
      FIXED,
      { minimums: { EUR: 1_000 } },
      { usageLimit: 2, used: 1 },
      { perCustomerLimit: 1 },
    ];
    expect(can.map((more) => refusal(more))).toEqual(can.map(() => null));
  });

  it('is refused with the reason why', () => {
    expect([
      refusal({ active: false }),
      refusal({ startsAt: after }),
      refusal({ endsAt: now }),
      refusal({ endsAt: before }),
      refusal(FIXED, { currency: 'USD' }),
      refusal({ minimums: { EUR: 1 } }, { currency: 'USD' }),
      refusal({ minimums: { EUR: 1_001 } }),
      refusal({ usageLimit: 1, used: 1 }),
      refusal({ perCustomerLimit: 2 }, { usedByCustomer: 2 }),
    ]).toEqual([
      'coupons/not-active',
      'coupons/not-yet-valid',
      'coupons/expired',
      'coupons/expired',
      'coupons/another-currency',
      'coupons/another-currency',
      'coupons/minimum-not-reached',
      'coupons/used-up',
      'coupons/used-by-you',
    ]);
  });

  it('has the terms of its kind, and none that contradict each other', () => {
    const wrong = (more: Partial<Terms>) => contradictionsOf(coupon(more)).map(({ pointer }) => pointer);
    expect(wrong({})).toEqual([]);
    expect(wrong(FIXED)).toEqual([]);
    expect(wrong({ kind: 'free-shipping', ppm: null })).toEqual([]);
    expect(wrong({ ppm: null })).toEqual(['/percentage']);
    expect(wrong({ ppm: 0 })).toEqual(['/percentage']);
    expect(wrong({ kind: 'fixed' })).toEqual(['/percentage', '/amounts']);
    expect(wrong({ amounts: { EUR: 1 } })).toEqual(['/amounts']);
    expect(wrong({ startsAt: now, endsAt: now })).toEqual(['/endsAt']);
    expect(wrong({ usageLimit: 1, used: 2 })).toEqual(['/usageLimit']);
  });
});
