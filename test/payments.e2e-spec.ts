import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { OrderResponse } from '../src/orders/orders.dto.js';
import type { PaymentList, PaymentResponse, RefundList } from '../src/payments/payments.dto.js';
import { SandboxService } from '../src/payments/sandbox.service.js';
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

beforeAll(async () => {
  app = await startApp({ PAYMENTS_SANDBOX_DELAY_SECONDS: '1' });
  other = await startProcess({ databaseUrl: app.databaseUrl, env: { PAYMENTS_SANDBOX_DELAY_SECONDS: '1' } });
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

type OrderBody = Wire<OrderResponse>;
type PaymentBody = Wire<PaymentResponse>;
type Server = Pick<TestApp, 'request'>;

const sql = <Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const refusal = (answer: Answer<unknown>) => [answer.status, (answer.body as ProblemDocument).code];
const read = async (by: Person, id: string) => (await app.request<OrderBody>('GET', `orders/${id}`, { token: by.accessToken })).body;
const payments = async (by: Person, id: string) =>
  (await app.request<Wire<PaymentList>>('GET', `orders/${id}/payments`, { token: by.accessToken })).body.items;
const refunds = async (by: Person, id: string) =>
  (await app.request<Wire<RefundList>>('GET', `orders/${id}/refunds`, { token: by.accessToken })).body.items;
const cancel = (by: Person, id: string) => app.request<OrderBody>('POST', `orders/${id}/cancellation`, { token: by.accessToken });
const pay = (by: Person, id: string, method: string, key = unique(), server: Server = app) =>
  server.request<PaymentBody>('POST', `orders/${id}/payments`, {
    token: by.accessToken,
    body: { method },
    headers: { 'idempotency-key': key },
  });

async function anOrder(by: Person, { stock = 3, quantity = 1 } = {}): Promise<OrderBody & { variantId: string }> {
  const variantId = (await aProduct(app, { stock })).variants[0]!.id;
  const { body } = await app.request<OrderBody>('POST', 'orders', {
    token: by.accessToken,
    body: { items: [{ variantId, quantity }] },
    headers: { 'idempotency-key': unique() },
  });
  return { ...body, variantId };
}

/** A buyer's order, paid like this. */
async function aPurchase(method: string) {
  const buyer = await aUser(app);
  const order = await anOrder(buyer);
  return { buyer, order, id: order.id, answer: await pay(buyer, order.id, method) };
}

/** The simulator's own books of an order. */
const charges = (orderId: string) =>
  sql<{ outcome: string; amount: string; refunded: string }>(
    'SELECT c.outcome, c.amount, c.refunded FROM sandbox_charges c JOIN payments p ON p.id = c.payment_id WHERE p.order_id = $1',
    orderId,
  );
const heard = (orderId: string) =>
  sql<{ type: string; status: string }>(
    'SELECT e.type, e.status FROM payment_events e JOIN payments p ON p.id = e.payment_id WHERE p.order_id = $1 ORDER BY e.received_at',
    orderId,
  );
const told = async (orderId: string) =>
  (await sql<{ name: string }>(`SELECT name FROM events WHERE resource_id = $1 OR payload->>'orderId' = $1 ORDER BY seq`, orderId)).map(
    ({ name }) => name,
  );
const until = (by: Person, id: string, status: OrderBody['status']) =>
  eventually(async () => (await read(by, id)).status === status, 20_000);
const levels = async (variantId: string) => (await sql('SELECT stock, reserved FROM variants WHERE id = $1', variantId))[0];
const grow = (orderId: string) => sql(`UPDATE payments SET updated_at = updated_at - interval '1 hour' WHERE order_id = $1`, orderId);

/** An event as the simulator would send it, with its headers. */
function anEvent(paymentId: string, { type = 'charge.succeeded', at = new Date(), id = `evt_${unique()}` } = {}) {
  const data = { about: 'payment', ref: `sandbox_${paymentId}`, paymentId };
  const body = JSON.stringify({ id, type, createdAt: at.toISOString(), data });
  return { body, headers: app.get(SandboxService).sign(body, at) };
}

const webhook = (body: string, headers: Record<string, string>, provider = 'sandbox') =>
  app.request('POST', `payments/webhooks/${provider}`, { body, headers: { ...headers, 'content-type': 'application/json' } });

describe('a payment with the simulator', () => {
  it('by sandbox:success is paid at once, and its webhook changes nothing any more', async () => {
    const { buyer, order, id, answer } = await aPurchase('sandbox:success');
    expect([answer.status, answer.body.status]).toEqual([201, 'succeeded']);
    expect((await read(buyer, id)).status).toBe('paid');
    await eventually(async () => (await heard(id))[0]?.status === 'done');
    expect((await read(buyer, id)).version).toBe(3);
    expect(await told(id)).toEqual(['order.placed', 'payment.processing', 'payment.succeeded', 'order.paid']);
    expect(await charges(id)).toEqual([{ outcome: 'succeeded', amount: String(order.total.amount), refunded: '0' }]);
  });

  it('by sandbox:decline fails, and the order may be paid in another way', async () => {
    const { buyer, id, answer } = await aPurchase('sandbox:decline');
    expect(answer.body).toMatchObject({ status: 'failed', failureCode: 'card_declined' });
    await eventually(async () => (await heard(id))[0]?.status === 'done');
    expect((await pay(buyer, id, 'sandbox:success')).body.status).toBe('succeeded');
    expect((await payments(buyer, id)).map(({ status }) => status)).toEqual(['succeeded', 'failed']);
  });

  it('by sandbox:delay is processing, holds the stock beyond its time, and is settled by a webhook', async () => {
    const { buyer, order, id, answer } = await aPurchase('sandbox:delay');
    expect([answer.status, answer.body.status]).toEqual([201, 'processing']);
    expect(await read(buyer, id)).toMatchObject({ status: 'pending', expiresAt: null });
    expect(await levels(order.variantId)).toEqual({ stock: 3, reserved: 1 });
    expect(refusal(await pay(buyer, id, 'sandbox:success'))).toEqual([409, 'payments/in-progress']);
    await until(buyer, id, 'paid');
    expect(await levels(order.variantId)).toEqual({ stock: 2, reserved: 0 });
    expect(await heard(id)).toEqual([{ type: 'charge.succeeded', status: 'done' }]);
    expect(await charges(id)).toHaveLength(1);
  });

  it('by sandbox:duplicate gets its webhook twice, and is paid once', async () => {
    const { buyer, order, id } = await aPurchase('sandbox:duplicate');
    await until(buyer, id, 'paid');
    await eventually(
      async () =>
        (await sql(`SELECT 1 FROM graphile_worker.jobs WHERE task_identifier IN ('payments.sandbox-deliver', 'payments.event')`)).length ===
        0,
    );
    expect(await heard(id)).toEqual([{ type: 'charge.succeeded', status: 'done' }]);
    expect((await told(id)).filter((name) => name === 'order.paid')).toHaveLength(1);
    expect(await levels(order.variantId)).toEqual({ stock: 2, reserved: 0 });
  });

  it('by sandbox:reorder hears of its success before the answer, and of its processing long after', async () => {
    const { buyer, id, answer } = await aPurchase('sandbox:reorder');
    expect([answer.status, answer.body.status]).toEqual([201, 'succeeded']); // though the provider’s answer was "processing"
    await eventually(async () => (await heard(id)).length === 2 && (await heard(id)).every(({ status }) => status === 'done'));
    expect((await heard(id)).map(({ type }) => type)).toEqual(['charge.succeeded', 'charge.processing']);
    expect((await read(buyer, id)).status).toBe('paid');
    expect((await payments(buyer, id)).map(({ status }) => status)).toEqual(['succeeded']);
  });

  it('by sandbox:lost is found by asking the provider', async () => {
    const { buyer, id, answer } = await aPurchase('sandbox:lost');
    expect(answer.body.status).toBe('processing');
    const asked = await sql<{ run_at: Date; created_at: Date }>(
      `SELECT run_at, created_at FROM graphile_worker.jobs WHERE key = $1`,
      `payments.ask:${answer.body.id}`,
    );
    expect(asked[0]!.run_at.getTime() - asked[0]!.created_at.getTime()).toBeGreaterThan(9_000);
    await sql(
      `SELECT graphile_worker.reschedule_jobs(ARRAY(SELECT id FROM graphile_worker.jobs WHERE key = $1), run_at => now())`,
      `payments.ask:${answer.body.id}`,
    );
    await until(buyer, id, 'paid');
    expect([await heard(id), await charges(id)]).toEqual([[], [expect.objectContaining({ outcome: 'succeeded' })]]);
  });

  it('by sandbox:lost is found by the sweep, too, should the job be gone', async () => {
    const { buyer, id, answer } = await aPurchase('sandbox:lost');
    await sql(`SELECT graphile_worker.remove_job($1)`, `payments.ask:${answer.body.id}`);
    await grow(id);
    await fire(app.databaseUrl, 'orders.sweep');
    await until(buyer, id, 'paid');
  });

  it('by sandbox:timeout is charged though the call fails, and once, however often it is tried again', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    const key = unique();
    const first = await pay(buyer, id, 'sandbox:timeout', key);
    expect([...refusal(first), first.headers['retry-after']]).toEqual([503, 'payments/provider-unreachable', '1']);
    expect(await charges(id)).toEqual([expect.objectContaining({ outcome: 'succeeded' })]);
    const retried = await pay(buyer, id, 'sandbox:timeout', key, other);
    expect([retried.status, retried.body.status]).toEqual([201, 'succeeded']);
    expect((await pay(buyer, id, 'sandbox:timeout', key)).headers['idempotency-replayed']).toBe('true');
    expect(refusal(await pay(buyer, id, 'sandbox:timeout'))).toEqual([409, 'orders/not-payable']);
    expect(await charges(id)).toHaveLength(1);
    expect((await read(buyer, id)).status).toBe('paid');
  });

  it('by sandbox:timeout comes to its end though nobody tries again', async () => {
    const { buyer, id, answer } = await aPurchase('sandbox:timeout');
    expect(answer.status).toBe(503);
    await until(buyer, id, 'paid');
    expect(await charges(id)).toHaveLength(1);
  });

  it('by sandbox:dispute is paid, then disputed, and nothing is refunded on top', async () => {
    const { buyer, id, answer } = await aPurchase('sandbox:dispute');
    expect(answer.body).toMatchObject({ status: 'succeeded', disputed: false });
    await eventually(async () => (await payments(buyer, id))[0]!.disputed);
    expect(await sql('SELECT status, reason FROM disputes WHERE payment_id = $1', answer.body.id)).toEqual([
      { status: 'open', reason: 'fraudulent' },
    ]);
    const admin = await anAdmin(app);
    const refund = await app.request('POST', `orders/${id}/refunds`, {
      token: admin.accessToken,
      body: { reason: 'x' },
      headers: { 'idempotency-key': unique() },
    });
    expect(refusal(refund)).toEqual([409, 'payments/disputed']);
    expect(refusal(await cancel(buyer, id))).toEqual([409, 'payments/disputed']);
    expect([(await read(buyer, id)).status, (await charges(id))[0]!.refunded]).toEqual(['paid', '0']);
    expect(await told(id)).toContain('dispute.opened');
  });

  it('is off in production unless it is switched on', async () => {
    const sandbox = (env: object) => new SandboxService(app.prisma, env as ConstructorParameters<typeof SandboxService>[1]).enabled;
    expect([
      sandbox({ isProduction: true, PAYMENTS_SANDBOX: 'off' }),
      sandbox({ isProduction: true, PAYMENTS_SANDBOX: 'on' }),
      sandbox({ isProduction: false, PAYMENTS_SANDBOX: 'off' }),
    ]).toEqual([false, true, true]);
  });
});

describe('a hundred payments of one order at once', () => {
  it.each(['sandbox:success', 'sandbox:delay', 'sandbox:reorder'])('are one charge in the simulator’s own books, by %s', async (method) => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => pay(buyer, id, method, unique(), index % 2 ? app : other)));
    const served = answers.filter(({ status }) => status === 201);
    expect(served).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(['payments/in-progress', 'orders/not-payable']).toContain(refusal(answer)[1]);
    await until(buyer, id, 'paid');
    expect(await charges(id)).toEqual([expect.objectContaining({ outcome: 'succeeded', refunded: '0' })]);
    expect((await told(id)).filter((name) => name === 'order.paid')).toHaveLength(1);
  });
});

