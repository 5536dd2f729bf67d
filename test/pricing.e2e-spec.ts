import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { OrderResponse, QuoteResponse } from '../src/orders/orders.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { seedOfGeneratedTests } from './harness/run.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;
let buyer: Person;
let admin: Person;
/** Some of each currency and class. */
let variants: { id: string; price: number; currency: string }[];
let coupons: string[];

type Quote = Wire<QuoteResponse>;
type Order = Wire<OrderResponse>;

beforeAll(async () => {
  app = await startApp();
  [buyer, admin] = [await aUser(app), await anAdmin(app)];
  variants = [];
  for (const [currency, prices] of Object.entries({ EUR: [0, 1, 999, 123_457], JPY: [1, 777], KWD: [1_005, 9_999] }))
    for (const [index, price] of prices.entries()) {
      const taxClass = ['standard', 'reduced', 'zero'][index % 3]!;
      const { variants: made } = await aProduct(app, { by: admin, price, currency, taxClass, stock: 10_000_000 });
      variants.push({ id: made[0]!.id, price, currency });
    }
  // Some cost otherwise than they say, by a list that counts and one that has ended.
  for (const [currency, window] of [
    ['EUR', {}],
    ['JPY', { endsAt: '2020-01-01T00:00:00Z' }],
  ] as const) {
    const token = admin.accessToken;
    const body = { name: 'Sale', currency, ...window };
    const { id } = (
      await app.request<{ id: string }>('POST', 'shop/price-lists', { token, body, headers: { 'idempotency-key': unique() } })
    ).body;
    const prices = variants
      .filter((variant) => variant.currency === currency)
      .map(({ id: variantId }, index) => ({ variantId, amount: 7 + index * 331 }));
    const { status, text } = await app.request('PATCH', `shop/price-lists/${id}/prices`, { token, body: { prices: prices.slice(1) } });
    if (status !== 200) throw new Error(text);
  }
  coupons = [];
  const prices = (amount: number) => ['EUR', 'JPY', 'KWD'].map((currency) => ({ amount, currency }));
  for (const terms of [{ kind: 'percentage', percentage: '12.3456' }, { kind: 'fixed', amounts: prices(100) }, { kind: 'free-shipping' }]) {
    const body = { code: `C-${unique()}`, ...terms };
    await app.request('POST', 'coupons', { token: admin.accessToken, body, headers: { 'idempotency-key': unique() } });
    coupons.push(body.code);
  }
});
afterAll(() => app.close());

const settings = async (body: object) => {
  const answer = await app.request('PATCH', 'shop/settings', { token: admin.accessToken, body });
  if (answer.status !== 200) throw new Error(answer.text);
};
const quote = (body: unknown) => app.request<Quote>('POST', 'orders/quote', { token: buyer.accessToken, body });
const place = (body: unknown) =>
  app.request<Order>('POST', 'orders', { token: buyer.accessToken, body, headers: { 'idempotency-key': unique() } });

const rate = (country: string, percent: string, taxClass = 'standard', region = '') => ({
  country,
  region,
  taxClass,
  name: 'VAT',
  rate: percent,
});
const RATES = [rate('NL', '21'), rate('NL', '9', 'reduced'), rate('US', '8.875', 'standard', 'NY'), rate('US', '4')];
const METHODS = ['EUR', 'JPY', 'KWD'].flatMap((currency) => [
  { code: 'post', name: 'Post', price: { amount: 495, currency }, freeFrom: 100_000 },
  { code: 'express', name: 'Express', price: { amount: 1_250, currency }, taxClass: 'reduced' },
]);
const address = (country: string, region: string) => ({ name: 'Ada', line1: '1 Street', city: 'Town', postalCode: '1', country, region });

describe('a quote and the order that follows', () => {
  it.each([false, true])(
    'come to the same, member by member, with prices that contain their tax: %j',
    async (pricesIncludeTax) => {
      await settings({ country: 'NL', pricesIncludeTax, taxRates: RATES, shippingMethods: METHODS });
      const wanted = fc.constantFrom('EUR', 'JPY', 'KWD').chain((currency) =>
        fc.record({
          items: fc.array(
            fc.record({
              variantId: fc.constantFrom(...variants.filter((variant) => variant.currency === currency).map(({ id }) => id)),
              quantity: fc.integer({ min: 1, max: 40 }),
            }),
            { minLength: 1, maxLength: 6 },
          ),
          couponCode: fc.constantFrom(null, ...coupons),
          shippingMethod: fc.constantFrom(null, 'post', 'express'),
          shippingAddress: fc.constantFrom(null, address('US', 'ny'), address('US', 'TX'), address('JP', '')),
        }),
      );
      for (const body of fc.sample(wanted, { numRuns: 60, seed: seedOfGeneratedTests() })) {
        const [quoted, placed] = [await quote(body), await place(body)];
        if (placed.status !== 201) throw new Error(placed.text);
        const { shippingOptions, ...same } = quoted.body;
        expect(placed.body).toMatchObject(same);
        expect(shippingOptions.map(({ code }) => code)).toContain(body.shippingMethod ?? shippingOptions[0]!.code);
        const { items, subtotal, discount, tax, includedTax, shipping, total, taxes } = placed.body;
        const sum = (amounts: { amount: number }[]) => amounts.reduce((all, { amount }) => all + amount, 0);
        expect(total.amount).toBe(subtotal.amount - discount.amount + tax.amount + shipping.amount);
        expect(sum(items.map((item) => item.total))).toBe(subtotal.amount);
        expect(sum(items.map((item) => item.discount))).toBe(discount.amount);
        expect(sum(taxes.map(({ amount }) => amount))).toBe(tax.amount + includedTax.amount);
        expect((await app.request<Order>('GET', `orders/${placed.body.id}`, { token: buyer.accessToken })).body).toEqual(placed.body);
      }
    },
    60_000,
  );
});

