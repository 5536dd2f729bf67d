import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { OrderResponse } from '../src/orders/orders.dto.js';
import type { StatisticsResponse } from '../src/orders/statistics.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;
let admin: Person;
let support: Person;
let buyer: Person;

beforeAll(async () => {
  app = await startApp();
  [admin, buyer, support] = [await anAdmin(app), await aUser(app), await aUser(app, { roles: ['support'] })];
});
afterAll(() => app.close());

type Statistics = Wire<StatisticsResponse>;
const sql = <Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const refusal = (answer: Answer<unknown>) => [answer.status, (answer.body as ProblemDocument).code];
const pointers = (answer: Answer<unknown>) => (answer.body as ProblemDocument).errors?.map(({ pointer }) => pointer);
const call = <Body>(method: string, path: string, by: Person | null, body?: object) =>
  app.request<Body>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body && { body }),
    headers: { 'idempotency-key': unique() },
  });
const read = (search: string, by: Person | null = support) => call<Statistics>('GET', `orders/statistics?${search}`, by);
const money = (amount: number, currency = 'EUR') => ({ amount, currency });

/** An order that was placed then. */
async function anOrder(at: string, { id, quantity }: { id: string; quantity: number }, { paid = true, more = {} } = {}): Promise<string> {
  const { body } = await call<Wire<OrderResponse>>('POST', 'orders', buyer, { items: [{ variantId: id, quantity }], ...more });
  if (paid) await call('POST', `orders/${body.id}/payments`, buyer, { method: 'sandbox:success' });
  await sql('UPDATE orders SET created_at = $2 WHERE id = $1', body.id, at);
  return body.id;
}

