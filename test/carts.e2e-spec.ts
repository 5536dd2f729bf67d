import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { transaction } from '#database';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { CartResponse, NewCartResponse } from '../src/orders/carts.dto.js';
import { CartsPrivacy } from '../src/orders/carts.privacy.js';
import type { OrderResponse } from '../src/orders/orders.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import { fire } from './harness/schedules.js';
import type { Wire } from './harness/wire.js';

type Cart = Wire<CartResponse>;
type NewCart = Wire<NewCartResponse>;
type Order = Wire<OrderResponse>;
/** A user, or a guest by the token of their cart. */
type Caller = Person | string | null;

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
const ADDRESS = { name: 'Ada Lovelace', line1: '12 Dean Street', city: 'London', postalCode: 'SW1Y 4JH', country: 'GB' };

let app: TestApp;
/** Another process on the same database. */
let other: Product;
let admin: Person;
/** Of which there are plenty, at 10 and at 5 EUR. */
let [mug, pen] = ['', ''];

beforeAll(async () => {
  app = await startApp();
  other = await startProcess({ databaseUrl: app.databaseUrl });
  admin = await anAdmin(app);
  [mug, pen] = [await aVariant({ price: 1_000 }), await aVariant({ price: 500 })];
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await app.close();
});

const aVariant = async (more: object = {}) => (await aProduct(app, { stock: 100_000, by: admin, ...more })).variants[0]!.id;
const eur = (amount: number) => ({ amount, currency: 'EUR' });
const refusal = ({ status, body }: Answer<unknown>) => [status, (body as ProblemDocument).code];
const call = <Body = Cart>(
  method: string,
  path: string,
  by: Caller,
  body?: object,
  headers: Record<string, string> = {},
  at: Pick<TestApp, 'request'> = app,
) =>
  at.request<Body>(method, path, {
    ...(by !== null && typeof by !== 'string' && { token: by.accessToken }),
    ...(body && { body }),
    headers: { ...(typeof by === 'string' && { 'x-cart-token': by }), ...headers },
  });
const begin = (by: Caller = null) => call<NewCart>('POST', 'carts', by);
const put = (by: Caller, id: string, variantId: string, quantity: number, headers = {}, at: Pick<TestApp, 'request'> = app) =>
  call('PUT', `carts/${id}/items/${variantId}`, by, { quantity }, headers, at);
const place = (by: Caller, body: object, at: Pick<TestApp, 'request'> = app) =>
  call<Order & { token?: string }>('POST', 'orders', by, body, { 'idempotency-key': `${unique()}${unique()}` }, at);
const merge = (by: Person, id: string, token: string, at: Pick<TestApp, 'request'> = app) =>
  call('POST', `carts/${id}/merge`, by, { token }, {}, at);

/** A cart with two mugs in it. */
async function aCart(by: Person | null = null): Promise<{ id: string; caller: Person | string }> {
  const { id, token } = (await begin(by)).body;
  const caller = by ?? token!;
  expect((await put(caller, id, mug, 2)).status).toBe(200);
  return { id, caller };
}
const itemsOf = ({ items }: Pick<Cart, 'items'>) => Object.fromEntries(items.map(({ variantId, quantity }) => [variantId, quantity]));