/** Values that somebody puts where a price, a total or a discount might be read. */
const AMOUNTS = ['1', '0', '-1', '0.1', '"1"', 'null', '{"amount":1,"currency":"EUR"}', '{"amount":-1,"currency":"JPY"}', '1e9', '[]'];
const ORDER_MEMBERS = ['price', 'total', 'subtotal', 'discount', 'tax', 'includedTax', 'shipping', 'taxes'];
/** What is no currency, or none that anything costs something in here; null is as if nothing were said. */
const CURRENCIES = [...AMOUNTS.filter((value) => value !== 'null'), '"JPY"', '"USD"', '"eur"', '"EUR "', '"XXX"', '["EUR"]'];
const ITEM_MEMBERS = ['price', 'unitPrice', 'total', 'discount', 'tax', 'taxRate', 'currency'];
const QUANTITIES = [
  '0',
  '-1',
  '1e9',
  '0.1',
  '"1"',
  'NaN',
  'null',
  '-0',
  '1e400',
  '[1]',
  '{}',
  'true',
  '1.0000001',
  '100001',
  '"NaN"',
  '2147483648',
];
const CODES = ['1', '{}', '[]', 'true', '""', '" "', '"\\u0000"', JSON.stringify('x'.repeat(65)), '"%"', '"\' OR 1=1 --"'];

describe('two hundred tampered orders', () => {
  it('are refused, and nothing is placed, held or charged', async () => {
    await settings({ country: null, pricesIncludeTax: false, taxRates: [], shippingMethods: [] });
    const { id } = variants.find(({ currency, price }) => currency === 'EUR' && price === 999)!;
    const item = (more = '', quantity = '1') => `{"variantId":"${id}","quantity":${quantity}${more}}`;
    const order = (items: string, more = '') => `{"items":[${items}]${more}}`;
    const tampered = [
      ...ORDER_MEMBERS.flatMap((name) => AMOUNTS.map((value) => order(item(), `,"${name}":${value}`))),
      ...CURRENCIES.map((value) => order(item(), `,"currency":${value}`)),
      ...ITEM_MEMBERS.flatMap((name) => AMOUNTS.map((value) => order(item(`,"${name}":${value}`)))),
      ...QUANTITIES.flatMap((quantity) => [order(item('', quantity)), order(`${item()},${item('', quantity)}`)]),
      ...CODES.map((code) => order(item(), `,"couponCode":${code}`)),
      order(''),
      '{"items":{"0":{}}}',
      `{"items":"${id}"}`,
      order(item().replace(id, id.toUpperCase().replace(/.$/, 'z'))),
    ];
    expect(tampered.length).toBeGreaterThanOrEqual(200);
    const before = await books();
    const answers: Answer<unknown>[] = [];
    for (const body of tampered) answers.push(await place(body), await quote(body));
    expect(answers.filter(({ status }) => status !== 400 && status !== 404).map(({ text }) => text)).toEqual([]);
    expect(await books()).toEqual(before);
  }, 60_000);

  it('nor do variants of two currencies, or coupons of another, make one cheaper', async () => {
    const [euro, yen] = ['EUR', 'JPY'].map((of) => variants.find(({ currency }) => currency === of)!.id);
    const items = [euro, yen].map((variantId) => ({ variantId, quantity: 1 }));
    expect((await place({ items })).body).toMatchObject({ status: 409, code: 'orders/mixed-currencies' });
  });

  it('that are too large are refused before they are too large to be said', async () => {
    const { variants: made } = await aProduct(app, { by: admin, price: 1_000_000_000_000, stock: 1_000_000 });
    const items = [{ variantId: made[0]!.id, quantity: 100_000 }];
    for (const couponCode of [null, ...coupons])
      for (const answer of [await place({ items, couponCode }), await quote({ items, couponCode })])
        expect(answer.body).toMatchObject({ status: 400, code: 'orders/too-large' });
  });
});

/** What there is of orders, what they hold, and what was charged. */
const books = () =>
  query(
    app.databaseUrl,
    `SELECT (SELECT count(*) FROM orders) AS orders, (SELECT sum(quantity) FROM stock_reservations) AS held,
      (SELECT sum(used) FROM coupons) AS used, (SELECT count(*) FROM sandbox_charges) AS charges`,
  );