describe('a webhook', () => {
  /** A payment that was begun by a process that does not come back, charged or not; no webhook of the simulator's own comes. */
  async function aLostPayment() {
    const { buyer, id, answer } = await aPurchase('sandbox:lost');
    return { buyer, id, paymentId: answer.body.id };
  }

  it('settles a payment once, however often and over how many processes it comes', async () => {
    const { buyer, id, paymentId } = await aLostPayment();
    const { body, headers } = anEvent(paymentId);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? app : other).request('POST', 'payments/webhooks/sandbox', {
          body,
          headers: { ...headers, 'content-type': 'application/json' },
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 204));
    await until(buyer, id, 'paid');
    expect(await heard(id)).toEqual([{ type: 'charge.succeeded', status: 'done' }]);
    expect((await told(id)).filter((name) => name === 'order.paid')).toHaveLength(1);
  });

  it('may be of a type that nobody knows, or about a payment that nobody knows: it is written down and ignored', async () => {
    const strange = JSON.stringify({ id: `evt_${unique()}`, type: 'weather.changed', data: null });
    expect((await webhook(strange, app.get(SandboxService).sign(strange, new Date()))).status).toBe(204);
    expect(await sql(`SELECT status FROM payment_events WHERE type = 'weather.changed'`)).toEqual([{ status: 'ignored' }]);
    const id = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
    const { body, headers } = anEvent(id);
    expect((await webhook(body, headers)).status).toBe(204);
    await eventually(async () => (await sql(`SELECT 1 FROM payment_events WHERE payment_id = $1 AND status = 'ignored'`, id)).length === 1);
  });

  it('cannot make a payment succeed that the provider has refused', async () => {
    const { buyer, id, answer } = await aPurchase('sandbox:decline');
    const { body, headers } = anEvent(answer.body.id);
    expect((await webhook(body, headers)).status).toBe(204);
    await eventually(async () => (await heard(id)).length === 2 && (await heard(id)).every(({ status }) => status === 'done'));
    expect([(await read(buyer, id)).status, (await payments(buyer, id))[0]!.status]).toEqual(['pending', 'failed']);
  });

  it('is refused when it is forged, old, from the future, or signed over something else', async () => {
    const { buyer, id, paymentId } = await aLostPayment();
    const { body, headers } = anEvent(paymentId);
    const [old, early] = [
      anEvent(paymentId, { at: new Date(Date.now() - 301_000) }),
      anEvent(paymentId, { at: new Date(Date.now() + 330_000) }),
    ];
    const signature = headers['webhook-signature']!;
    for (const answer of [
      await webhook(body, {}),
      await webhook(body, { ...headers, 'webhook-signature': 'v1,AAAA' }),
      await webhook(body, { ...headers, 'webhook-signature': '' }),
      await webhook(body, { ...headers, 'webhook-signature': signature.replace('v1,', 'v2,') }),
      await webhook(body, { ...headers, 'webhook-id': 'evt_other' }),
      await webhook(body, { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) }),
      await webhook(body, { ...headers, 'webhook-timestamp': 'now' }),
      await webhook(body.replace(paymentId, '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49'), headers),
      await webhook(`${body} `, headers),
      await webhook('', headers),
      await webhook(old.body, old.headers),
      await webhook(early.body, early.headers),
    ])
      expect(refusal(answer)).toEqual([400, 'payments/bad-signature']);
    expect([await heard(id), (await read(buyer, id)).status]).toEqual([[], 'pending']);
  });

  it('goes to a provider that is there, is not too large, and says nothing in its address', async () => {
    const { body, headers } = anEvent('0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49');
    for (const provider of ['stripe', 'Sandbox', 'constructor', '__proto__', 'x'.repeat(200)])
      expect(refusal(await webhook(body, headers, provider))).toEqual([404, 'payments/unknown-provider']);
    expect(refusal(await webhook('x'.repeat(524_289), headers))).toEqual([413, 'http/file-too-large']);
    expect((await webhook(body, headers, 'sandbox?a=1')).status).toBe(400);
  });
});

