import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { OrderResponse, QuoteResponse } from '../src/orders/orders.dto.js';
import type { ShopSettingsResponse } from '../src/shop/settings.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { startProcess, stopProcesses } from './harness/product.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;
let admin: Person;
let buyer: Person;

type Settings = Wire<ShopSettingsResponse>;
type Quote = Wire<QuoteResponse>;
type Order = Wire<OrderResponse>;

beforeAll(async () => {
  app = await startApp();
  [admin, buyer] = [await anAdmin(app), await aUser(app)];
});
afterAll(async () => {
  await stopProcesses();
  await app.close();
});

const AS_MADE = {
  currencies: [],
  country: null,
  pricesIncludeTax: false,
  timeZone: 'UTC',
  seller: null,
  taxClasses: ['standard', 'reduced', 'zero'],
  taxRates: [],
  shippingMethods: [],
};
const SELLER = { legalName: 'Hopper B.V.', taxId: null, line1: '1 Dam', city: 'Amsterdam', postalCode: '1012 JS', country: 'NL' };
const read = () => app.request<Settings>('GET', 'shop/settings');
const change = (body: object, by: Person | null = admin, headers: Record<string, string> = {}) =>
  app.request<Settings>('PATCH', 'shop/settings', { ...(by && { token: by.accessToken }), body, headers });
const problemOf = (answer: Answer<unknown>) => answer.body as ProblemDocument;
const refusal = (answer: Answer<unknown>) => [answer.status, problemOf(answer).code];
const pointers = (answer: Answer<unknown>) => problemOf(answer).errors?.map(({ pointer }) => pointer);
const eur = (amount: number) => ({ amount, currency: 'EUR' });
const address = (country: string, region?: string) => ({
  name: 'Ada Lovelace',
  line1: '1 Street',
  city: 'Town',
  postalCode: '1',
  country,
  ...(region && { region }),
});
const rate = (percent: string, more: object = {}) => ({ country: 'NL', taxClass: 'standard', name: 'BTW', rate: percent, ...more });
const method = (code: string, amount: number, more: object = {}) => ({ code, name: code, price: eur(amount), ...more });

const quote = (body: object, by: Person | null = buyer) =>
  app.request<Quote>('POST', 'orders/quote', { ...(by && { token: by.accessToken }), body });
const place = (body: object) =>
  app.request<Order>('POST', 'orders', { token: buyer.accessToken, headers: { 'idempotency-key': unique() }, body });
const oneOf = async (price: number, more: Parameters<typeof aProduct>[1] = {}) => [
  { variantId: (await aProduct(app, { price, by: admin, ...more })).variants[0]!.id, quantity: 1 },
];

