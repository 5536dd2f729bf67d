import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ShippingMethod, TaxRate } from '../shop/settings.rules.js';
import { allocate, type Item, type Offer, portion, price, shippingOptions } from './pricing.rules.js';

const sum = (amounts: readonly bigint[]) => amounts.reduce((all, amount) => all + amount, 0n);
const rate = (percent: number, taxClass = 'standard', more: Partial<TaxRate> = {}): TaxRate => ({
  country: 'NL',
  region: '',
  taxClass,
  name: 'VAT',
  ppm: Math.round(percent * 10_000),
  ...more,
});
const method = (more: Partial<ShippingMethod> = {}): ShippingMethod => ({
  code: 'post',
  name: 'Post',
  countries: [],
  currency: 'EUR',
  price: 490,
  freeFrom: null,
  taxClass: 'standard',
  ...more,
});
const offer = (more: Partial<Offer> & { rates?: TaxRate[]; included?: boolean } = {}): Offer => {
  const { rates = [], included = false, ...rest } = more;
  const settings = { pricesIncludeTax: included, taxRates: rates };
  return { currency: 'EUR', settings, coupon: null, method: null, place: { country: 'NL' }, ...rest };
};
const item = (unitPrice: number | bigint, quantity = 1, taxClass = 'standard'): Item => ({
  unitPrice: BigInt(unitPrice),
  quantity,
  taxClass,
});
const percent = (of: number): Offer['coupon'] => ({ kind: 'percentage', ppm: of * 10_000, amounts: {} });
const fixed = (amounts: Record<string, number>): Offer['coupon'] => ({ kind: 'fixed', ppm: null, amounts });
const FREE: Offer['coupon'] = { kind: 'free-shipping', ppm: null, amounts: {} };

describe('a price', () => {
  it('is exact beyond 32 bits', () => {
    expect(price([item(999_999_999_999n, 1_000), item(1)], offer()).total).toBe(999_999_999_999_001n);
  });

  it('is that of the catalogue where the shop has said nothing', () => {
    const { lines, ...rest } = price([item(1_490, 2), item(8_900)], offer({ place: null }));
    expect(rest).toEqual({ subtotal: 11_880n, discount: 0n, tax: 0n, includedTax: 0n, shipping: 0n, total: 11_880n, taxes: [] });
    expect(lines).toMatchObject([{ total: 2_980n, discount: 0n, tax: 0n, taxPpm: null }, { total: 8_900n }]);
  });

  it('has tax on top, or contains it', () => {
    const items = [item(1_000), item(500, 1, 'reduced')];
    const rates = [rate(21), rate(9, 'reduced')];
    expect(price(items, offer({ rates }))).toMatchObject({
      tax: 255n,
      includedTax: 0n,
      total: 1_755n,
      taxes: [
        { ppm: 210_000, base: 1_000n, amount: 210n },
        { ppm: 90_000, base: 500n, amount: 45n },
      ],
      lines: [{ tax: 210n }, { tax: 45n }],
    });
    expect(price(items, offer({ rates, included: true }))).toMatchObject({
      tax: 0n,
      includedTax: 174n + 41n,
      total: 1_500n,
      lines: [{ tax: 174n }, { tax: 41n }],
    });
  });

  it('is taxed by the region, or else by the country, or else not at all', () => {
    const rates = [rate(5, 'standard', { country: 'CA' }), rate(13, 'standard', { country: 'CA', region: 'ON' }), rate(0, 'zero')];
    const taxAt = (place: Offer['place']) => price([item(1_000)], offer({ rates, place })).tax;
    expect(
      [{ country: 'CA', region: ' on ' }, { country: 'CA', region: 'QC' }, { country: 'CA' }, { country: 'US' }, null].map(taxAt),
    ).toEqual([130n, 50n, 50n, 0n, 0n]);
    expect(price([item(1_000, 1, 'zero')], offer({ rates })).taxes).toEqual([{ name: 'VAT', ppm: 0, base: 1_000n, amount: 0n }]);
  });

  it('is rounded once a rate, not once a line: twenty cents at 19 % are four cents of tax, however they are cut', () => {
    const rates = [rate(19)];
    for (const items of [[item(20)], [item(1, 20)], Array.from({ length: 20 }, () => item(1))])
      expect(price(items, offer({ rates })).tax).toBe(4n);
  });

  it('is taxed after the coupon, and shipping is taxed, too', () => {
    const priced = price([item(10_000)], offer({ rates: [rate(20)], coupon: percent(50), method: method({ price: 500 }) }));
    expect(priced).toMatchObject({ subtotal: 10_000n, discount: 5_000n, shipping: 500n, tax: 1_100n, total: 6_600n });
    expect(priced.lines[0]!.tax).toBe(1_000n);
  });

  it('is never below nothing', () => {
    expect(price([item(300)], offer({ coupon: fixed({ EUR: 500 }) }))).toMatchObject({ discount: 300n, total: 0n });
    expect(price([item(300)], offer({ coupon: percent(100) }))).toMatchObject({ discount: 300n, total: 0n });
    expect(price([item(300)], offer({ coupon: fixed({ USD: 500 }) }))).toMatchObject({ discount: 0n });
  });

  it('has no shipping from a subtotal on, less discounts, or by a coupon', () => {
    const post = method({ freeFrom: 5_000 });
    const shippingOf = (of: number, coupon: Offer['coupon'] = null) => price([item(of)], offer({ method: post, coupon })).shipping;
    expect([shippingOf(4_999), shippingOf(5_000), shippingOf(5_000, fixed({ EUR: 1 })), shippingOf(1, FREE)]).toEqual([490n, 0n, 490n, 0n]);
  });
});