describe('money that comes late', () => {
  it('for an order that was cancelled meanwhile goes back by itself', async () => {
    const { buyer, order, id } = await aPurchase('sandbox:delay');
    const cancelled = await cancel(buyer, id);
    expect([cancelled.status, cancelled.body.status]).toEqual([200, 'cancelled']);
    expect(await levels(order.variantId)).toEqual({ stock: 3, reserved: 0 });
    await eventually(async () => (await charges(id))[0]!.refunded === String(order.total.amount));
    await eventually(async () => (await refunds(buyer, id))[0]?.status === 'succeeded');
    expect(await refunds(buyer, id)).toMatchObject([{ amount: order.total, items: [], restock: false }]);
    expect(await told(id)).toEqual([
      'order.placed',
      'payment.processing',
      'order.cancelled',
      'payment.succeeded',
      'payment.late',
      'refund.created',
      'refund.succeeded',
    ]);
    expect([(await read(buyer, id)).status, await levels(order.variantId)]).toEqual(['cancelled', { stock: 3, reserved: 0 }]);
  });

  it('for an order that has expired goes back by itself, and the goods stay with whoever has them', async () => {
    const { buyer, order, id, answer } = await aPurchase('sandbox:decline');
    // The bank has changed its mind, which it tells an hour later.
    await sql(`UPDATE sandbox_charges SET outcome = 'succeeded' WHERE payment_id = $1`, answer.body.id);
    await sql(`UPDATE orders SET created_at = created_at - interval '1 day', expires_at = now() - interval '1 hour' WHERE id = $1`, id);
    await sql(`UPDATE stock_reservations SET expires_at = now() - interval '1 hour' WHERE order_id = $1`, id);
    const { body, headers } = anEvent(answer.body.id);
    await webhook(body, headers);
    await eventually(async () => (await charges(id))[0]!.refunded === String(order.total.amount));
    expect((await read(buyer, id)).status).toBe('expired');
    await fire(app.databaseUrl, 'orders.sweep');
    await eventually(async () => (await sql('SELECT 1 FROM stock_reservations WHERE order_id = $1', id)).length === 0);
    expect(await levels(order.variantId)).toEqual({ stock: 3, reserved: 0 });
    expect(await told(id)).toContain('payment.late');
  });

  it('for an order that is still pending pays it, even after it had failed', async () => {
    const { buyer, order, id, answer } = await aPurchase('sandbox:decline');
    await sql(`UPDATE sandbox_charges SET outcome = 'succeeded' WHERE payment_id = $1`, answer.body.id);
    const { body, headers } = anEvent(answer.body.id);
    await webhook(body, headers);
    await until(buyer, id, 'paid');
    expect([await levels(order.variantId), await refunds(buyer, id)]).toEqual([{ stock: 2, reserved: 0 }, []]);
  });

  it('for an order that is paid otherwise goes back, and the order stays paid', async () => {
    const { buyer, order, id, answer } = await aPurchase('sandbox:decline');
    expect((await pay(buyer, id, 'sandbox:success')).body.status).toBe('succeeded');
    await sql(`UPDATE sandbox_charges SET outcome = 'succeeded' WHERE payment_id = $1`, answer.body.id);
    const { body, headers } = anEvent(answer.body.id);
    await webhook(body, headers);
    await eventually(async () => (await refunds(buyer, id))[0]?.status === 'succeeded');
    expect((await payments(buyer, id)).map(({ status, refunded }) => [status, refunded.amount])).toEqual([
      ['succeeded', 0],
      ['succeeded', order.total.amount],
    ]);
    expect((await read(buyer, id)).status).toBe('paid');
    expect(await levels(order.variantId)).toEqual({ stock: 2, reserved: 0 });
  });

  it('races with the cancellation to one legal end', async () => {
    const buyer = await aUser(app);
    const orders = await Promise.all(Array.from({ length: 12 }, () => anOrder(buyer)));
    await Promise.all(
      orders.map(async ({ id }, index) => {
        const [paid] = await Promise.all([pay(buyer, id, index % 2 ? 'sandbox:duplicate' : 'sandbox:delay'), sleep(index * 120)]);
        expect(paid.status).toBe(201);
        const { status } = await cancel(buyer, id);
        expect([200, 409]).toContain(status);
      }),
    );
    await eventually(
      async () =>
        (
          await sql(
            `SELECT o.id FROM orders o JOIN payments p ON p.order_id = o.id JOIN sandbox_charges c ON c.payment_id = p.id
             WHERE o.id = ANY ($1::uuid[]) AND c.amount - c.refunded <> CASE o.status WHEN 'paid' THEN o.total ELSE 0 END`,
            orders.map(({ id }) => id),
          )
        ).length === 0,
      20_000,
    );
    for (const { id, variantId } of orders) {
      const { status } = await read(buyer, id);
      expect(['paid', 'cancelled']).toContain(status);
      expect(await levels(variantId)).toEqual({ stock: status === 'paid' ? 2 : 3, reserved: 0 });
    }
  });
});

