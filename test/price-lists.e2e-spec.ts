import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { CartResponse } from '../src/orders/carts.dto.js';
import type { OrderResponse, QuoteResponse } from '../src/orders/orders.dto.js';
import type { ListPriceList, PriceListList, PriceListResponse } from '../src/products/price-lists.dto.js';
import type { FacetsResponse } from '../src/products/facets.dto.js';
import type { ProductList, ProductResponse } from '../src/products/products.dto.js';
import type { VariantResponse } from '../src/products/variants.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product as Process, startProcess, stopProcesses } from './harness/product.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;
/** Another process on the same database. */
let other: Process;
let admin: Person;
let buyer: Person;

type List = Wire<PriceListResponse>;
type Variant = Wire<VariantResponse>;

beforeAll(async () => {
  app = await startApp();
  other = await startProcess({ databaseUrl: app.databaseUrl });
  [admin, buyer] = [await anAdmin(app), await aUser(app)];
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await app.close();
});

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const refusal = (answer: Answer<unknown>) => [answer.status, (answer.body as ProblemDocument).code];
const call = <Body>(method: string, path: string, by: Person | null, body?: object, at: Pick<TestApp, 'request'> = app, headers = {}) =>
  at.request<Body>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body && { body }),
    headers: { ...(method === 'POST' && by && { 'idempotency-key': unique() }), ...headers },
  });
const make = (body: object, by: Person | null = admin) => call<List>('POST', 'shop/price-lists', by, body);
const change = (id: string, body: object, headers = {}, by: Person | null = admin) =>
  call<List>('PATCH', `shop/price-lists/${id}`, by, body, app, headers);
const set = (id: string, prices: unknown, by: Person | null = admin) =>
  call<List>('PATCH', `shop/price-lists/${id}/prices`, by, { prices });
const variantOf = async (id: string, at: Pick<TestApp, 'request'> = app) =>
  (await call<Variant>('GET', `variants/${id}`, null, undefined, at)).body;
const priceOf = async (id: string, at?: Pick<TestApp, 'request'>) => (await variantOf(id, at)).price.amount;
const aVariant = async (price = 1_000, currency = 'EUR') =>
  (await aProduct(app, { by: admin, price, currency, stock: 1_000 })).variants[0]!.id;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

async function aList(prices: Record<string, number>, more: object = {}): Promise<List> {
  const made = await make({ name: `L ${unique()}`, currency: 'EUR', ...more });
  if (made.status !== 201) throw new Error(made.text);
  if (Object.keys(prices).length === 0) return made.body;
  const answer = await set(
    made.body.id,
    Object.entries(prices).map(([variantId, amount]) => ({ variantId, amount })),
  );
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body;
}

