import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { OrderResponse } from '../src/orders/orders.dto.js';
import type { LocationList, LocationResponse } from '../src/products/locations.dto.js';
import type { ProductResponse } from '../src/products/products.dto.js';
import type { VariantResponse } from '../src/products/variants.dto.js';
import type { StockMovementList, StockMovementResponse, StockResponse, StockTransferResponse } from '../src/products/stock.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;
/** Another process on the same database. */
let other: Product;
let admin: Person;
let buyer: Person;

beforeAll(async () => {
  app = await startApp();
  other = await startProcess({ databaseUrl: app.databaseUrl });
  [admin, buyer] = [await anAdmin(app), await aUser(app)];
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await app.close();
});

type Location = Wire<LocationResponse>;
type Variant = Wire<VariantResponse>;
type At = Pick<TestApp, 'request'>;

const MAIN = '01930000-0000-7000-8000-000000000001';
const sql = <Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const problemOf = (answer: Answer<unknown>) => answer.body as ProblemDocument;
const refusal = (answer: Answer<unknown>) => [answer.status, problemOf(answer).code];
const pointers = (answer: Answer<unknown>) => problemOf(answer).errors?.map(({ pointer }) => pointer);
const call = <Body>(method: string, path: string, body?: object, by: Person | null = admin, at: At = app, headers = {}) =>
  at.request<Body>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body && { body }),
    headers: { ...(method === 'POST' && { 'idempotency-key': unique() }), ...headers },
  });

async function aLocation(): Promise<Location> {
  return (await call<Location>('POST', 'stock/locations', { code: `l-${unique()}`, name: 'A shop' })).body;
}
async function aVariant(stock = 0, more: object = {}): Promise<string> {
  const { id } = (await aProduct(app, { stock, by: admin })).variants[0]!;
  if (Object.keys(more).length > 0) expect((await call('PATCH', `variants/${id}`, more)).status).toBe(200);
  return id;
}
const adjust = (variantId: string, body: object, by: Person | null = admin, at: At = app) =>
  call<Wire<StockMovementResponse>>('POST', `variants/${variantId}/stock-adjustments`, body, by, at);
const transfer = (variantId: string, body: object, by: Person | null = admin, at: At = app) =>
  call<Wire<StockTransferResponse>>('POST', `variants/${variantId}/stock-transfers`, { reason: 'x', ...body }, by, at);
const stockOf = async (variantId: string) => (await call<Wire<StockResponse>>('GET', `variants/${variantId}/stock`)).body;
const levelsOf = async (variantId: string) =>
  Object.fromEntries((await stockOf(variantId)).levels.map(({ locationId, quantity }) => [locationId, quantity]));
const ledgerOf = async (variantId: string) =>
  (await call<Wire<StockMovementList>>('GET', `variants/${variantId}/stock-adjustments`)).body.items;
const place = (variantId: string, quantity: number, by = buyer, at: At = app) =>
  call<Wire<OrderResponse>>('POST', 'orders', { items: [{ variantId, quantity }] }, by, at);
const pay = (orderId: string, by = buyer, at: At = app) =>
  call('POST', `orders/${orderId}/payments`, { method: 'sandbox:success' }, by, at);
async function buy(variantId: string, quantity: number): Promise<string> {
  const order = await place(variantId, quantity);
  expect([order.status, (await pay(order.body.id)).status]).toEqual([201, 201]);
  return order.body.id;
}
/** What does not add up, by the product's own books. */
const broken = async () =>
  (await call<{ invariants: { id: string; status: string }[] }>('GET', 'ops/invariants')).body.invariants
    .filter(({ id, status }) => id.startsWith('stock-') && status !== 'holds')
    .map(({ id }) => id);

