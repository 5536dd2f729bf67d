import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { OrderResponse } from '../src/orders/orders.dto.js';
import type { RefundList, RefundResponse } from '../src/payments/payments.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import { fire } from './harness/schedules.js';
import type { Wire } from './harness/wire.js';

let app: TestApp;
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

type OrderBody = Wire<OrderResponse>;
type RefundBody = Wire<RefundResponse>;

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const sql = <Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const refusal = (answer: Answer<unknown>) => [answer.status, (answer.body as ProblemDocument).code];
const pointers = (answer: Answer<unknown>) => (answer.body as ProblemDocument).errors?.map(({ pointer }) => pointer);
const refund = (
  id: string,
  body: object,
  { by = admin, key = unique(), at = app }: { by?: Person | null; key?: string; at?: Pick<TestApp, 'request'> } = {},
) =>
  at.request<RefundBody>('POST', `orders/${id}/refunds`, {
    ...(by && { token: by.accessToken }),
    body,
    headers: { 'idempotency-key': key },
  });
const list = async (id: string, by = admin) =>
  (await app.request<Wire<RefundList>>('GET', `orders/${id}/refunds`, { token: by.accessToken })).body.items;
const statusOf = async (id: string) => (await app.request<OrderBody>('GET', `orders/${id}`, { token: admin.accessToken })).body.status;
const stockOf = async (variantId: string) =>
  (await sql<{ stock: number }>('SELECT stock FROM variants WHERE id = $1', variantId))[0]!.stock;
/** What the provider has and what the books say: the same, whatever happened. */
const books = async (id: string) =>
  (
    await sql<{ charged: string; provider: string; payment: string; refunds: string }>(
      `SELECT c.amount AS charged, c.refunded AS provider, p.refunded AS payment,
        (SELECT coalesce(sum(amount), 0) FROM refunds WHERE payment_id = p.id AND status <> 'failed') AS refunds
       FROM payments p JOIN sandbox_charges c ON c.payment_id = p.id WHERE p.order_id = $1 AND p.status = 'succeeded'`,
      id,
    )
  )[0]!;

async function anOrder(lines: { price: number; quantity: number }[], method: string | null = 'sandbox:success') {
  const variants = await Promise.all(
    lines.map(async ({ price }) => (await aProduct(app, { price, stock: 10, by: admin })).variants[0]!.id),
  );
  const items = variants.map((variantId, index) => ({ variantId, quantity: lines[index]!.quantity }));
  const call = { token: buyer.accessToken, headers: { 'idempotency-key': unique() } };
  const { body } = await app.request<OrderBody>('POST', 'orders', { ...call, body: { items } });
  if (method !== null) {
    const paid = await app.request('POST', `orders/${body.id}/payments`, {
      ...call,
      headers: { 'idempotency-key': unique() },
      body: { method },
    });
    expect(paid.status).toBe(201);
  }
  return { id: body.id, variants, total: body.total.amount };
}