describe('shipping options', () => {
  it('are those of the currency and the country, the cheapest first', () => {
    const methods = [
      method({ code: 'express', price: 990 }),
      method(),
      method({ code: 'nl', countries: ['NL'], price: 290 }),
      method({ code: 'usd', currency: 'USD' }),
    ];
    const codes = (country: string | null) =>
      shippingOptions(methods, { currency: 'EUR', country, goods: 1n, free: false }).map(({ method: { code } }) => code);
    expect([codes('NL'), codes('DE'), codes(null)]).toEqual([
      ['nl', 'post', 'express'],
      ['post', 'express'],
      ['post', 'express'],
    ]);
  });
});

const amount = fc.bigInt({ min: 0n, max: 1_000_000_000_000n });

describe('an allocation', () => {
  it('loses and makes no unit, and gives nobody more than their weight, or more than a unit off their exact share', () => {
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1, maxLength: 100 }), fc.nat(1_000_000), (weights, part) => {
        const whole = sum(weights);
        const parts = allocate((whole * BigInt(part)) / 1_000_000n, weights);
        expect(sum(parts)).toBe((whole * BigInt(part)) / 1_000_000n);
        for (const [index, one] of parts.entries()) {
          expect(one >= 0n && one <= weights[index]!).toBe(true);
          if (whole > 0n) {
            const off = one * whole - sum(parts) * weights[index]!;
            expect(off < whole && off > -whole).toBe(true);
          }
        }
      }),
    );
  });
});

/** Amounts are minor units, whether a currency has none, two or three decimals: what is likely in each. */
const CURRENCIES = { JPY: 1_000_000n, EUR: 100_000_000n, KWD: 1_000_000_000n } as const;
const basket = fc.constantFrom(...(Object.keys(CURRENCIES) as (keyof typeof CURRENCIES)[])).chain((currency) =>
  fc.record({
    currency: fc.constant(currency as string),
    items: fc.array(
      fc.record({
        unitPrice: fc.bigInt({ min: 0n, max: CURRENCIES[currency] }),
        quantity: fc.integer({ min: 1, max: 1_000 }),
        taxClass: fc.constantFrom('standard', 'reduced', 'zero', 'unknown'),
      }),
      { minLength: 1, maxLength: 30 },
    ),
    included: fc.boolean(),
    rates: fc
      .tuple(fc.nat(1_000_000), fc.nat(1_000_000))
      .map(([standard, reduced]) => [rate(standard / 10_000), rate(reduced / 10_000, 'reduced'), rate(0, 'zero')]),
    coupon: fc.oneof(
      fc.constantFrom(null, FREE),
      fc.nat(1_000_000).map((ppm): Offer['coupon'] => ({ kind: 'percentage', ppm, amounts: {} })),
      fc.nat(10_000_000).map((off) => fixed({ [currency]: off })),
    ),
    method: fc.option(
      fc.record({ price: fc.nat(100_000), freeFrom: fc.option(fc.nat(10_000_000)) }).map((of) => method({ ...of, currency })),
    ),
  }),
);

describe('whatever is bought', () => {
  it('the sums add up: of the order, of its lines, and of its rates', () => {
    fc.assert(
      fc.property(basket, ({ items, ...of }) => {
        const { lines, taxes, ...totals } = price(items, offer(of));
        expect(totals.total).toBe(totals.subtotal - totals.discount + totals.tax + totals.shipping);
        expect(sum(lines.map(({ total }) => total))).toBe(totals.subtotal);
        expect(sum(lines.map(({ discount }) => discount))).toBe(totals.discount);
        expect(sum(taxes.map(({ amount }) => amount))).toBe(totals.tax + totals.includedTax);
        expect(of.included ? totals.tax : totals.includedTax).toBe(0n);
        expect(totals.includedTax <= totals.total).toBe(true);
        for (const { total, discount, tax } of lines) expect(discount >= 0n && discount <= total && tax >= 0n).toBe(true);
        const ofShipping = sum(taxes.map(({ amount }) => amount)) - sum(lines.map(({ tax }) => tax));
        expect(ofShipping >= 0n && (totals.shipping > 0n || ofShipping === 0n)).toBe(true);
      }),
    );
  });

  it('the price is the same in whatever order, and however the lines are cut', () => {
    fc.assert(
      fc.property(basket, ({ items, ...of }) => {
        const { lines: _, taxes: __, ...totals } = price(items, offer(of));
        const cut = items.flatMap(({ quantity, ...line }) =>
          quantity === 1
            ? [{ ...line, quantity }]
            : [
                { ...line, quantity: 1 },
                { ...line, quantity: quantity - 1 },
              ],
        );
        expect(price(cut.reverse(), offer(of))).toMatchObject(totals);
      }),
    );
  });

  it('what is contained in a price is what would come on top of the rest, to the unit', () => {
    fc.assert(
      fc.property(amount, fc.nat(1_000_000), (gross, ppm) => {
        const contained = portion(gross, BigInt(ppm), 1_000_000n + BigInt(ppm));
        const again = portion(gross - contained, BigInt(ppm), 1_000_000n);
        expect(again - contained <= 1n && contained - again <= 1n).toBe(true);
      }),
    );
  });
});