describe('locations', () => {
  it('begin with one, where everything lies that names none', async () => {
    const id = await aVariant(7);
    expect(await stockOf(id)).toEqual({
      variantId: id,
      stock: 7,
      reserved: 0,
      available: 7,
      backorder: 'none',
      availableFrom: null,
      levels: [{ locationId: MAIN, code: 'main', name: 'Main warehouse', quantity: 7 }],
    });
    const { body } = await call<Location>('GET', `stock/locations/${MAIN}`);
    expect(body).toMatchObject({ id: MAIN, code: 'main', name: 'Main warehouse', active: true, isDefault: true, version: 1 });
    expect(refusal(await call('PATCH', `stock/locations/${MAIN}`, { active: false }))).toEqual([409, 'products/location-in-use']);
  });

  it('are made, read, listed, renamed and closed', async () => {
    const code = `l-${unique()}`;
    const made = await call<Location>('POST', 'stock/locations', { code, name: ' The shop ' });
    expect(made.status).toBe(201);
    expect(made.headers.location).toMatch(new RegExp(`/stock/locations/${made.body.id}$`));
    expect(made.body).toMatchObject({ code, name: 'The shop', active: true, isDefault: false, version: 1 });
    const { id } = made.body;
    expect((await call('GET', `stock/locations/${id}`)).body).toEqual(made.body);
    const page = (await call<Wire<LocationList>>('GET', 'stock/locations?limit=1')).body;
    expect([page.items, typeof page.nextCursor]).toEqual([[made.body], 'string']);
    const next = await call<Wire<LocationList>>('GET', `stock/locations?limit=100&cursor=${page.nextCursor!}`);
    expect(next.body.items.map((one) => one.id)).toContain(MAIN);
    expect(refusal(await call('POST', 'stock/locations', { code, name: 'x' }))).toEqual([409, 'products/location-code-taken']);
    expect(refusal(await call('PATCH', `stock/locations/${id}`, { code: 'main' }))).toEqual([409, 'products/location-code-taken']);
    const changed = await call<Location>('PATCH', `stock/locations/${id}`, { name: 'Dean Street', active: false });
    expect(changed.body).toMatchObject({ name: 'Dean Street', active: false, version: 2 });
    expect((await call('PATCH', `stock/locations/${id}`, { name: 'x' }, admin, app, { 'if-match': '"1"' })).status).toBe(412);
    const audited = await sql<{ action: string }>('SELECT action FROM audit_entries WHERE resource_id = $1 ORDER BY created_at', id);
    expect(audited.map(({ action }) => action)).toEqual(['locations.created', 'locations.updated']);
  });

  it('cannot be closed while goods lie there, nor have any brought there once they are', async () => {
    const [variant, shop] = [await aVariant(), await aLocation()];
    await adjust(variant, { delta: 3, reason: 'x', locationId: shop.id });
    const close = () => call('PATCH', `stock/locations/${shop.id}`, { active: false });
    expect(refusal(await close())).toEqual([409, 'products/location-in-use']);
    await adjust(variant, { delta: -3, reason: 'x', locationId: shop.id });
    expect((await close()).status).toBe(200);
    for (const answer of [
      await adjust(variant, { delta: 3, reason: 'x', locationId: shop.id }),
      await adjust(variant, { delta: 3, reason: 'x', locationId: crypto.randomUUID() }),
    ])
      expect([...refusal(answer), pointers(answer)]).toEqual([400, 'products/unknown-location', ['/locationId']]);
  });

  it('are closed or filled, never both, when that is asked of two processes at once', async () => {
    for (let round = 0; round < 6; round++) {
      const [variant, shop] = [await aVariant(), await aLocation()];
      const [filled, closed] = await Promise.all([
        adjust(variant, { delta: 3, reason: 'x', locationId: shop.id }, admin, other),
        call('PATCH', `stock/locations/${shop.id}`, { active: false }),
      ]);
      expect([filled.status, closed.status].sort()).toEqual(filled.status === 201 ? [201, 409] : [200, 400]);
    }
  });
});

