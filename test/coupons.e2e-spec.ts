import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { OrderResponse, QuoteResponse } from '../src/orders/orders.dto.js';
import type { CouponList, CouponResponse } from '../src/shop/coupons.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import { fire } from './harness/schedules.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;
/** Another process on the same database. */
let other: Product;
let admin: Person;
/** Of which there is enough, at 10 EUR. */
let variantId: string;

type Coupon = Wire<CouponResponse>;
type Order = Wire<OrderResponse>;

beforeAll(async () => {
  app = await startApp();
  other = await startProcess({ databaseUrl: app.databaseUrl });
  admin = await anAdmin(app);
  variantId = (await aProduct(app, { price: 1_000, stock: 100_000, by: admin })).variants[0]!.id;
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await app.close();
});

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const problemOf = (answer: Answer<unknown>) => answer.body as ProblemDocument;
const refusal = (answer: Answer<unknown>) => [answer.status, problemOf(answer).code];
const codeOf = () => `C-${unique()}`.toUpperCase();
const call = <Body>(
  method: string,
  path: string,
  by: Person | null,
  body?: object,
  headers: Record<string, string> = {},
  at: Pick<TestApp, 'request'> = app,
) => at.request<Body>(method, path, { ...(by && { token: by.accessToken }), ...(body && { body }), headers });
const create = (body: object, by: Person | null = admin) => call<Coupon>('POST', 'coupons', by, body, { 'idempotency-key': unique() });
const read = (id: string, by: Person | null = admin) => call<Coupon>('GET', `coupons/${id}`, by);
const change = (id: string, body: object, by: Person | null = admin, headers = {}) =>
  call<Coupon>('PATCH', `coupons/${id}`, by, body, headers);
const place = (by: Person, couponCode: string | null, quantity = 1, at: Pick<TestApp, 'request'> = app) =>
  call<Order>('POST', 'orders', by, { items: [{ variantId, quantity }], couponCode }, { 'idempotency-key': unique() }, at);
const quote = (by: Person, couponCode: string, quantity = 1) =>
  call<Wire<QuoteResponse>>('POST', 'orders/quote', by, { items: [{ variantId, quantity }], couponCode });
const pay = (by: Person, id: string) =>
  call('POST', `orders/${id}/payments`, by, { method: 'sandbox:success' }, { 'idempotency-key': unique() });
const cancel = (by: Person, id: string) => call('POST', `orders/${id}/cancellation`, by);

async function aCoupon(more: object = {}): Promise<Coupon> {
  const answer = await create({ code: codeOf(), kind: 'percentage', percentage: '15', ...more });
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}
const used = async ({ id }: Coupon) => (await read(id)).body.used;

/** As if the order had been placed a day earlier. */
const age = (id: string) =>
  query(
    app.databaseUrl,
    `WITH held AS (UPDATE stock_reservations SET expires_at = expires_at - interval '1 day' WHERE order_id = $1)
    UPDATE orders SET created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day' WHERE id = $1`,
    [id],
  );