describe('the settings of a shop', () => {
  afterEach(() => change(AS_MADE));

  it('are such that prices are final, until somebody changes them', async () => {
    const { status, body, headers } = await read();
    expect([status, body]).toEqual([200, { ...AS_MADE, version: 1, updatedAt: expect.stringMatching(/Z$/) }]);
    expect(headers).toMatchObject({ etag: expect.stringMatching(/^"1-/), 'cache-control': 'public, max-age=0' });
    const items = await oneOf(333);
    const { body: priced } = await quote({ items, shippingAddress: address('NL') });
    expect(priced).toMatchObject({
      subtotal: eur(333),
      discount: eur(0),
      tax: eur(0),
      includedTax: eur(0),
      shipping: eur(0),
      total: eur(333),
    });
    expect(priced).toMatchObject({ taxes: [], shippingMethod: null, shippingOptions: [], couponCode: null });
  });

  it('are changed member by member, in one step, with a version', async () => {
    const { body: before } = await read();
    const { status, body } = await change({
      currencies: ['EUR', 'JPY'],
      country: 'NL',
      pricesIncludeTax: true,
      timeZone: 'Europe/Amsterdam',
      taxRates: [rate('21'), rate('8.875', { country: 'US', region: 'ny' })],
      shippingMethods: [method('post', 490, { freeFrom: 5_000, countries: ['NL'] })],
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      currencies: ['EUR', 'JPY'],
      country: 'NL',
      pricesIncludeTax: true,
      timeZone: 'Europe/Amsterdam',
      seller: null,
      taxClasses: ['standard', 'reduced', 'zero'],
      taxRates: [rate('21', { region: '' }), rate('8.875', { country: 'US', region: 'NY' })],
      shippingMethods: [method('post', 490, { freeFrom: 5_000, countries: ['NL'], taxClass: 'standard' })],
      version: before.version + 1,
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect((await read()).body).toEqual(body);
    expect((await change({ country: null })).body).toEqual({
      ...body,
      country: null,
      version: body.version + 1,
      updatedAt: expect.any(String),
    });
    const entries = await query<{ before: object; after: object }>(
      app.databaseUrl,
      `SELECT before, after FROM audit_entries WHERE action = 'shop-settings.updated' ORDER BY created_at DESC, id DESC LIMIT 1`,
    );
    expect(entries).toEqual([{ before: { country: 'NL' }, after: { country: null } }]);
  });

  it('say who sells, and no longer, where that is taken out', async () => {
    expect((await change({ seller: SELLER })).body.seller).toEqual(SELLER);
    expect((await read()).body.seller).toEqual(SELLER);
    expect((await change({ seller: null })).body.seller).toBeNull();
  });

  it('are not overwritten by whoever has read an older version', async () => {
    const { headers, body } = await read();
    expect((await change({ timeZone: 'Asia/Tokyo' }, admin, { 'if-match': headers.etag! })).status).toBe(200);
    expect(refusal(await change({ timeZone: 'UTC' }, admin, { 'if-match': headers.etag! }))).toEqual([412, 'http/stale-version']);
    expect((await read()).body).toMatchObject({ timeZone: 'Asia/Tokyo', version: body.version + 1 });
  });

  it('are changed by whoever may, and by nobody else', async () => {
    for (const [by, status] of [
      [null, 401],
      [buyer, 403],
      [await aUser(app, { roles: ['support'] }), 403],
    ] as const)
      expect((await change({ timeZone: 'Asia/Tokyo' }, by)).status).toBe(status);
    expect((await read()).body.timeZone).toBe('UTC');
  });

  it.each([
    [{ currencies: ['EURO'] }, '/currencies'],
    [{ currencies: ['EUR', 'EUR'] }, '/currencies'],
    [{ country: 'nl' }, '/country'],
    [{ country: 'XX' }, '/country'],
    [{ pricesIncludeTax: 'yes' }, '/pricesIncludeTax'],
    [{ timeZone: 'Mars/Olympus' }, '/timeZone'],
    [{ seller: {} }, '/seller'],
    [{ seller: { ...SELLER, country: 'nl' } }, '/seller/country'],
    [{ seller: { ...SELLER, legalName: '' } }, '/seller/legalName'],
    [{ seller: { ...SELLER, iban: 'x' } }, '/seller/iban'],
    [{ taxClasses: [] }, '/taxClasses'],
    [{ taxClasses: ['Standard'] }, '/taxClasses'],
    [{ taxRates: [rate('101')] }, '/taxRates/0/rate'],
    [{ taxRates: [rate('-1')] }, '/taxRates/0/rate'],
    [{ taxRates: [rate('1.00001')] }, '/taxRates/0/rate'],
    [{ taxRates: [{ ...rate('1'), rate: 1 }] }, '/taxRates/0/rate'],
    [{ shippingMethods: [method('post', -1)] }, '/shippingMethods/0/price/amount'],
    [{ shippingMethods: [method('post', 1, { freeFrom: 0.5 })] }, '/shippingMethods/0/freeFrom'],
    [{ version: 7 }, '/version'],
  ])('refuse %j', async (changes, pointer) => {
    const answer = await change(changes);
    expect([answer.status, pointers(answer)]).toEqual([400, expect.arrayContaining([expect.stringMatching(pointer)])]);
    expect((await read()).body).toMatchObject(AS_MADE);
  });

  it('refuse what contradicts itself', async () => {
    for (const [changes, pointer] of [
      [{ taxClasses: ['reduced'] }, '/taxClasses'],
      [{ taxRates: [rate('1', { taxClass: 'books' })] }, '/taxRates/0/taxClass'],
      [{ taxRates: [rate('1'), rate('2')] }, '/taxRates/1'],
      [{ currencies: ['USD'], shippingMethods: [method('post', 1)] }, '/shippingMethods/0/price/currency'],
      [{ shippingMethods: [method('post', 1), method('post', 2)] }, '/shippingMethods/1'],
    ] as const) {
      const answer = await change(changes);
      expect([...refusal(answer), pointers(answer)]).toEqual([400, 'shop/settings-contradict', [pointer]]);
    }
  });

  it('keep a tax class that products have, and give products none that there is not', async () => {
    await change({ taxClasses: [...AS_MADE.taxClasses, 'books'] });
    const product = await aProduct(app, { by: admin, taxClass: 'books' });
    expect(refusal(await change({ taxClasses: AS_MADE.taxClasses }))).toEqual([409, 'shop/tax-class-in-use']);
    const update = (taxClass: string) =>
      app.request<{ taxClass: string }>('PATCH', `products/${product.id}`, { token: admin.accessToken, body: { taxClass } });
    expect((await update('reduced')).body.taxClass).toBe('reduced');
    expect((await change({ taxClasses: AS_MADE.taxClasses })).status).toBe(200);
    const answer = await update('books');
    expect([...refusal(answer), pointers(answer)]).toEqual([400, 'products/unknown-tax-class', ['/taxClass']]);
  });

  it('hold in another process within a moment', async () => {
    const other = await startProcess({ databaseUrl: app.databaseUrl });
    const items = await oneOf(1_000);
    const taxThere = async () =>
      (await other.request<Quote>('POST', 'orders/quote', { token: buyer.accessToken, body: { items } })).body.tax.amount;
    expect(await taxThere()).toBe(0);
    await change({ country: 'NL', taxRates: [rate('21')] });
    expect((await quote({ items })).body.tax).toEqual(eur(210));
    await eventually(async () => (await taxThere()) === 210, 3_000);
    await other.stop();
  });
});

describe('tax', () => {
  afterEach(() => change(AS_MADE));

  it('comes on top of prices, by the rate of what is bought where it goes', async () => {
    await change({
      country: 'NL',
      taxRates: [rate('21'), rate('9', { taxClass: 'reduced' }), rate('19', { country: 'DE', name: 'MwSt' })],
    });
    const items = [...(await oneOf(1_000)), ...(await oneOf(555, { taxClass: 'reduced' })), ...(await oneOf(99, { taxClass: 'zero' }))];
    const { body } = await quote({ items });
    expect(body).toMatchObject({
      subtotal: eur(1_654),
      tax: eur(260),
      includedTax: eur(0),
      total: eur(1_914),
      taxes: [
        { name: 'BTW', rate: '21', base: eur(1_000), amount: eur(210) },
        { name: 'BTW', rate: '9', base: eur(555), amount: eur(50) },
      ],
      items: [
        { tax: eur(210), taxRate: '21' },
        { tax: eur(50), taxRate: '9' },
        { tax: eur(0), taxRate: null },
      ],
    });
    expect((await quote({ items, shippingAddress: address('DE') })).body).toMatchObject({
      tax: eur(190),
      taxes: [{ name: 'MwSt', rate: '19' }],
    });
    expect((await quote({ items, billingAddress: address('US') })).body).toMatchObject({ tax: eur(0), total: eur(1_654), taxes: [] });
  });

  it('is contained in prices where the shop says so', async () => {
    await change({ country: 'NL', pricesIncludeTax: true, taxRates: [rate('21')], shippingMethods: [method('post', 490)] });
    expect((await quote({ items: await oneOf(1_210) })).body).toMatchObject({
      subtotal: eur(1_210),
      shipping: eur(490),
      tax: eur(0),
      includedTax: eur(295),
      total: eur(1_700),
      taxes: [{ base: eur(1_700), amount: eur(295) }],
      items: [{ tax: eur(210) }],
    });
  });

  it.each([
    ['JPY', 999, 100],
    ['EUR', 1_999, 200],
    ['KWD', 12_345, 1_235],
  ])('is of whole minor units in %s', async (currency, price, tax) => {
    await change({ country: 'NL', taxRates: [rate('10')] });
    const { body } = await quote({ items: await oneOf(price, { currency }) });
    expect([body.tax, body.total]).toEqual([
      { amount: tax, currency },
      { amount: price + tax, currency },
    ]);
  });

  it('stays with the order, whatever the settings become', async () => {
    await change({ country: 'NL', pricesIncludeTax: true, taxRates: [rate('21')], shippingMethods: [method('post', 490)] });
    const { body } = await place({ items: await oneOf(1_210) });
    await change(AS_MADE);
    expect((await app.request<Order>('GET', `orders/${body.id}`, { token: buyer.accessToken })).body).toEqual(body);
    expect(body).toMatchObject({ includedTax: eur(295), shippingMethod: { code: 'post', name: 'post' } });
  });
});

describe('shipping', () => {
  beforeAll(() =>
    change({
      currencies: ['EUR', 'USD'],
      country: 'NL',
      shippingMethods: [
        method('express', 990, { countries: ['NL', 'DE'] }),
        method('post', 490, { countries: ['NL', 'DE'], freeFrom: 5_000 }),
        method('freight', 4_900, { countries: ['US'] }),
        { code: 'post', name: 'Airmail', price: { amount: 2_500, currency: 'USD' } },
      ],
    }),
  );
  afterAll(() => change(AS_MADE));

  it('is by the cheapest method that fits, or by the one that is asked for', async () => {
    const items = await oneOf(1_000);
    const { body } = await quote({ items });
    expect(body).toMatchObject({ shipping: eur(490), total: eur(1_490), shippingMethod: { code: 'post' } });
    expect(body.shippingOptions).toEqual([
      { code: 'post', name: 'post', price: eur(490) },
      { code: 'express', name: 'express', price: eur(990) },
    ]);
    expect((await place({ items, shippingMethod: 'express', shippingAddress: address('DE') })).body).toMatchObject({
      shipping: eur(990),
      total: eur(1_990),
      shippingMethod: { code: 'express', name: 'express' },
    });
    expect((await quote({ items, shippingAddress: address('US') })).body).toMatchObject({ shipping: eur(4_900) });
    const dollars = await oneOf(1_000, { currency: 'USD' });
    expect((await quote({ items: dollars })).body).toMatchObject({
      shipping: { amount: 2_500, currency: 'USD' },
      shippingMethod: { name: 'Airmail' },
    });
  });

  it('is free from a subtotal on', async () => {
    expect((await quote({ items: await oneOf(4_999) })).body.shipping).toEqual(eur(490));
    expect((await quote({ items: await oneOf(5_000) })).body).toMatchObject({
      shipping: eur(0),
      total: eur(5_000),
      shippingMethod: { code: 'post' },
    });
  });

  it('is refused where nothing fits', async () => {
    const items = await oneOf(1_000);
    for (const more of [{ shippingAddress: address('JP') }, { shippingMethod: 'drone' }, { shippingMethod: 'freight' }]) {
      for (const answer of [await quote({ items, ...more }), await place({ items, ...more })])
        expect([...refusal(answer), pointers(answer)]).toEqual([409, 'orders/shipping-unavailable', ['/shippingMethod']]);
    }
    expect(refusal(await quote({ items: await oneOf(1_000, { currency: 'CHF' }) }))).toEqual([409, 'orders/currency-not-sold']);
  });

  it('names no method where the shop has none', async () => {
    const before = (await read()).body;
    await change({ shippingMethods: [] });
    expect(refusal(await quote({ items: await oneOf(1), shippingMethod: 'post' }))).toEqual([409, 'orders/shipping-unavailable']);
    await change({ shippingMethods: before.shippingMethods });
  });
});

describe('the database', () => {
  it.each([
    ['a second row of settings', `INSERT INTO shop_settings (id) VALUES (2)`],
    ['a rate above the whole', `INSERT INTO tax_rates (country, tax_class, name, ppm) VALUES ('NL', 'standard', 'x', 1000001)`],
    ['a rate below nothing', `INSERT INTO tax_rates (country, tax_class, name, ppm) VALUES ('NL', 'standard', 'x', -1)`],
    ['a rate of no class', `INSERT INTO tax_rates (country, tax_class, name, ppm) VALUES ('NL', 'never', 'x', 1)`],
    ['shipping that pays', `INSERT INTO shipping_methods (code, currency, position, name, price) VALUES ('x', 'EUR', 1, 'x', -1)`],
    [
      'a coupon used more often than it can be',
      `INSERT INTO coupons (id, code, kind, ppm, usage_limit, used) VALUES (gen_random_uuid(), 'XXX', 'percentage', 1, 1, 2)`,
    ],
    ['a coupon of no kind', `INSERT INTO coupons (id, code, kind) VALUES (gen_random_uuid(), 'XXX', 'other')`],
    ['a code in small letters', `INSERT INTO coupons (id, code, kind, ppm) VALUES (gen_random_uuid(), 'xxx', 'percentage', 1)`],
  ])('refuses %s', async (_, statement) => {
    await expect(query(app.databaseUrl, statement)).rejects.toThrow(/violates/);
  });

  it.each([
    [
      'a discount beyond the subtotal',
      `UPDATE orders SET discount = subtotal + 1, shipping = shipping + 1, total = subtotal - (subtotal + 1) + tax + shipping + 1 WHERE id = $1`,
    ],
    ['tax both on top and contained', `UPDATE orders SET tax = 1, included_tax = 1, total = total + 1 WHERE id = $1`],
    ['more contained tax than there is to pay', `UPDATE orders SET included_tax = total + 1 WHERE id = $1`],
    ['a total that does not add up', `UPDATE orders SET shipping = shipping + 1 WHERE id = $1`],
    ['a line with more discount than it costs', `UPDATE order_lines SET discount = total + 1 WHERE order_id = $1`],
  ])('refuses of an order %s', async (_, statement) => {
    const { body } = await place({ items: await oneOf(1_000) });
    await expect(query(app.databaseUrl, statement, [body.id])).rejects.toThrow(/violates check constraint/);
  });
});