describe('the stock of a location', () => {
  it('is adjusted on its own, with a reason and a reference', async () => {
    const [variant, shop] = [await aVariant(5), await aLocation()];
    const { status, body } = await adjust(variant, { delta: 4, reason: 'delivery', locationId: shop.id, reference: 'DN-4711' });
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({ delta: 4, stock: 9, locationId: shop.id, reason: 'delivery', reference: 'DN-4711', orderId: null }),
    ]);
    expect(await levelsOf(variant)).toEqual({ [MAIN]: 5, [shop.id]: 4 });
    expect(refusal(await adjust(variant, { delta: -6, reason: 'x' }))).toEqual([409, 'products/stock-too-low']);
    expect(problemOf(await adjust(variant, { delta: -5, reason: 'x', locationId: shop.id })).detail).toContain(
      `Only 4 lie in ${shop.code}`,
    );
    expect(await levelsOf(variant)).toEqual({ [MAIN]: 5, [shop.id]: 4 });
  });

  it('cannot go below what orders hold, wherever that lies', async () => {
    const [variant, shop] = [await aVariant(5), await aLocation()];
    await adjust(variant, { delta: 5, reason: 'x', locationId: shop.id });
    expect((await place(variant, 8)).status).toBe(201);
    expect(problemOf(await adjust(variant, { delta: -3, reason: 'x', locationId: shop.id }))).toMatchObject({
      code: 'products/stock-too-low',
    });
    expect((await adjust(variant, { delta: -2, reason: 'x', locationId: shop.id })).status).toBe(201);
  });

  it('is brought elsewhere by two entries that bear one id; there are as many as before', async () => {
    const [variant, shop] = [await aVariant(5), await aLocation()];
    const body = { fromLocationId: MAIN, toLocationId: shop.id, quantity: 2, reason: 'the window' };
    const moved = await transfer(variant, body);
    expect([moved.status, moved.body]).toEqual([201, { ...body, id: moved.body.id, variantId: variant, createdAt: expect.any(String) }]);
    expect(await levelsOf(variant)).toEqual({ [MAIN]: 3, [shop.id]: 2 });
    const entries = (await ledgerOf(variant)).filter(({ reference }) => reference === moved.body.id);
    expect(entries.map(({ locationId, delta }) => [locationId, delta]).sort()).toEqual(
      [
        [MAIN, -2],
        [shop.id, 2],
      ].sort(),
    );
    expect(refusal(await transfer(variant, { ...body, quantity: 4 }))).toEqual([409, 'products/stock-too-low']);
    const nowhere = await transfer(variant, { ...body, toLocationId: MAIN });
    expect([...refusal(nowhere), pointers(nowhere)]).toEqual([400, 'products/unknown-location', ['/toLocationId']]);
    const fromNowhere = await transfer(variant, { ...body, fromLocationId: crypto.randomUUID() });
    expect(pointers(fromNowhere)).toEqual(['/fromLocationId']);
    expect(await stockOf(variant)).toMatchObject({ stock: 5, available: 5 });
  });

  it('is brought elsewhere once, however many processes want the same pieces', async () => {
    const [variant, shop, window] = [await aVariant(10), await aLocation(), await aLocation()];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        transfer(
          variant,
          { fromLocationId: MAIN, toLocationId: n % 2 ? shop.id : window.id, quantity: 1 },
          admin,
          n % 3 === 0 ? other : app,
        ),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(10).fill(201), ...Array<number>(10).fill(409)]);
    const levels = await levelsOf(variant);
    expect([levels[MAIN], (levels[shop.id] ?? 0) + (levels[window.id] ?? 0)]).toEqual([undefined, 10]);
  });

  it('is sold from where most lies, and what is not there from the next', async () => {
    const [variant, shop, window] = [await aVariant(2), await aLocation(), await aLocation()];
    await adjust(variant, { delta: 5, reason: 'x', locationId: shop.id });
    await adjust(variant, { delta: 3, reason: 'x', locationId: window.id });
    const first = await buy(variant, 4);
    expect(await levelsOf(variant)).toEqual({ [MAIN]: 2, [shop.id]: 1, [window.id]: 3 });
    const second = await buy(variant, 5);
    expect(await levelsOf(variant)).toEqual({ [shop.id]: 1 });
    const sold = (await ledgerOf(variant)).filter(({ orderId }) => orderId === second);
    expect(sold.map(({ locationId, delta }) => [locationId, delta]).sort()).toEqual(
      [
        [MAIN, -2],
        [window.id, -3],
      ].sort(),
    );
    expect(sold.map(({ stock }) => stock).sort()).toEqual([1, 3]);
    // What comes back lies where most of it left from.
    await call('POST', `orders/${second}/cancellation`, {}, buyer);
    expect(await levelsOf(variant)).toEqual({ [shop.id]: 1, [window.id]: 5 });
    await call('POST', `orders/${first}/refunds`, { items: [{ variantId: variant, quantity: 1 }], reason: 'x', restock: true });
    expect(await levelsOf(variant)).toEqual({ [shop.id]: 2, [window.id]: 5 });
    expect(await broken()).toEqual([]);
  });

  it('comes back to the default location where the one it left from is closed', async () => {
    const [variant, shop] = [await aVariant(), await aLocation()];
    await adjust(variant, { delta: 2, reason: 'x', locationId: shop.id });
    const order = await buy(variant, 2);
    await call('PATCH', `stock/locations/${shop.id}`, { active: false });
    await call('POST', `orders/${order}/cancellation`, {}, buyer);
    expect(await levelsOf(variant)).toEqual({ [MAIN]: 2 });
  });

  it('is sold to the last piece and no further, while staff carry it about, over two processes', async () => {
    const [variant, shop, window] = [await aVariant(10), await aLocation(), await aLocation()];
    const places = [MAIN, shop.id, window.id];
    for (const locationId of places.slice(1)) await adjust(variant, { delta: 10, reason: 'x', locationId });
    const buyers = await Promise.all(Array.from({ length: 8 }, () => aUser(app)));
    const bought = await Promise.all([
      ...buyers.flatMap((by, n) =>
        Array.from({ length: 5 }, async (_, m) => {
          const at = (n + m) % 2 ? app : other;
          const order = await place(variant, 1 + (m % 2), by, at);
          if (order.status === 201) expect((await pay(order.body.id, by, at)).status).toBe(201);
          else expect(refusal(order)).toEqual([409, 'products/out-of-stock']);
          return order.status === 201 ? 1 + (m % 2) : 0;
        }),
      ),
      ...Array.from({ length: 20 }, async (_, n) => {
        const [fromLocationId, toLocationId] = [places[n % 3]!, places[(n + 1) % 3]!];
        const answer = await transfer(variant, { fromLocationId, toLocationId, quantity: 2 }, admin, n % 2 ? app : other);
        expect([201, 409]).toContain(answer.status);
        return 0;
      }),
    ]);
    const sum = bought.reduce<number>((a, b) => a + b, 0);
    const { stock, reserved, levels } = await stockOf(variant);
    expect([stock, reserved, levels.reduce((all, { quantity }) => all + quantity, 0)]).toEqual([30 - sum, 0, 30 - sum]);
    expect(levels.every(({ quantity }) => quantity > 0)).toBe(true);
    expect(await broken()).toEqual([]);
  });

  it('never falls below nothing, whoever writes the ledger', async () => {
    const variant = await aVariant(5);
    const entry = (delta: number) =>
      sql(
        `INSERT INTO stock_movements (id, variant_id, delta, balance, reason) VALUES (gen_random_uuid(), $1, $2, 0, 'x')`,
        variant,
        delta,
      );
    await expect(entry(-6)).rejects.toMatchObject({ code: '23514' });
    await expect(sql('UPDATE variants SET stock = -1 WHERE id = $1', variant)).rejects.toMatchObject({ code: '23514' });
    expect(await levelsOf(variant)).toEqual({ [MAIN]: 5 });
  });
});