describe('price lists', () => {
  it('are made, read, changed and deleted, and all of it is in the audit log', async () => {
    const made = await make({
      name: 'Summer',
      currency: 'EUR',
      startsAt: '2027-06-01T00:00:00Z',
      endsAt: '2027-09-01T00:00:00Z',
      priority: 5,
    });
    expect(made.status).toBe(201);
    const { id } = made.body;
    expect(made.headers.location).toBe(`http://localhost/api/v1/shop/price-lists/${id}`);
    expect(made.body).toEqual({
      id,
      name: 'Summer',
      currency: 'EUR',
      startsAt: '2027-06-01T00:00:00.000Z',
      endsAt: '2027-09-01T00:00:00.000Z',
      priority: 5,
      active: true,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const changed = (await change(id, { endsAt: null, active: false })).body;
    expect(changed).toMatchObject({ endsAt: null, active: false, priority: 5, version: 2 });
    const variantId = await aVariant();
    expect((await set(id, [{ variantId, amount: 700 }])).body.version).toBe(3);
    expect((await call<Wire<ListPriceList>>('GET', `shop/price-lists/${id}/prices`, admin)).body.items).toEqual([
      { variantId, sku: expect.any(String), price: eur(700) },
    ]);
    expect((await set(id, [{ variantId, amount: null }])).status).toBe(200);
    expect((await call<Wire<ListPriceList>>('GET', `shop/price-lists/${id}/prices`, admin)).body.items).toEqual([]);
    expect((await call('DELETE', `shop/price-lists/${id}`, admin)).status).toBe(204);
    expect(refusal(await call('GET', `shop/price-lists/${id}`, admin))).toEqual([404, 'price-lists/not-found']);
    const entries = await query<{ action: string; after: { prices?: object } | null }>(
      app.databaseUrl,
      'SELECT action, after FROM audit_entries WHERE resource_id = $1 ORDER BY id',
      [id],
    );
    expect(entries.map(({ action }) => action.replace('price-lists.', ''))).toEqual([
      'created',
      'updated',
      'prices-set',
      'prices-set',
      'deleted',
    ]);
    expect(entries[2]!.after!.prices).toEqual({ [variantId]: 700 });
  });

  it('are listed page by page, and so are their prices', async () => {
    const ids = [await aVariant(), await aVariant(), await aVariant()];
    await aList({}, { active: false });
    const { id } = await aList(Object.fromEntries(ids.map((each) => [each, 1])), { active: false });
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await call<Wire<ListPriceList>>('GET', `shop/price-lists/${id}/prices?limit=2${cursor}`, admin);
      seen.push(...body.items.map(({ variantId }) => variantId));
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    expect(seen).toEqual(ids.sort());
    const { body } = await call<Wire<PriceListList>>('GET', 'shop/price-lists?limit=1', admin);
    expect([body.items[0]!.id, body.nextCursor]).toEqual([id, expect.any(String)]);
  });

  it('are for whoever manages the shop, and refuse what makes no sense', async () => {
    const { id } = await aList({}, { active: false });
    for (const by of [null, buyer, await aUser(app, { roles: ['editor'] })])
      for (const { status } of [await make({ name: 'x', currency: 'EUR' }, by), await set(id, [], by), await change(id, {}, {}, by)])
        expect(status).toBe(by === null ? 401 : 403);
    for (const body of [
      {},
      { name: 'x' },
      { name: 'x', currency: 'eur' },
      { name: 'x', currency: 'ZZZ' },
      { name: 'x', currency: 'EUR', priority: -1 },
    ])
      expect([body, (await make(body)).status]).toEqual([body, 400]);
    const backwards = { startsAt: '2027-01-02T00:00:00Z', endsAt: '2027-01-01T00:00:00Z' };
    expect(refusal(await make({ name: 'x', currency: 'EUR', ...backwards }))).toEqual([400, 'price-lists/ends-before-it-starts']);
    expect(refusal(await change(id, backwards))).toEqual([400, 'price-lists/ends-before-it-starts']);
    expect((await change(id, { currency: 'USD' })).status).toBe(400);
    expect(refusal(await change(id, { name: 'y' }, { 'if-match': '"9"' }))).toEqual([412, 'http/stale-version']);
    const euro = await aVariant();
    const gone = await aVariant();
    await call('DELETE', `variants/${gone}`, admin);
    expect(refusal(await set(id, [{ variantId: gone, amount: 1 }]))).toEqual([400, 'price-lists/price-impossible']);
    for (const prices of [
      [],
      [{ variantId: euro }],
      [{ variantId: euro, amount: -1 }],
      [{ variantId: euro, amount: 0.5 }],
      [
        { variantId: euro, amount: 1 },
        { variantId: euro, amount: 2 },
      ],
      null,
    ])
      expect([prices, (await set(id, prices)).status]).toEqual([prices, 400]);
  });
});

describe('the price that counts', () => {
  it('is that of the list with the highest priority, while it counts, in every answer', async () => {
    const product = await aProduct(app, { by: admin, price: 1_000, stock: 10, category: `c ${unique()}` });
    const { id } = product.variants[0]!;
    const low = await aList({ [id]: 800 });
    expect(await variantOf(id)).toMatchObject({ price: eur(800), regularPrice: eur(1_000), compareAtPrice: eur(1_000) });
    const high = await aList({ [id]: 600 }, { priority: 2 });
    await aList({ [id]: 1 }, { priority: 9, active: false });
    await aList({ [id]: 1 }, { priority: 9, startsAt: inMs(3_600_000) });
    await aList({ [id]: 1 }, { priority: 9, endsAt: '2020-01-01T00:00:00Z' });
    const path = `category=${encodeURIComponent(product.category!)}`;
    const shown = async () => {
      const items = [{ variantId: id, quantity: 2 }];
      const { body: listed } = await call<Wire<ProductList>>('GET', `products?${path}`, null);
      const { body: read } = await call<Wire<ProductResponse>>('GET', `products/${product.slug}`, null);
      const { body: facets } = await call<Wire<FacetsResponse>>('GET', `products/facets?${path}`, null);
      const { body: quoted } = await call<Wire<QuoteResponse>>('POST', 'orders/quote', buyer, { items });
      const { body: placed } = await call<Wire<OrderResponse>>('POST', 'orders', buyer, { items });
      return [
        await priceOf(id),
        listed.items[0]!.variants[0]!.price.amount,
        read.variants[0]!.price.amount,
        facets.prices[0]!.min,
        quoted.items[0]!.unitPrice.amount,
        placed.items[0]!.unitPrice.amount,
      ];
    };
    expect(await shown()).toEqual(Array(6).fill(600));
    const found = async (filter: string) => (await call<Wire<ProductList>>('GET', `products?${path}&${filter}`, null)).body.items.length;
    expect([await found('minPrice=600&maxPrice=600'), await found('minPrice=1000')]).toEqual([1, 0]);
    await change(high.id, { active: false });
    expect(await shown()).toEqual(Array(6).fill(800));
    await set(low.id, [{ variantId: id, amount: null }]);
    expect(await shown()).toEqual(Array(6).fill(1_000));
    expect((await variantOf(id)).compareAtPrice).toBeNull();
  });

  it('is its own where a list is in another currency, and orders keep the one they were placed at', async () => {
    const id = await aVariant(1_000);
    const list = await aList({ [id]: 500 });
    const { body: placed } = await call<Wire<OrderResponse>>('POST', 'orders', buyer, { items: [{ variantId: id, quantity: 1 }] });
    await call('DELETE', `shop/price-lists/${list.id}`, admin);
    expect((await call<Wire<OrderResponse>>('GET', `orders/${placed.id}`, buyer)).body.items[0]!.unitPrice).toEqual(eur(500));
    await aList({ [id]: 400 });
    const dollars = await call<Variant>('PATCH', `variants/${id}`, admin, { price: { amount: 2_000, currency: 'USD' } });
    expect(dollars.body.price).toEqual({ amount: 2_000, currency: 'USD' });
  });

  it('changes by itself, in the caches of all processes, when a list begins and ends', async () => {
    const id = await aVariant(1_000);
    await aList({ [id]: 300 }, { startsAt: inMs(2_500), endsAt: inMs(5_500) });
    const begun = Date.now();
    for (const at of [app, other]) expect(await priceOf(id, at)).toBe(1_000);
    const since = async (amount: number) => {
      for (const at of [app, other]) await eventually(async () => (await priceOf(id, at)) === amount, 5_000);
      return Date.now() - begun;
    };
    const started = await since(300);
    expect(started).toBeGreaterThan(1_500);
    const ended = await since(1_000);
    expect(ended).toBeGreaterThan(4_500);
    expect(ended).toBeLessThan(8_500);
  });

  it('is heard of at once by other processes when a list is changed', async () => {
    const id = await aVariant(1_000);
    const list = await aList({ [id]: 300 });
    await eventually(async () => (await priceOf(id, other)) === 300);
    await set(list.id, [{ variantId: id, amount: 200 }]);
    await eventually(async () => (await priceOf(id, other)) === 200, 3_000);
  });
});

describe('a currency that is asked for', () => {
  type Priced = Wire<QuoteResponse>;
  const usd = (amount: number) => ({ amount, currency: 'USD' });
  const quote = (variantIds: string[], currency?: string | null) =>
    call<Priced>('POST', 'orders/quote', buyer, {
      items: variantIds.map((variantId) => ({ variantId, quantity: 2 })),
      ...(currency !== undefined && { currency }),
    });

  it('shows what is sold in it at its price in it, and nothing else', async () => {
    const category = `c ${unique()}`;
    const both = await aProduct(app, { by: admin, price: 1_000, stock: 10, category });
    const euros = await aProduct(app, { by: admin, price: 700, stock: 10, category });
    const dollars = await aProduct(app, { by: admin, price: 900, currency: 'USD', stock: 10, category });
    const { id } = both.variants[0]!;
    await aList({ [id]: 1_250 }, { currency: 'USD' });
    const sale = await aList({ [id]: 1_100 }, { currency: 'USD', priority: 5 });
    const inDollars = (await call<Variant>('GET', `variants/${id}?currency=USD`, null)).body;
    expect(inDollars).toMatchObject({ price: usd(1_100), regularPrice: usd(1_250), compareAtPrice: usd(1_250) });
    expect(await variantOf(id)).toMatchObject({ price: eur(1_000), regularPrice: eur(1_000) });
    expect((await call<Variant>('GET', `variants/${id}?currency=EUR`, null)).body).toEqual(await variantOf(id));

    const found = async (filter: string) => {
      const { body } = await call<Wire<ProductList>>(
        'GET',
        `products?category=${encodeURIComponent(category)}&sort=createdAt&${filter}`,
        null,
      );
      return body.items.map((product) => [product.id, ...product.variants.map(({ price }) => price)]);
    };
    expect(await found('currency=USD')).toEqual([[both.id, usd(1_100)], [euros.id], [dollars.id, usd(900)]]);
    expect(await found('currency=USD&available=true')).toEqual([
      [both.id, usd(1_100)],
      [dollars.id, usd(900)],
    ]);
    expect(await found('currency=USD&minPrice=1000&maxPrice=1200')).toEqual([[both.id, usd(1_100)]]);
    expect(await found('currency=EUR&minPrice=1000')).toEqual([[both.id, eur(1_000)]]);
    expect(await found('currency=JPY&maxPrice=1000000')).toEqual([]);
    const facets = await call<Wire<FacetsResponse>>('GET', `products/facets?category=${encodeURIComponent(category)}&currency=USD`, null);
    expect(facets.body).toMatchObject({
      total: 3,
      availability: { available: 2, unavailable: 1 },
      prices: [{ currency: 'USD', min: 900, max: 1_100 }],
    });
    expect((await call<Wire<ProductResponse>>('GET', `products/${euros.slug}?currency=USD`, null)).body.variants).toEqual([]);
    expect(refusal(await call('GET', `variants/${euros.variants[0]!.id}?currency=USD`, null))).toEqual([404, 'products/variant-not-found']);
    // Kept answers hear of a change, whatever currency they are in.
    await set(sale.id, [{ variantId: id, amount: null }]);
    expect((await call<Variant>('GET', `variants/${id}?currency=USD`, null)).body.price).toEqual(usd(1_250));
  });

  it('is what an order is priced and paid in, however many its variants have of their own', async () => {
    const [euro, yen, dollar] = [await aVariant(1_000), await aVariant(500, 'JPY'), await aVariant(300, 'USD')];
    await aList({ [euro]: 1_234, [yen]: 4 }, { currency: 'USD' });
    const all = [euro, yen, dollar];
    expect(refusal(await quote(all))).toEqual([409, 'orders/mixed-currencies']);
    const quoted = await quote(all, 'USD');
    expect([quoted.status, quoted.body.total]).toEqual([200, usd(2 * (1_234 + 4 + 300))]);
    expect(quoted.body.items.map(({ unitPrice }) => unitPrice)).toEqual([usd(1_234), usd(4), usd(300)]);
    expect((await quote([euro], null)).body.total).toEqual(eur(2_000));
    const items = all.map((variantId) => ({ variantId, quantity: 2 }));
    const placed = await call<Wire<OrderResponse>>('POST', 'orders', buyer, { items, currency: 'USD' });
    expect([placed.status, placed.body.total]).toEqual([201, quoted.body.total]);
    const paid = await call<{ status: string; amount: object }>('POST', `orders/${placed.body.id}/payments`, buyer, {
      method: 'sandbox:success',
    });
    expect([paid.body.status, paid.body.amount]).toEqual(['succeeded', quoted.body.total]);
    const invoices = await call<{ items: { total: object }[] }>('GET', `orders/${placed.body.id}/invoices`, buyer);
    expect(invoices.body.items.map(({ total }) => total)).toEqual([quoted.body.total]);
  });

  it('is refused for what has no price in it, line by line, and where it is none', async () => {
    const [euro, dollar] = [await aVariant(1_000), await aVariant(300, 'USD')];
    const answer = await quote([dollar, euro], 'USD');
    expect(refusal(answer)).toEqual([404, 'products/variant-not-found']);
    expect((answer.body as unknown as ProblemDocument).errors).toEqual([
      { pointer: '/items/1/variantId', code: 'products/variant-not-found', detail: 'is not on sale in USD' },
    ]);
    for (const currency of ['usd', 'US', 'XXX', 'ZZZ', 1, {}, ['USD']])
      expect([currency, refusal(await quote([dollar], currency as string))]).toEqual([currency, [400, 'http/validation-failed']]);
    for (const path of ['products', 'products/facets', `products/${unique()}`, `variants/${euro}`])
      expect([path, refusal(await call('GET', `${path}?currency=euro`, null))]).toEqual([path, [400, 'http/validation-failed']]);
    await call('PATCH', 'shop/settings', admin, { currencies: ['EUR'] });
    expect(refusal(await quote([dollar], 'USD'))).toEqual([409, 'orders/currency-not-sold']);
    await call('PATCH', 'shop/settings', admin, { currencies: [] });
  });

  it('is kept by a cart, and by the order that is placed from it', async () => {
    const [euro, dollar] = [await aVariant(1_000), await aVariant(300, 'USD')];
    const list = await aList({ [euro]: 1_200 }, { currency: 'USD' });
    type Cart = Wire<CartResponse>;
    const { id } = (await call<Cart>('POST', 'carts', buyer)).body;
    for (const variantId of [euro, dollar]) await call<Cart>('PUT', `carts/${id}/items/${variantId}`, buyer, { quantity: 1 });
    const mixed = (await call<Cart>('GET', `carts/${id}`, buyer)).body;
    expect([mixed.currency, mixed.quote, mixed.problems.map(({ code }) => code)]).toEqual([null, null, ['orders/mixed-currencies']]);
    expect((await call('PATCH', `carts/${id}`, buyer, { currency: 'dollar' })).status).toBe(400);
    const priced = (await call<Cart>('PATCH', `carts/${id}`, buyer, { currency: 'USD' })).body;
    expect([priced.currency, priced.quote!.total, priced.problems]).toEqual(['USD', usd(1_500), []]);
    await change(list.id, { active: false });
    const without = (await call<Cart>('GET', `carts/${id}`, buyer)).body;
    expect([without.quote!.total, without.problems]).toEqual([
      usd(300),
      [
        {
          pointer: expect.stringMatching(/^\/items\/[01]\/variantId$/),
          code: 'products/variant-not-found',
          detail: 'is not on sale in USD',
        },
      ],
    ]);
    await change(list.id, { active: true });
    const placed = await call<Wire<OrderResponse>>('POST', 'orders', buyer, { cartId: id });
    expect([placed.status, placed.body.total]).toEqual([201, usd(1_500)]);
  });
});