describe('refunding', () => {
  it('pays all of it back, which makes the order refunded', async () => {
    const { id, total, variants } = await anOrder([{ price: 1_000, quantity: 2 }]);
    const { status, headers, body } = await refund(id, { reason: 'never arrived' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: body.id,
      paymentId: expect.any(String),
      status: 'succeeded',
      amount: eur(total),
      reason: 'never arrived',
      items: [{ variantId: variants[0], quantity: 2 }],
      restock: false,
      failureCode: null,
      createdAt: expect.any(String),
    });
    expect(headers.etag).toEqual(expect.any(String));
    expect(await statusOf(id)).toBe('refunded');
    expect(await books(id)).toEqual({ charged: '2000', provider: '2000', payment: '2000', refunds: '2000' });
    expect(await stockOf(variants[0]!)).toBe(8);
    expect(refusal(await refund(id, { reason: 'again' }))).toEqual([409, 'orders/not-refundable']);
    const events = await sql<{ name: string }>(`SELECT name FROM events WHERE payload->>'orderId' = $1 ORDER BY seq DESC LIMIT 3`, id);
    expect(events.map(({ name }) => name)).toEqual(['order.refunded', 'refund.succeeded', 'refund.created']);
  });

  it('pays back a part; the order stays as it is until all is back', async () => {
    const { id } = await anOrder([{ price: 1_000, quantity: 2 }]);
    expect((await refund(id, { amount: eur(500), reason: 'scratched' })).body).toMatchObject({ amount: eur(500), items: [] });
    expect(await statusOf(id)).toBe('paid');
    expect(refusal(await refund(id, { amount: eur(1_501), reason: 'x' }))).toEqual([409, 'payments/refund-too-large']);
    expect((await refund(id, { amount: eur(1_500), reason: 'the rest' })).status).toBe(201);
    expect(await statusOf(id)).toBe('refunded');
    expect((await list(id)).map(({ amount, status }) => [amount.amount, status])).toEqual([
      [1_500, 'succeeded'],
      [500, 'succeeded'],
    ]);
    expect(await books(id)).toEqual({ charged: '2000', provider: '2000', payment: '2000', refunds: '2000' });
  });

  it('goes by line, puts back into the stock what came back, and no piece twice', async () => {
    const { id, variants } = await anOrder([
      { price: 1_000, quantity: 3 },
      { price: 333, quantity: 2 },
    ]);
    const [first, second] = variants as [string, string];
    const one = await refund(id, { items: [{ variantId: first, quantity: 1 }], reason: 'too small', restock: true });
    expect(one.body).toMatchObject({ amount: eur(1_000), items: [{ variantId: first, quantity: 1 }], restock: true });
    expect([await stockOf(first), await stockOf(second)]).toEqual([8, 8]);
    const tooMany = await refund(id, { items: [{ variantId: first, quantity: 3 }], reason: 'x', restock: true });
    expect([...refusal(tooMany), pointers(tooMany)]).toEqual([409, 'orders/not-returnable', ['/items/0/quantity']]);
    await refund(id, { items: [{ variantId: second, quantity: 2 }], reason: 'broken' });
    expect([await stockOf(first), await stockOf(second)]).toEqual([8, 8]);
    const rest = await refund(id, { reason: 'the rest', restock: true });
    expect(rest.body).toMatchObject({ amount: eur(2_000), items: [{ variantId: first, quantity: 2 }] });
    expect([await stockOf(first), await stockOf(second), await statusOf(id)]).toEqual([10, 8, 'refunded']);
    const moved = await sql(
      `SELECT delta, reason FROM stock_movements WHERE order_id = $1 AND variant_id = $2 ORDER BY created_at`,
      id,
      first,
    );
    expect(moved).toEqual([
      { delta: -3, reason: 'sold' },
      { delta: 1, reason: 'returned' },
      { delta: 2, reason: 'returned' },
    ]);
  });

  it('may pay back less than a piece has cost', async () => {
    const { id, variants } = await anOrder([{ price: 1_000, quantity: 2 }]);
    const { body } = await refund(id, { items: [{ variantId: variants[0], quantity: 1 }], amount: eur(900), reason: 'used' });
    expect(body).toMatchObject({ amount: eur(900), items: [{ variantId: variants[0], quantity: 1 }] });
  });

  it('is followed by a cancellation that pays back the rest only, and puts back only what is still out', async () => {
    const { id, variants } = await anOrder([{ price: 1_000, quantity: 3 }]);
    await refund(id, { items: [{ variantId: variants[0], quantity: 1 }], reason: 'x', restock: true });
    const cancelled = await app.request<OrderBody>('POST', `orders/${id}/cancellation`, { token: buyer.accessToken });
    expect(cancelled.body.status).toBe('cancelled');
    await eventually(async () => (await books(id)).provider === '3000');
    expect(await books(id)).toEqual({ charged: '3000', provider: '3000', payment: '3000', refunds: '3000' });
    expect(await stockOf(variants[0]!)).toBe(10);
    expect(refusal(await refund(id, { reason: 'x' }))).toEqual([409, 'orders/not-refundable']);
  });

  it('is not possible before the order is paid', async () => {
    const { id } = await anOrder([{ price: 1_000, quantity: 1 }], null);
    expect(refusal(await refund(id, { reason: 'x' }))).toEqual([409, 'orders/not-refundable']);
  });

  it('is done once for a key', async () => {
    const { id } = await anOrder([{ price: 1_000, quantity: 1 }]);
    const key = unique();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => refund(id, { amount: eur(100), reason: 'x' }, { key, at: index % 2 ? app : other })),
    );
    const served = answers.filter(({ status }) => status === 201);
    expect(new Set(served.map(({ text }) => text)).size).toBe(1);
    for (const answer of answers.filter(({ status }) => status !== 201)) expect(refusal(answer)).toEqual([409, 'idempotency/in-progress']);
    expect((await refund(id, { amount: eur(100), reason: 'x' }, { key })).headers['idempotency-replayed']).toBe('true');
    expect(await books(id)).toEqual({ charged: '1000', provider: '100', payment: '100', refunds: '100' });
    expect(refusal(await app.request('POST', `orders/${id}/refunds`, { token: admin.accessToken, body: { reason: 'x' } }))).toEqual([
      400,
      'idempotency/key-required',
    ]);
  });

  it('is for who manages orders; the customer sees it', async () => {
    const { id } = await anOrder([{ price: 1_000, quantity: 1 }]);
    const wish = { amount: eur(100), reason: 'x' };
    expect((await refund(id, wish, { by: null })).status).toBe(401);
    for (const by of [buyer, await aUser(app, { roles: ['support'] })])
      expect(refusal(await refund(id, wish, { by }))).toEqual([403, 'auth/forbidden']);
    expect(refusal(await refund('0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49', wish))).toEqual([404, 'orders/not-found']);
    await refund(id, wish);
    expect(await list(id, buyer)).toMatchObject([{ amount: eur(100), reason: 'x' }]);
    const foreign = await app.request('GET', `orders/${id}/refunds`, { token: (await aUser(app)).accessToken });
    expect(refusal(foreign)).toEqual([404, 'orders/not-found']);
    expect((await app.request('GET', `orders/${id}/refunds`)).status).toBe(401);
  });

  it.each([
    [{}, ['/reason']],
    [{ reason: '' }, ['/reason']],
    [{ reason: 'x', amount: 100 }, ['/amount']],
    [{ reason: 'x', amount: { amount: 0, currency: 'EUR' } }, ['/amount/amount']],
    [{ reason: 'x', amount: { amount: -1, currency: 'EUR' } }, ['/amount/amount']],
    [{ reason: 'x', amount: { amount: 1.5, currency: 'EUR' } }, ['/amount/amount']],
    [{ reason: 'x', items: [] }, ['/items']],
    [{ reason: 'x', items: [{ variantId: 'x', quantity: 1 }] }, ['/items/0/variantId']],
    [{ reason: 'x', status: 'succeeded' }, ['/status']],
  ])('refuses %j', async (wish, at) => {
    const { id } = await anOrder([{ price: 1_000, quantity: 1 }]);
    const answer = await refund(id, wish);
    expect([...refusal(answer), pointers(answer)]).toEqual([400, 'http/validation-failed', at]);
    expect(await list(id)).toEqual([]);
  });

  it.each([
    [{ reason: 'x', amount: { amount: 100, currency: 'USD' } }, ['/amount/currency']],
    [{ reason: 'x', amount: { amount: 100, currency: 'EUR' }, restock: true }, ['/restock']],
  ])('does not go with the order as %j', async (wish, at) => {
    const { id } = await anOrder([{ price: 1_000, quantity: 1 }]);
    const answer = await refund(id, wish);
    expect([...refusal(answer), pointers(answer)]).toEqual([422, 'orders/refund-mismatch', at]);
    expect(await list(id)).toEqual([]);
  });

  it('does not take what was not bought', async () => {
    const { id } = await anOrder([{ price: 1_000, quantity: 1 }]);
    const foreign = (await aProduct(app, { by: admin })).variants[0]!.id;
    const answer = await refund(id, { reason: 'x', items: [{ variantId: foreign, quantity: 1 }] });
    expect([...refusal(answer), pointers(answer)]).toEqual([409, 'orders/not-returnable', ['/items/0/variantId']]);
  });
});