describe('what is sold before it comes', () => {
  it('can be ordered beyond what there is, is owed, and paid off by what comes in', async () => {
    const variant = await aVariant(3, { backorder: 'backorder', availableFrom: '2030-01-01T00:00:00Z' });
    expect((await call<Variant>('GET', `variants/${variant}`, undefined, null)).body).toMatchObject({
      available: 3,
      backorder: 'backorder',
      availableFrom: '2030-01-01T00:00:00.000Z',
    });
    const order = await place(variant, 5);
    expect(order.status).toBe(201);
    expect(await stockOf(variant)).toMatchObject({ stock: 3, reserved: 5, available: 0 });
    expect((await pay(order.body.id)).status).toBe(201);
    expect(await stockOf(variant)).toMatchObject({ stock: -2, reserved: 0, available: 0 });
    expect(await levelsOf(variant)).toEqual({ [MAIN]: -2 });
    const shop = await aLocation();
    expect((await adjust(variant, { delta: 6, reason: 'came', locationId: shop.id })).body.stock).toBe(4);
    expect(await levelsOf(variant)).toEqual({ [MAIN]: -2, [shop.id]: 6 });
    expect((await transfer(variant, { fromLocationId: shop.id, toLocationId: MAIN, quantity: 2 })).status).toBe(201);
    expect(await levelsOf(variant)).toEqual({ [shop.id]: 4 });
    expect(await broken()).toEqual([]);
  });

  it('is owed by the default location, beyond what lies anywhere', async () => {
    const [variant, shop] = [await aVariant(2, { backorder: 'backorder' }), await aLocation()];
    await adjust(variant, { delta: 4, reason: 'x', locationId: shop.id });
    await buy(variant, 9);
    expect(await levelsOf(variant)).toEqual({ [MAIN]: -3 });
    const entries = (await ledgerOf(variant)).filter(({ orderId }) => orderId !== null);
    expect(entries.map(({ locationId, delta }) => [locationId, delta]).sort()).toEqual(
      [
        [MAIN, -5],
        [shop.id, -4],
      ].sort(),
    );
    expect(await broken()).toEqual([]);
  });

  it('stops being so only when nothing is owed', async () => {
    const variant = await aVariant(1, { backorder: 'backorder', availableFrom: '2030-01-01T00:00:00Z' });
    const order = await place(variant, 3);
    const stop = () => call<Variant>('PATCH', `variants/${variant}`, { backorder: 'none' });
    expect(refusal(await stop())).toEqual([409, 'products/stock-owed']);
    await call('POST', `orders/${order.body.id}/cancellation`, {}, buyer);
    expect((await stop()).body).toMatchObject({ backorder: 'none', availableFrom: null });
    expect(refusal(await place(variant, 2))).toEqual([409, 'products/out-of-stock']);
  });

  it('says from when it can be had where it is pre-ordered, and only then or when it is back-ordered', async () => {
    const variant = await aVariant(0);
    const change = (body: object) => call<Variant>('PATCH', `variants/${variant}`, body);
    for (const body of [{ backorder: 'preorder' }, { availableFrom: '2030-01-01T00:00:00Z' }]) {
      const answer = await change(body);
      expect([...refusal(answer), pointers(answer)]).toEqual([400, 'products/availability-unclear', ['/availableFrom']]);
    }
    expect((await change({ backorder: 'preorder', availableFrom: '2030-01-01T00:00:00Z' })).body.backorder).toBe('preorder');
    expect((await place(variant, 2)).status).toBe(201);
    expect(refusal(await change({ availableFrom: null }))).toEqual([400, 'products/availability-unclear']);
    const made = await call<Wire<ProductResponse>>('POST', 'products', {
      name: 'Soon',
      status: 'active',
      variants: [
        { sku: unique(), name: 'x', price: { amount: 1, currency: 'EUR' }, backorder: 'preorder', availableFrom: '2030-01-01T00:00:00Z' },
      ],
    });
    expect(made.body.variants[0]).toMatchObject({ available: 0, backorder: 'preorder', availableFrom: '2030-01-01T00:00:00.000Z' });
  });
});