describe('the statistics of orders', () => {
  it('are those that were paid, by currency and by the days of the shop', async () => {
    await call('PATCH', 'shop/settings', admin, { timeZone: 'Asia/Tokyo' });
    const mug = await aProduct(app, { name: 'Mug', price: 1_000, by: admin });
    const pen = await aProduct(app, { name: 'Pen', price: 300, by: admin });
    const tea = await aProduct(app, { name: 'Tea', price: 700, currency: 'JPY', by: admin });
    const of = ({ variants }: typeof mug, quantity: number) => ({ id: variants[0]!.id, quantity });
    await anOrder('2020-03-01T14:59:59Z', of(mug, 2)); // 1 March in Tokyo
    const second = await anOrder('2020-03-01T15:00:00Z', of(pen, 1)); // 2 March
    const third = await anOrder('2020-03-02T01:00:00Z', of(pen, 5));
    await anOrder('2020-03-03T01:00:00Z', of(tea, 1));
    await anOrder('2020-03-03T01:00:00Z', of(mug, 1), { paid: false });
    const cancelled = await anOrder('2020-03-03T01:00:00Z', of(mug, 1));
    await call('POST', `orders/${cancelled}/cancellation`, buyer);
    await call('POST', `orders/${second}/refunds`, admin, { reason: 'x' });
    await call('POST', `orders/${third}/refunds`, admin, { amount: money(100), reason: 'x' });
    await call('POST', `orders/${third}/shipments`, admin, { carrier: 'DHL', trackingNumber: '1' });
    const { status, body } = await read('from=2020-03-01T00:00:00Z&to=2020-04-01T00:00:00Z');
    expect(status).toBe(200);
    expect(body).toEqual({
      from: '2020-03-01T00:00:00.000Z',
      to: '2020-04-01T00:00:00.000Z',
      timeZone: 'Asia/Tokyo',
      currencies: [
        {
          currency: 'EUR',
          orders: 3,
          revenue: money(3_400),
          refunded: money(400),
          average: money(1_133),
          days: [
            { date: '2020-03-01', orders: 1, revenue: money(2_000) },
            { date: '2020-03-02', orders: 2, revenue: money(1_400) },
          ],
          topProducts: [
            { productId: mug.id, name: 'Mug', quantity: 2, revenue: money(2_000) },
            { productId: pen.id, name: 'Pen', quantity: 6, revenue: money(1_800) },
          ],
        },
        {
          currency: 'JPY',
          orders: 1,
          revenue: money(700, 'JPY'),
          refunded: money(0, 'JPY'),
          average: money(700, 'JPY'),
          days: [{ date: '2020-03-03', orders: 1, revenue: money(700, 'JPY') }],
          topProducts: [{ productId: tea.id, name: 'Tea', quantity: 1, revenue: money(700, 'JPY') }],
        },
      ],
    });
    const yen = await read('from=2020-03-01T00:00:00Z&to=2020-04-01T00:00:00Z&currency=JPY');
    expect(yen.body.currencies).toEqual([body.currencies[1]]);
  });

  it('are of the last thirty days, where nothing else is asked for', async () => {
    await call('PATCH', 'shop/settings', admin, { timeZone: 'America/New_York' });
    const { body } = await read('to=2021-07-01T12:00:00Z');
    expect([body.from, body.to, body.currencies]).toEqual(['2021-06-01T04:00:00.000Z', '2021-07-01T12:00:00.000Z', []]);
    const now = await read('');
    expect(Date.parse(now.body.to)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('are for staff', async () => {
    expect((await read('', null)).status).toBe(401);
    expect(refusal(await read('', buyer))).toEqual([403, 'auth/forbidden']);
  });

  it.each([
    ['from=yesterday', '?from'],
    ['to=2020-02-30T00:00:00Z', '?to'],
    ['currency=euro', '?currency'],
    ['currency=ZZZ', '?currency'],
    ['by=week', '?by'],
  ])('refuse %s', async (search, at) => {
    const answer = await read(search);
    expect([...refusal(answer), pointers(answer)]).toEqual([400, 'http/validation-failed', [at]]);
  });

  it('refuse times that are none', async () => {
    expect(refusal(await read('from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z'))).toEqual([400, 'orders/period-reversed']);
    expect(refusal(await read('from=2020-01-01T00:00:00Z&to=2022-01-01T00:00:00Z'))).toEqual([400, 'orders/period-too-long']);
  });
});

describe('the export of orders', () => {
  const csv = (search: string, by: Person | null = support) => call<string>('GET', `orders/export.csv?${search}`, by);
  const lines = (text: string) => text.trimEnd().split('\r\n');

  it('is a table of all of them, the oldest first', async () => {
    const { variants } = await aProduct(app, { price: 1_000, by: admin });
    const [{ id: variantId, sku }] = variants as [(typeof variants)[0]];
    const first = await anOrder('2019-01-01T00:00:00Z', { id: variantId, quantity: 2 }, { more: { externalId: `=SUM(A1:A9)${unique()}` } });
    const second = await anOrder(
      '2019-01-02T00:00:00Z',
      { id: variantId, quantity: 1 },
      { paid: false, more: { externalId: `@x,"${unique()}` } },
    );
    const { status, headers, text } = await csv('to=2020-01-01T00:00:00Z');
    expect([status, headers['content-type']]).toEqual([200, 'text/csv; charset=utf-8']);
    expect(headers['content-disposition']).toMatch(/^attachment; filename="orders-\d{4}-\d\d-\d\d\.csv"$/);
    const [head, one, two, ...more] = lines(text);
    expect(head).toBe(
      'number,id,status,createdAt,customerId,externalId,currency,subtotal,discount,shipping,tax,includedTax,total,couponCode,items,guestEmail',
    );
    expect(more).toEqual([]);
    expect(one).toContain(`,${first},paid,2019-01-01T00:00:00.000Z,${buyer.id},'=SUM(A1:A9)`);
    expect(one).toMatch(new RegExp(`,EUR,2000,0,0,0,0,2000,,${sku} × 2,$`));
    expect(two).toContain(`,${second},pending,2019-01-02T00:00:00.000Z,${buyer.id},"'@x,""`);
    expect(lines((await csv('to=2020-01-01T00:00:00Z&status=paid')).text)).toEqual([head, one]);
    expect(lines((await csv('to=2018-01-01T00:00:00Z')).text)).toEqual([head]);
  });

  it('is whole, and is read page by page', async () => {
    const [{ id } = { id: '' }] = await sql<{ id: string }>('SELECT id FROM orders LIMIT 1');
    await sql(
      `INSERT INTO orders (id, user_id, status, currency, subtotal, total, created_at, updated_at)
       SELECT gen_random_uuid(), user_id, 'cancelled', 'EUR', 1, 1, timestamptz '2010-01-01T00:00:00Z' + make_interval(secs => n / 700), now() FROM orders, generate_series(1, 1501) n WHERE id = $1`,
      id,
    );
    const [, ...rows] = lines((await csv('to=2011-01-01T00:00:00Z')).text);
    expect(rows).toHaveLength(1_501);
    expect(new Set(rows.map((row) => row.split(',')[1])).size).toBe(1_501);
  });

  it('is for staff', async () => {
    expect((await csv('', null)).status).toBe(401);
    expect(refusal(await csv('', buyer))).toEqual([403, 'auth/forbidden']);
    const answer = await csv('status=lost');
    expect([...refusal(answer), pointers(answer)]).toEqual([400, 'http/validation-failed', ['?status']]);
  });
});