describe('a cart', () => {
  it('is begun by anybody, filled, priced as a quote is, and thrown away', async () => {
    const begun = await begin();
    expect([begun.status, begun.headers['location']]).toEqual([201, `http://localhost/api/v1/carts/${begun.body.id}`]);
    const { id, token, ...rest } = begun.body;
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(rest).toEqual({
      items: [],
      problems: [],
      quote: null,
      currency: null,
      couponCode: null,
      shippingMethod: null,
      shippingAddress: null,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    await put(token, id, mug, 1);
    await put(token, id, pen, 3);
    const filled = await put(token, id, mug, 2);
    expect(filled.body).toMatchObject({
      items: [
        { variantId: mug, quantity: 2, unitPrice: eur(1_000) },
        { variantId: pen, quantity: 3, unitPrice: eur(500) },
      ],
      problems: [],
      version: 4,
    });
    const items = filled.body.items.map(({ variantId, quantity }) => ({ variantId, quantity }));
    const quoted = await call('POST', 'orders/quote', await aUser(app), { items });
    expect(filled.body.quote).toEqual(quoted.body);
    expect(filled.body.quote!.total).toEqual(eur(3_500));
    expect((await call('GET', `carts/${id}`, token)).body).toEqual(filled.body);
    expect(itemsOf((await put(token, id, mug, 0)).body)).toEqual({ [pen]: 3 });
    expect(itemsOf((await call('DELETE', `carts/${id}/items/${pen}`, token)).body)).toEqual({});
    expect((await call('DELETE', `carts/${id}`, token)).status).toBe(204);
    expect(refusal(await call('GET', `carts/${id}`, token))).toEqual([404, 'carts/not-found']);
  });

  it('of a user is one, wherever it is begun', async () => {
    const ada = await aUser(app);
    const begun = await Promise.all(
      Array.from({ length: 8 }, (_, n) => call<NewCart>('POST', 'carts', ada, undefined, {}, n % 2 ? app : other)),
    );
    expect(begun.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(new Set(begun.map(({ body }) => body.id)).size).toBe(1);
    expect(begun.map(({ body }) => body.token)).toEqual(Array(8).fill(null));
  });

  it('keeps neither prices nor stock, and says what could not be ordered', async () => {
    const [dear, scarce, gone] = [await aVariant({ price: 700 }), await aVariant({ stock: 3 }), await aVariant()];
    const { id, token } = (await begin()).body;
    for (const variantId of [dear, scarce, gone]) await put(token, id, variantId, 3);
    expect((await call('GET', `carts/${id}`, token)).body.problems).toEqual([]);
    await app.request('PATCH', `variants/${dear}`, { token: admin.accessToken, body: { price: eur(900) } });
    await app.request('DELETE', `variants/${gone}`, { token: admin.accessToken });
    await place(await aUser(app), { items: [{ variantId: scarce, quantity: 2 }] });
    const { body } = await call('GET', `carts/${id}`, token);
    expect(body.items).toMatchObject([
      { unitPrice: eur(900) },
      { quantity: 3 },
      { variantId: gone, quantity: 3, sku: null, name: null, unitPrice: null },
    ]);
    expect(body.problems).toEqual([
      { pointer: '/items/1/quantity', code: 'products/out-of-stock', detail: 'only 1 are left' },
      { pointer: '/items/2/variantId', code: 'products/variant-not-found', detail: 'is not on sale any more' },
    ]);
    expect(body.quote!.items.map(({ variantId }) => variantId)).toEqual([dear, scarce]);
    const refused = await place(token, { cartId: id, email: 'ada@example.org' });
    expect(refusal(refused)).toEqual([404, 'products/variant-not-found']);
    expect(itemsOf((await call('GET', `carts/${id}`, token)).body)).toEqual({ [dear]: 3, [scarce]: 3, [gone]: 3 });
  });

  it('takes a coupon and an address, and is priced without a coupon that cannot be used any more', async () => {
    const code = `C-${unique()}`.toUpperCase();
    const terms = { code, kind: 'percentage', percentage: '10' };
    const { body: coupon } = await app.request<{ id: string }>('POST', 'coupons', { token: admin.accessToken, body: terms });
    const { id, caller } = await aCart();
    const change = (body: object) => call('PATCH', `carts/${id}`, caller, body);
    const changed = await change({ couponCode: code.toLowerCase(), shippingAddress: ADDRESS });
    expect(changed.body).toMatchObject({ couponCode: code, shippingAddress: ADDRESS, quote: { discount: eur(200), total: eur(1_800) } });
    await app.request('PATCH', `coupons/${coupon.id}`, { token: admin.accessToken, body: { active: false } });
    expect((await call('GET', `carts/${id}`, caller)).body).toMatchObject({
      couponCode: code,
      quote: { total: eur(2_000) },
      problems: [{ pointer: '/couponCode', code: 'coupons/not-active' }],
    });
    expect((await change({ couponCode: null, shippingAddress: null })).body).toMatchObject({
      couponCode: null,
      shippingAddress: null,
      problems: [],
    });
    expect((await change({ shippingMethod: 'by-pigeon' })).body.problems).toMatchObject([
      { pointer: '/shippingMethod', code: 'orders/shipping-unavailable' },
    ]);
    expect(refusal(await change({ couponCode: 'nobody-made-this' }))).toEqual([404, 'coupons/not-found']);
  });

  it('of two currencies has no price', async () => {
    const { id, caller } = await aCart();
    const { body } = await put(caller, id, await aVariant({ currency: 'USD' }), 1);
    expect(body).toMatchObject({ quote: null, problems: [{ pointer: '/items', code: 'orders/mixed-currencies' }] });
  });

  it('holds so many variants, and so many of each', async () => {
    const { id, caller } = await aCart();
    await query(app.databaseUrl, 'INSERT INTO cart_lines SELECT $1, gen_random_uuid(), 1 FROM generate_series(1, 99)', [id]);
    expect(refusal(await put(caller, id, pen, 1))).toEqual([409, 'carts/full']);
    expect((await put(caller, id, mug, 100_000)).status).toBe(200);
    for (const quantity of [-1, 1e9, 0.1, '1', null, undefined])
      expect(refusal(await put(caller, id, mug, quantity as number))).toEqual([400, 'http/validation-failed']);
    expect(refusal(await put(caller, id, NOBODYS_ID, 1))).toEqual([404, 'products/variant-not-found']);
    for (const body of [{ couponCode: 1 }, { shippingAddress: {} }, { total: 1 }, { items: [] }])
      expect(refusal(await call('PATCH', `carts/${id}`, caller, body))).toEqual([400, 'http/validation-failed']);
  });

  it('is not there for anybody else', async () => {
    const ada = await aUser(app);
    const [theirs, guests, foreign] = [await aCart(ada), await aCart(), await aCart()];
    const bob = await aUser(app);
    for (const [{ id }, by] of [
      [theirs, bob],
      [theirs, admin],
      [theirs, foreign.caller],
      [guests, foreign.caller],
      [guests, ada],
      [guests, 'x'],
      [{ id: NOBODYS_ID }, ada],
    ] as const) {
      const answers = await Promise.all([
        call('GET', `carts/${id}`, by),
        put(by, id, mug, 1),
        call('PATCH', `carts/${id}`, by, { couponCode: null }),
        call('DELETE', `carts/${id}/items/${mug}`, by),
        call('DELETE', `carts/${id}`, by),
        place(by, { cartId: id, ...(typeof by === 'string' && { email: 'eve@example.org' }) }),
      ]);
      expect(answers.map(refusal)).toEqual(Array(6).fill([404, 'carts/not-found']));
    }
    for (const { id } of [theirs, guests]) expect(refusal(await call('GET', `carts/${id}`, null))).toEqual([401, 'auth/unauthenticated']);
    expect(refusal(await place(null, { cartId: guests.id, email: 'eve@example.org' }))).toEqual([401, 'auth/unauthenticated']);
    expect(refusal(await merge(bob, theirs.id, guests.caller as string))).toEqual([404, 'carts/not-found']);
    expect(itemsOf((await call('GET', `carts/${guests.id}`, guests.caller)).body)).toEqual({ [mug]: 2 });
  });

  it('is changed only from the version that was seen, where somebody says so', async () => {
    const { id, caller } = await aCart();
    const { headers } = await call('GET', `carts/${id}`, caller);
    expect((await put(caller, id, mug, 3, { 'if-match': headers['etag']! })).status).toBe(200);
    expect(refusal(await put(caller, id, mug, 4, { 'if-match': headers['etag']! }))).toEqual([412, 'http/stale-version']);
  });

  it('counts every change of many at once', async () => {
    const { id, token } = (await begin()).body;
    const variants = await Promise.all(Array.from({ length: 10 }, () => aVariant()));
    const answers = await Promise.all(variants.map((variantId, n) => put(token, id, variantId, n + 1, {}, n % 2 ? app : other)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const { body } = await call('GET', `carts/${id}`, token);
    expect(itemsOf(body)).toEqual(Object.fromEntries(variants.map((variantId, n) => [variantId, n + 1])));
    expect(body.version).toBe(11);
  });
});

describe('an order from a cart', () => {
  it('is of what is in it, by what it says, and takes it away', async () => {
    const ada = await aUser(app);
    const { id } = await aCart(ada);
    await call('PATCH', `carts/${id}`, ada, { shippingAddress: ADDRESS });
    const { body: cart } = await put(ada, id, pen, 1);
    const placed = await place(ada, { cartId: id });
    expect(placed.status).toBe(201);
    expect(placed.body).toMatchObject({ total: cart.quote!.total, shippingAddress: ADDRESS, customerId: ada.id, guestEmail: null });
    expect(placed.body.items).toEqual(cart.quote!.items);
    expect(placed.body.token).toBeUndefined();
    expect(refusal(await call('GET', `carts/${id}`, ada))).toEqual([404, 'carts/not-found']);
    expect((await begin(ada)).body.items).toEqual([]);
  });

  it('is one, however many try, over two processes', async () => {
    const scarce = await aVariant({ stock: 1_000 });
    for (const by of [await aUser(app), null]) {
      const { id, token } = (await begin(by)).body;
      const caller = by ?? token!;
      await put(caller, id, scarce, 3);
      const wanted = { cartId: id, ...(by === null && { email: `g-${unique()}@example.org` }) };
      const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => place(caller, wanted, n % 2 ? app : other)));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(answers.filter(({ status }) => status !== 201).map(refusal)).toEqual(Array(49).fill([404, 'carts/not-found']));
    }
    const [held] = await query<{ reserved: number }>(app.databaseUrl, 'SELECT reserved FROM variants WHERE id = $1', [scarce]);
    expect(held!.reserved).toBe(6);
  });

  it('is of items or of a cart', async () => {
    const ada = await aUser(app);
    const { id } = await aCart(ada);
    const items = [{ variantId: mug, quantity: 1 }];
    for (const body of [{}, { items, cartId: id }]) expect(refusal(await place(ada, body))).toEqual([400, 'orders/goods-unclear']);
    await put(ada, id, mug, 0);
    expect(refusal(await place(ada, { cartId: id }))).toEqual([409, 'carts/empty']);
    expect(refusal(await place(ada, { cartId: 'x' }))).toEqual([400, 'http/validation-failed']);
  });
});

describe('merging', () => {
  it('adds up what was in both, up to a limit, once', async () => {
    const ada = await aUser(app);
    const [own, guests] = [await aCart(ada), await aCart()];
    const token = guests.caller as string;
    await put(token, guests.id, pen, 99_999);
    await put(ada, own.id, pen, 2);
    await call('PATCH', `carts/${guests.id}`, token, { shippingAddress: ADDRESS });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => merge(ada, own.id, token, n % 2 ? app : other)));
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(itemsOf(body)).toEqual({ [mug]: 4, [pen]: 100_000 });
      expect(body.shippingAddress).toEqual(ADDRESS);
    }
    expect(refusal(await call('GET', `carts/${guests.id}`, token))).toEqual([404, 'carts/not-found']);
    expect(itemsOf((await merge(ada, own.id, 'a token of no cart')).body)).toEqual({ [mug]: 4, [pen]: 100_000 });
  });

  it('of one cart into two at once puts it into one of them', async () => {
    const [ada, bob] = [await aUser(app), await aUser(app)];
    const carts = [(await begin(ada)).body.id, (await begin(bob)).body.id];
    const guests = await aCart();
    await Promise.all([ada, bob].map((by, n) => merge(by, carts[n]!, guests.caller as string, n ? app : other)));
    const merged = await Promise.all([ada, bob].map(async (by, n) => itemsOf((await call('GET', `carts/${carts[n]}`, by)).body)));
    expect(merged.filter((items) => items[mug] === 2)).toHaveLength(1);
    expect(merged.filter((items) => items[mug] === undefined)).toHaveLength(1);
  });

  it('of more than fits leaves both as they are', async () => {
    const ada = await aUser(app);
    const [own, guests] = [await aCart(ada), await aCart()];
    await query(app.databaseUrl, 'INSERT INTO cart_lines SELECT $1, gen_random_uuid(), 1 FROM generate_series(1, 99)', [guests.id]);
    await put(ada, own.id, pen, 1);
    expect(refusal(await merge(ada, own.id, guests.caller as string))).toEqual([409, 'carts/full']);
    expect((await call('GET', `carts/${guests.id}`, guests.caller)).body.items).toHaveLength(100);
    expect(itemsOf((await call('GET', `carts/${own.id}`, ada)).body)).toEqual({ [mug]: 2, [pen]: 1 });
  });

  it('is for who has logged in', async () => {
    const guests = await aCart();
    expect(refusal(await call('POST', `carts/${guests.id}/merge`, guests.caller, { token: 'x' }))).toEqual([401, 'auth/unauthenticated']);
  });
});