describe('fifty refunds of one order at once', () => {
  it('never come to more than what was paid', async () => {
    const { id } = await anOrder([{ price: 1_000, quantity: 1 }]);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => refund(id, { amount: eur(70), reason: `number ${index}` }, { at: index % 2 ? app : other })),
    );
    const served = answers.filter(({ status }) => status === 201);
    expect(served).toHaveLength(14);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(refusal(answer)).toEqual([409, 'payments/refund-too-large']);
    expect(await books(id)).toEqual({ charged: '1000', provider: '980', payment: '980', refunds: '980' });
  });

  it('bring no piece back twice', async () => {
    const { id, variants } = await anOrder([{ price: 100, quantity: 5 }]);
    const items = [{ variantId: variants[0], quantity: 1 }];
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => refund(id, { items, reason: 'x', restock: true }, { at: index % 2 ? app : other })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
    expect([await stockOf(variants[0]!), await statusOf(id)]).toEqual([10, 'refunded']);
    expect((await books(id)).provider).toBe('500');
  });

  it('and a cancellation come to what was paid, to the cent', async () => {
    const { id } = await anOrder([{ price: 1_000, quantity: 1 }]);
    await Promise.all([
      ...Array.from({ length: 20 }, (_, index) => refund(id, { amount: eur(30), reason: 'x' }, { at: index % 2 ? app : other })),
      app.request('POST', `orders/${id}/cancellation`, { token: buyer.accessToken }),
    ]);
    expect(await statusOf(id)).toBe('cancelled');
    await eventually(async () => (await books(id)).provider === '1000');
    expect(await books(id)).toEqual({ charged: '1000', provider: '1000', payment: '1000', refunds: '1000' });
  });
});