describe('coupons', () => {
  it('are made, read, changed and deleted', async () => {
    const code = codeOf();
    const made = await create({
      code: ` ${code.toLowerCase()} `,
      kind: 'percentage',
      percentage: '12.50',
      usageLimit: 5,
      startsAt: '2026-01-01T00:00:00Z',
    });
    expect(made.status).toBe(201);
    expect(made.headers.location).toBe(`http://localhost/api/v1/coupons/${made.body.id}`);
    expect(made.body).toEqual({
      id: made.body.id,
      code,
      description: '',
      kind: 'percentage',
      percentage: '12.5',
      amounts: [],
      minimumSubtotals: [],
      usageLimit: 5,
      perCustomerLimit: null,
      used: 0,
      startsAt: '2026-01-01T00:00:00.000Z',
      endsAt: null,
      active: true,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const { id } = made.body;
    const { body: changed } = await change(id, {
      usageLimit: null,
      active: false,
      minimumSubtotals: [eur(5_000)],
      description: 'For friends',
    });
    expect(changed).toMatchObject({
      usageLimit: null,
      active: false,
      minimumSubtotals: [eur(5_000)],
      description: 'For friends',
      percentage: '12.5',
      version: 2,
    });
    expect((await read(id)).body).toEqual(changed);
    expect(refusal(await change(id, { active: true }, admin, { 'if-match': '"1"' }))).toEqual([412, 'http/stale-version']);
    expect(refusal(await create({ code, kind: 'free-shipping' }))).toEqual([409, 'coupons/code-taken']);
    const found = await call<CouponList>('GET', `coupons?code=${code.toLowerCase()}`, admin);
    expect(found.body.items).toEqual([changed]);
    expect((await call('DELETE', `coupons/${id}`, admin)).status).toBe(204);
    expect(refusal(await read(id))).toEqual([404, 'coupons/not-found']);
    expect((await create({ code, kind: 'free-shipping' })).status).toBe(201);
  });

  it('are listed page by page', async () => {
    for (let made = 0; made < 3; made++) await aCoupon();
    const first = await call<Wire<CouponList>>('GET', 'coupons?limit=2&sort=createdAt', admin);
    const second = await call<Wire<CouponList>>('GET', `coupons?limit=2&sort=createdAt&cursor=${first.body.nextCursor!}`, admin);
    expect(first.body.items.length).toBe(2);
    expect(second.body.items.map(({ id }) => id)).not.toContain(first.body.items[1]!.id);
  });

  it('are the affair of whoever runs the shop', async () => {
    const { id } = await aCoupon();
    const customer = await aUser(app);
    for (const [by, status] of [
      [null, 401],
      [customer, 403],
    ] as const)
      expect(
        await Promise.all([
          create({ code: codeOf(), kind: 'free-shipping' }, by),
          call('GET', 'coupons', by),
          read(id, by),
          change(id, { active: false }, by),
          call('DELETE', `coupons/${id}`, by),
        ]).then((answers) => answers.map((answer) => answer.status)),
      ).toEqual(Array(5).fill(status));
  });

  it.each([
    [{ code: 'no' }, '/code'],
    [{ code: 'naïve' }, '/code'],
    [{ code: 'a b c' }, '/code'],
    [{ kind: 'gift' }, '/kind'],
    [{ percentage: 15 }, '/percentage'],
    [{ percentage: '100.1' }, '/percentage'],
    [{ percentage: '0' }, '/percentage'],
    [{ percentage: undefined }, '/percentage'],
    [{ amounts: [eur(1)] }, '/amounts'],
    [{ kind: 'fixed', percentage: undefined }, '/amounts'],
    [{ kind: 'fixed', percentage: undefined, amounts: [eur(1), eur(2)] }, '/amounts'],
    [{ kind: 'fixed', percentage: undefined, amounts: [eur(-1)] }, '/amounts/0/amount'],
    [{ usageLimit: 0 }, '/usageLimit'],
    [{ perCustomerLimit: 1.5 }, '/perCustomerLimit'],
    [{ startsAt: 'tomorrow' }, '/startsAt'],
    [{ startsAt: '2026-01-02T00:00:00Z', endsAt: '2026-01-01T00:00:00Z' }, '/endsAt'],
    [{ used: 1 }, '/used'],
  ])('with %j are refused', async (more, pointer) => {
    const answer = await create({ code: codeOf(), kind: 'percentage', percentage: '15', ...more });
    expect([answer.status, problemOf(answer).errors?.map(({ pointer }) => pointer)]).toEqual([400, [pointer]]);
  });
});

describe('an order with a coupon', () => {
  it('is cheaper by a percentage, quoted and placed alike, and split over its lines', async () => {
    const [buyer, coupon] = [await aUser(app), await aCoupon({ percentage: '33.3333' })];
    const odd = (await aProduct(app, { price: 333, by: admin })).variants[0]!.id;
    const items = [
      { variantId, quantity: 1 },
      { variantId: odd, quantity: 3 },
    ];
    const quoted = await call<Wire<QuoteResponse>>('POST', 'orders/quote', buyer, { items, couponCode: coupon.code.toLowerCase() });
    const { body } = await call<Order>('POST', 'orders', buyer, { items, couponCode: ` ${coupon.code} ` }, { 'idempotency-key': unique() });
    expect(body).toMatchObject({ subtotal: eur(1_999), discount: eur(666), total: eur(1_333), couponCode: coupon.code });
    expect(body.items.map(({ discount }) => discount.amount)).toEqual([333, 333]);
    const { shippingOptions: _, ...same } = quoted.body;
    expect(body).toMatchObject(same);
    expect(await used(coupon)).toBe(1);
  });

  it('is cheaper by an amount in its currency, or is sent for nothing', async () => {
    const buyer = await aUser(app);
    const fixed = await aCoupon({ kind: 'fixed', percentage: undefined, amounts: [eur(250), { amount: 300, currency: 'USD' }] });
    expect((await place(buyer, fixed.code)).body).toMatchObject({ discount: eur(250), total: eur(750) });
    const more = await aCoupon({ kind: 'fixed', percentage: undefined, amounts: [eur(999_999)] });
    const { body } = await place(buyer, more.code);
    expect(body).toMatchObject({ discount: eur(1_000), total: eur(0) });
    expect((await pay(buyer, body.id)).body).toMatchObject({ status: 'succeeded', amount: eur(0) });
    const settings = (shippingMethods: object[]) => call('PATCH', 'shop/settings', admin, { shippingMethods });
    await settings([{ code: 'post', name: 'Post', price: eur(490) }]);
    const free = await aCoupon({ kind: 'free-shipping', percentage: undefined });
    expect((await place(buyer, free.code)).body).toMatchObject({
      discount: eur(0),
      shipping: eur(0),
      total: eur(1_000),
      couponCode: free.code,
    });
    expect((await place(buyer, null)).body).toMatchObject({ shipping: eur(490), total: eur(1_490), couponCode: null });
    await settings([]);
  });

  it('is told why its coupon cannot be used, and is not placed', async () => {
    const buyer = await aUser(app);
    const [past, future] = [new Date(Date.now() - 1_000).toISOString(), new Date(Date.now() + 3_600_000).toISOString()];
    const usedByMe = await aCoupon({ perCustomerLimit: 1 });
    await place(buyer, usedByMe.code);
    const usedUp = await aCoupon({ usageLimit: 1 });
    await place(await aUser(app), usedUp.code);
    const refused: [string, object | Coupon, number][] = [
      ['coupons/not-active', await aCoupon({ active: false }), 409],
      ['coupons/not-yet-valid', await aCoupon({ startsAt: future }), 409],
      ['coupons/expired', await aCoupon({ endsAt: past }), 409],
      ['coupons/another-currency', await aCoupon({ kind: 'fixed', percentage: undefined, amounts: [{ amount: 1, currency: 'USD' }] }), 409],
      ['coupons/minimum-not-reached', await aCoupon({ minimumSubtotals: [eur(1_001)] }), 409],
      ['coupons/used-by-you', usedByMe, 409],
      ['coupons/used-up', usedUp, 409],
      ['coupons/not-found', { code: codeOf() }, 404],
    ];
    for (const [code, coupon, status] of refused) {
      for (const answer of [await quote(buyer, (coupon as Coupon).code), await place(buyer, (coupon as Coupon).code)])
        expect([...refusal(answer), problemOf(answer).errors?.[0]?.pointer]).toEqual([status, code, '/couponCode']);
    }
    expect((await call<{ items: unknown[] }>('GET', 'orders', buyer)).body.items.length).toBe(1);
    expect(await used(usedUp)).toBe(1);
  });

  it('gives its use back when it is cancelled unpaid or expires, and not when it was paid', async () => {
    const coupon = await aCoupon({ usageLimit: 1, perCustomerLimit: 1 });
    const [one, two] = [await aUser(app), await aUser(app)];
    const cancelled = await place(one, coupon.code);
    expect(refusal(await place(two, coupon.code))).toEqual([409, 'coupons/used-up']);
    await cancel(one, cancelled.body.id);
    expect([await used(coupon), (await call<Order>('GET', `orders/${cancelled.body.id}`, one)).body.couponCode]).toEqual([0, coupon.code]);

    const expired = await place(one, coupon.code);
    await age(expired.body.id);
    await fire(app.databaseUrl, 'orders.sweep');
    await eventually(async () => (await used(coupon)) === 0);

    const paid = await place(one, coupon.code);
    await pay(one, paid.body.id);
    await cancel(one, paid.body.id);
    expect([await used(coupon), refusal(await place(two, coupon.code))]).toEqual([1, [409, 'coupons/used-up']]);
  });

  it('keeps its use through a payment that fails', async () => {
    const [buyer, coupon] = [await aUser(app), await aCoupon({ usageLimit: 1 })];
    const { body } = await place(buyer, coupon.code);
    await call('POST', `orders/${body.id}/payments`, buyer, { method: 'sandbox:decline' }, { 'idempotency-key': unique() });
    expect(await used(coupon)).toBe(1);
  });

  it('keeps what it was told when the coupon is deleted meanwhile, and still ends', async () => {
    const [buyer, coupon] = [await aUser(app), await aCoupon()];
    const { body } = await place(buyer, coupon.code);
    await call('DELETE', `coupons/${coupon.id}`, admin);
    expect((await call('POST', `orders/${body.id}/cancellation`, buyer)).body).toMatchObject({
      status: 'cancelled',
      couponCode: coupon.code,
      discount: eur(150),
    });
  });

  it('takes no use when there is not enough in stock', async () => {
    const [buyer, coupon] = [await aUser(app), await aCoupon({ usageLimit: 1 })];
    expect(refusal(await place(buyer, coupon.code, 100_000))).toEqual([409, 'products/out-of-stock']);
    expect(await used(coupon)).toBe(0);
  });
});

describe('a coupon that many want at once', () => {
  const storm = (buyers: Person[], code: string) =>
    Promise.all(buyers.map((buyer, index) => place(buyer, code, 1, index % 2 === 0 ? app : other)));
  const outcome = (answer: Answer<Order>) => (answer.status === 201 ? 'placed' : problemOf(answer).code);
  const tally = (answers: Answer<Order>[]) =>
    Object.fromEntries([...Map.groupBy(answers, outcome)].map(([name, alike]) => [name, alike.length]));

  it('is used once if it can be used once, by a hundred over two processes', async () => {
    const coupon = await aCoupon({ usageLimit: 1 });
    const buyers = await Promise.all(Array.from({ length: 100 }, () => aUser(app)));
    expect(tally(await storm(buyers, coupon.code))).toEqual({ placed: 1, 'coupons/used-up': 99 });
    expect(await used(coupon)).toBe(1);
    const held = await query(app.databaseUrl, 'SELECT id FROM orders WHERE coupon_id = $1', [coupon.id]);
    expect(held.length).toBe(1);
  }, 60_000);

  it('is used by a customer as often as one may, however many orders they place at once', async () => {
    const coupon = await aCoupon({ perCustomerLimit: 2 });
    const buyer = await aUser(app);
    expect(tally(await storm(Array<Person>(30).fill(buyer), coupon.code))).toEqual({ placed: 2, 'coupons/used-by-you': 28 });
    expect(await used(coupon)).toBe(2);
  }, 60_000);

  it('is given back and used in turn, with its count right at the end', async () => {
    const coupon = await aCoupon({ usageLimit: 3 });
    const buyers = await Promise.all(Array.from({ length: 20 }, () => aUser(app)));
    await Promise.all(
      buyers.map(async (buyer, index) => {
        const { status, body } = await place(buyer, coupon.code, 1, index % 2 === 0 ? app : other);
        if (status === 201 && index % 3 !== 0) await cancel(buyer, body.id);
      }),
    );
    const [{ held }] = (await query<{ held: number }>(app.databaseUrl, 'SELECT count(*)::int AS held FROM orders WHERE coupon_id = $1', [
      coupon.id,
    ])) as [{ held: number }];
    expect(await used(coupon)).toBe(held);
    expect(held).toBeLessThanOrEqual(3);
  }, 60_000);
});

describe('guessing codes', () => {
  it('ends after some wrong ones: then right ones are refused, too, and nobody else is', async () => {
    const careful = await startProcess({ databaseUrl: app.databaseUrl, env: { COUPON_GUESSES_PER_HOUR: '5' } });
    const [guesser, honest, coupon] = [await aUser(app), await aUser(app), await aCoupon()];
    const guess = (by: Person, code: string) =>
      call('POST', 'orders/quote', by, { items: [{ variantId, quantity: 1 }], couponCode: code }, {}, careful);
    for (let wrong = 0; wrong < 3; wrong++) expect((await guess(guesser, codeOf())).status).toBe(404);
    expect((await guess(guesser, coupon.code)).status).toBe(200);
    for (let wrong = 0; wrong < 2; wrong++) expect((await guess(guesser, codeOf())).status).toBe(404);
    const refused = await guess(guesser, coupon.code);
    expect([...refusal(refused), Number(refused.headers['retry-after']) > 0]).toEqual([429, 'auth/too-many-attempts', true]);
    expect((await guess(honest, coupon.code)).status).toBe(200);
    expect((await call('POST', 'orders/quote', guesser, { items: [{ variantId, quantity: 1 }] }, {}, careful)).status).toBe(200);
    await careful.stop();
  });
});