describe('a process that is killed', () => {
  it('between the charge and writing it down leaves a payment that the others bring to its end', async () => {
    const victim = await startProcess({ databaseUrl: app.databaseUrl });
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    const [provider, books] = [new pg.Client({ connectionString: app.databaseUrl }), new pg.Client({ connectionString: app.databaseUrl })];
    await Promise.all([provider.connect(), books.connect()]);
    await provider.query('BEGIN; LOCK TABLE sandbox_charges IN EXCLUSIVE MODE'); // the provider takes its time
    const key = unique();
    const broken = pay(buyer, id, 'sandbox:lost', key, victim).then(
      () => false,
      () => true,
    );
    try {
      await eventually(async () => (await sql('SELECT 1 FROM payments WHERE order_id = $1', id)).length === 1);
      await books.query('BEGIN');
      await books.query('SELECT 1 FROM orders WHERE id = $1 FOR UPDATE', [id]); // nobody can write the outcome down
      await provider.query('ROLLBACK');
      await eventually(async () => (await charges(id)).length === 1);
      await victim.stop('SIGKILL');
    } finally {
      await Promise.all([provider.end(), books.end()]);
    }
    expect(await broken).toBe(true);
    await grow(id);
    await fire(app.databaseUrl, 'orders.sweep');
    await until(buyer, id, 'paid');
    await sql('UPDATE idempotency_keys SET leased_until = now() WHERE status IS NULL AND scope = $1', buyer.id);
    const retried = await pay(buyer, id, 'sandbox:lost', key);
    expect([retried.status, retried.body.status]).toEqual([201, 'succeeded']);
    expect(await charges(id)).toHaveLength(1);
  });

  it('while it cancels paid orders leaves none without its refund', async () => {
    const victim = await startProcess({ databaseUrl: app.databaseUrl, env: { ROLE: 'all' } });
    const buyer = await aUser(app);
    const ids: string[] = [];
    for (let count = 0; count < 10; count++) {
      const { id } = await anOrder(buyer);
      await pay(buyer, id, 'sandbox:success');
      ids.push(id);
    }
    const answers = ids.map((id) =>
      victim.request('POST', `orders/${id}/cancellation`, { token: buyer.accessToken }).then(
        ({ status }) => status,
        () => 0,
      ),
    );
    await Promise.race(answers);
    await victim.stop('SIGKILL');
    await Promise.all(answers);
    // Others take a dead process's jobs after a while; here at once.
    await sql(`UPDATE graphile_worker._private_jobs SET locked_at = NULL, locked_by = NULL WHERE locked_by IS NOT NULL`);
    await eventually(
      async () =>
        (
          await sql(
            `SELECT o.id FROM orders o JOIN payments p ON p.order_id = o.id JOIN sandbox_charges c ON c.payment_id = p.id
             WHERE o.id = ANY ($1::uuid[]) AND c.refunded <> CASE o.status WHEN 'cancelled' THEN o.total ELSE 0 END`,
            ids,
          )
        ).length === 0,
      25_000,
    );
  });
});

describe('the payments of an order', () => {
  it('are for its customer and for staff', async () => {
    const { buyer, id } = await aPurchase('sandbox:decline');
    const list = (by: Person | null, order = id) =>
      app.request<Wire<PaymentList>>('GET', `orders/${order}/payments`, by ? { token: by.accessToken } : {});
    for (const by of [buyer, await aUser(app, { roles: ['support'] }), await anAdmin(app)])
      expect((await list(by)).body.items).toMatchObject([{ orderId: id, method: 'sandbox:decline', failureCode: 'card_declined' }]);
    expect((await list(null)).status).toBe(401);
    expect(refusal(await list(await aUser(app)))).toEqual([404, 'orders/not-found']);
    expect((await list(buyer, 'x')).status).toBe(400);
  });
});