describe('a refund that nobody is at any more', () => {
  it('is sent by the sweep, once', async () => {
    const { id } = await anOrder([{ price: 1_000, quantity: 1 }]);
    const { body } = await refund(id, { amount: eur(400), reason: 'x' });
    // As a process leaves it that dies before it has sent it, and whose job somebody has discarded.
    await sql(`SELECT graphile_worker.remove_job($1)`, `payments.refund:${body.id}`);
    await sql(`UPDATE refunds SET status = 'pending', provider_ref = NULL, updated_at = now() - interval '1 hour' WHERE id = $1`, body.id);
    await fire(app.databaseUrl, 'orders.sweep');
    await eventually(async () => (await list(id))[0]!.status === 'succeeded');
    expect(await books(id)).toEqual({ charged: '1000', provider: '400', payment: '400', refunds: '400' });
  });
});

describe('the database', () => {
  it.each([
    ['more refunded than paid', `UPDATE payments SET refunded = amount + 1 WHERE order_id = $1`],
    ['less than nothing refunded', `UPDATE payments SET refunded = -1 WHERE order_id = $1`],
    ['a refund of what was never paid', `UPDATE payments SET status = 'failed', refunded = 1 WHERE order_id = $1`],
    ['late money that never came', `UPDATE payments SET status = 'failed', late = true WHERE order_id = $1`],
    [
      'a line of nothing that comes back',
      `INSERT INTO refund_lines (refund_id, position, quantity) SELECT r.id, 7, 0 FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.order_id = $1`,
    ],
  ])('refuses %s, whoever writes it', async (_, statement) => {
    const { id } = await anOrder([{ price: 1_000, quantity: 1 }]);
    await refund(id, { amount: eur(1), reason: 'x' });
    await expect(sql(statement, id)).rejects.toMatchObject({ code: '23514' });
  });
});