describe('what is kept of carts', () => {
  it('is no token', async () => {
    const { caller } = await aCart();
    const [found] = await query<{ found: number }>(
      app.databaseUrl,
      `SELECT count(*)::int AS found FROM carts WHERE carts::text LIKE '%' || $1 || '%'`,
      [caller],
    );
    expect(found!.found).toBe(0);
  });

  it('goes when nobody comes back, and with its user', async () => {
    const ada = await aUser(app);
    const [old, fresh, own] = [await aCart(), await aCart(), await aCart(ada)];
    await query(app.databaseUrl, `UPDATE carts SET updated_at = updated_at - interval '31 days' WHERE id = $1`, [old.id]);
    await fire(app.databaseUrl, 'carts.purge');
    const left = async (id: string) => (await app.prisma.cart.count({ where: { id } })) === 1;
    await eventually(async () => !(await left(old.id)));
    expect([await left(fresh.id), await left(own.id)]).toEqual([true, true]);
    await transaction(app.prisma, (db) => app.get(CartsPrivacy).erase(ada.id, db));
    expect(await left(own.id)).toBe(false);
  });

  it('is limited for strangers from one network, and not for users', async () => {
    const strict = await startApp({ DATABASE_URL: app.databaseUrl, TRUSTED_PROXIES: '127.0.0.1', CARTS_PER_HOUR: '2', ROLE: 'api' });
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    const answers = [];
    for (let n = 0; n < 3; n++) answers.push(await strict.request('POST', 'carts', { headers }));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 429]);
    expect((await strict.request('POST', 'carts', { token: (await aUser(app)).accessToken, headers })).status).toBe(201);
    await strict.close();
  });
});