describe('stock is the business of who manages products:', () => {
  it('others see and change nothing of it, and support only sees', async () => {
    const [variant, support] = [await aVariant(5), await aUser(app, { roles: ['support'] })];
    const writes = (by: Person | null) => [
      call('POST', 'stock/locations', { code: 'x', name: 'x' }, by),
      call('PATCH', `stock/locations/${MAIN}`, { name: 'x' }, by),
      adjust(variant, { delta: 1, reason: 'x' }, by),
      transfer(variant, { fromLocationId: MAIN, toLocationId: MAIN, quantity: 1 }, by),
    ];
    const reads = (by: Person | null) =>
      ['stock/locations', `stock/locations/${MAIN}`, `variants/${variant}/stock`].map((path) => call('GET', path, undefined, by));
    const statuses = async (answers: Promise<Answer<unknown>>[]) => [...new Set((await Promise.all(answers)).map(({ status }) => status))];
    expect(await statuses([...writes(null), ...reads(null)])).toEqual([401]);
    expect(await statuses([...writes(buyer), ...reads(buyer)])).toEqual([403]);
    expect(await statuses(writes(support))).toEqual([403]);
    expect(await statuses(reads(support))).toEqual([200]);
  });

  it('bad input is refused', async () => {
    const variant = await aVariant(5);
    const bad = [
      adjust(variant, { delta: 1, reason: 'x', locationId: 'main' }),
      adjust(variant, { delta: 1, reason: 'x', locationId: null }),
      adjust(variant, { delta: 1, reason: 'x', reference: '' }),
      transfer(variant, { fromLocationId: MAIN, toLocationId: MAIN, quantity: 0 }),
      transfer(variant, { fromLocationId: MAIN, quantity: 1 }),
      call('POST', 'stock/locations', { code: 'No Slug', name: 'x' }),
      call('POST', 'stock/locations', { code: 'x' }),
      call('PATCH', `stock/locations/${MAIN}`, { isDefault: false }),
      call('PATCH', `variants/${variant}`, { backorder: 'later' }),
    ];
    expect((await Promise.all(bad)).map(({ status }) => status)).toEqual(bad.map(() => 400));
    const nobody = crypto.randomUUID();
    expect(refusal(await call('GET', `stock/locations/${nobody}`))).toEqual([404, 'products/location-not-found']);
    expect(refusal(await call('GET', `variants/${nobody}/stock`))).toEqual([404, 'products/variant-not-found']);
    expect(refusal(await transfer(nobody, { fromLocationId: MAIN, toLocationId: nobody, quantity: 1 }))).toEqual([
      404,
      'products/variant-not-found',
    ]);
  });
});
