import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { InvoiceList } from '../src/orders/invoices.dto.js';
import type { OrderResponse } from '../src/orders/orders.dto.js';
import type { PaymentList, PaymentResponse, RefundList, RefundResponse } from '../src/payments/payments.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import { fire } from './harness/schedules.js';
import { aStripe, type StripeServer } from './harness/stripe-server.js';
import type { Wire } from './harness/wire.js';

let stripe: StripeServer;
let app: TestApp;
let other: Product;
let admin: Person;

beforeAll(async () => {
  stripe = await aStripe();
  app = await startApp(stripe.settings);
  other = await startProcess({ databaseUrl: app.databaseUrl, env: stripe.settings });
  await stripe.sendTo(app.url);
  admin = await anAdmin(app);
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
  await stripe.close();
});

type OrderBody = Wire<OrderResponse>;
type PaymentBody = Wire<PaymentResponse>;

const sql = <Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const refusal = (answer: Answer<unknown>) => [answer.status, (answer.body as ProblemDocument).code];
const read = async (by: Person, id: string) => (await app.request<OrderBody>('GET', `orders/${id}`, { token: by.accessToken })).body;
const payments = async (by: Person, id: string) =>
  (await app.request<Wire<PaymentList>>('GET', `orders/${id}/payments`, { token: by.accessToken })).body.items;
const refunds = async (id: string) =>
  (await app.request<Wire<RefundList>>('GET', `orders/${id}/refunds`, { token: admin.accessToken })).body.items;
const cancel = (by: Person, id: string) => app.request<OrderBody>('POST', `orders/${id}/cancellation`, { token: by.accessToken });
const pay = (by: Person, id: string, method: string, { key = unique(), at = app }: { key?: string; at?: Pick<TestApp, 'request'> } = {}) =>
  at.request<PaymentBody>('POST', `orders/${id}/payments`, {
    token: by.accessToken,
    body: { method },
    headers: { 'idempotency-key': key },
  });
const refund = (id: string, body: object) =>
  app.request<Wire<RefundResponse>>('POST', `orders/${id}/refunds`, {
    token: admin.accessToken,
    body: { reason: 'x', ...body },
    headers: { 'idempotency-key': unique() },
  });
const until = (by: Person, id: string, status: OrderBody['status']) =>
  eventually(async () => (await read(by, id)).status === status, 20_000);
const intentsOf = async (orderId: string) => (await stripe.books()).intents.filter(({ metadata }) => metadata['order_id'] === orderId);
const intentOf = async (orderId: string) => (await intentsOf(orderId))[0]!;
const levels = async (variantId: string) => (await sql('SELECT stock, reserved FROM variants WHERE id = $1', variantId))[0];

async function anOrder(by: Person, currency = 'EUR'): Promise<OrderBody & { variantId: string }> {
  const variantId = (await aProduct(app, { stock: 3, currency, by: admin })).variants[0]!.id;
  const call = { token: by.accessToken, headers: { 'idempotency-key': unique() }, body: { items: [{ variantId, quantity: 1 }] } };
  return { ...(await app.request<OrderBody>('POST', 'orders', call)).body, variantId };
}

async function aPurchase(method: string) {
  const buyer = await aUser(app);
  const order = await anOrder(buyer);
  return { buyer, order, id: order.id, answer: await pay(buyer, order.id, method) };
}

describe('a payment with Stripe', () => {
  it('succeeds with a card, and its webhook changes nothing any more', async () => {
    const { buyer, order, id, answer } = await aPurchase('pm_card_visa');
    expect([answer.status, answer.body]).toEqual([201, expect.objectContaining({ status: 'succeeded', method: 'pm_card_visa' })]);
    expect(answer.body).not.toHaveProperty('clientSecret');
    expect((await read(buyer, id)).status).toBe('paid');
    const intent = await intentOf(id);
    expect(intent).toMatchObject({ amount: order.total.amount, metadata: { payment_id: answer.body.id, order_id: id } });
    await eventually(
      async () => (await sql(`SELECT 1 FROM payment_events WHERE payment_id = $1 AND status = 'done'`, answer.body.id)).length === 1,
    );
    expect((await read(buyer, id)).version).toBe(3);
  });

  it('may be declined, in Stripe’s word, and tried with another card', async () => {
    const { buyer, id, answer } = await aPurchase('pm_card_chargeDeclined');
    expect([answer.status, answer.body]).toEqual([201, expect.objectContaining({ status: 'failed', failureCode: 'generic_decline' })]);
    expect((await read(buyer, id)).status).toBe('pending');
    expect((await pay(buyer, id, 'pm_card_visa')).body.status).toBe('succeeded');
  });

  it('fails with a method that Stripe does not know', async () => {
    const { buyer, id, answer } = await aPurchase('pm_nobody');
    expect(answer.body).toMatchObject({ status: 'failed', failureCode: 'resource_missing' });
    expect((await read(buyer, id)).status).toBe('pending');
  });

  it('takes no method that is none of Stripe’s', async () => {
    const { answer } = await aPurchase('tok_visa');
    expect(refusal(answer)).toEqual([400, 'payments/unknown-method']);
  });

  it('that requires an action gives the client secret, keeps the time the order had, and succeeds when the customer has confirmed', async () => {
    const { buyer, order, id, answer } = await aPurchase('pm_card_threeDSecureRequired');
    const intent = await intentOf(id);
    expect(answer.body).toMatchObject({ status: 'requires_action', clientSecret: expect.stringMatching(`^${intent.id}_secret_`) });
    expect(await read(buyer, id)).toMatchObject({ status: 'pending', expiresAt: order.expiresAt });
    expect((await payments(buyer, id))[0]).not.toHaveProperty('clientSecret');
    await stripe.succeed(intent.id);
    await until(buyer, id, 'paid');
    expect(await levels(order.variantId)).toEqual({ stock: 2, reserved: 0 });
  });

  it('that requires an action gives way to another, and is cancelled at Stripe', async () => {
    const { buyer, id } = await aPurchase('pm_card_threeDSecureRequired');
    const intent = await intentOf(id);
    expect((await pay(buyer, id, 'pm_card_visa')).body.status).toBe('succeeded');
    await eventually(async () => (await stripe.books()).intents.find((one) => one.id === intent.id)!.status === 'canceled');
    expect((await payments(buyer, id)).map(({ status, failureCode }) => [status, failureCode])).toEqual([
      ['succeeded', null],
      ['failed', 'superseded'],
    ]);
  });

  it('that is processing holds the order until the bank has paid', async () => {
    const { buyer, order, id, answer } = await aPurchase('pm_usBankAccount_processing');
    expect(answer.body.status).toBe('processing');
    expect(await read(buyer, id)).toMatchObject({ status: 'pending', expiresAt: null });
    expect(await levels(order.variantId)).toEqual({ stock: 3, reserved: 1 });
    await stripe.succeed((await intentOf(id)).id);
    await until(buyer, id, 'paid');
  });

  it('is charged in Stripe’s own count of the currency', async () => {
    const buyer = await aUser(app);
    const order = await anOrder(buyer, 'ISK');
    expect((await pay(buyer, order.id, 'pm_card_visa')).body.amount).toEqual(order.total);
    expect((await intentOf(order.id)).amount).toBe(order.total.amount * 100);
  });
});

describe('a call to Stripe that breaks', () => {
  it('after the charge is answered 503; tried again with its key it finds the charge', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    const key = unique();
    await stripe.sendTo(app.url, { hold: true });
    await stripe.weather('/v1/payment_intents', 'lost', 2); // the library tries twice
    const first = await pay(buyer, id, 'pm_card_visa', { key });
    expect(refusal(first)).toEqual([503, 'payments/provider-unreachable']);
    expect(await intentsOf(id)).toMatchObject([{ status: 'succeeded' }]);
    expect((await read(buyer, id)).status).toBe('pending');
    const again = await pay(buyer, id, 'pm_card_visa', { key, at: other });
    expect([again.status, again.body.status]).toEqual([201, 'succeeded']);
    expect(await intentsOf(id)).toHaveLength(1);
    await stripe.sendTo(app.url);
  });

  it('once is tried again by itself', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    await stripe.weather('/v1/payment_intents', 'broken', 1);
    expect((await pay(buyer, id, 'pm_card_visa')).body.status).toBe('succeeded');
    expect(await intentsOf(id)).toHaveLength(1);
  });

  it('is found out by asking, though nobody tries again, even when Stripe has forgotten the key', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    await stripe.sendTo(app.url, { hold: true });
    await stripe.weather('/v1/payment_intents', 'lost', 2);
    expect((await pay(buyer, id, 'pm_card_visa')).status).toBe(503);
    await stripe.forgetKeys();
    await sql(
      `UPDATE payments SET created_at = created_at - interval '2 days', updated_at = updated_at - interval '2 days' WHERE order_id = $1`,
      id,
    );
    await fire(app.databaseUrl, 'orders.sweep');
    await until(buyer, id, 'paid');
    expect(await intentsOf(id)).toHaveLength(1);
    await stripe.sendTo(app.url);
  });

  it('because the key is wrong charges nothing, and says that it is not the client’s fault', async () => {
    const misled = await startProcess({
      databaseUrl: app.databaseUrl,
      env: { ...stripe.settings, STRIPE_SECRET_KEY: 'sk_test_another0123456' },
    });
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    expect(refusal(await pay(buyer, id, 'pm_card_visa', { at: misled }))).toEqual([503, 'payments/provider-unreachable']);
    await misled.stop();
    expect(await intentsOf(id)).toEqual([]);
  });

  it('sends each charge under a key of its own', async () => {
    const { calls } = await stripe.books();
    const creations = calls.filter(({ method, path }) => method === 'POST' && path === '/v1/payment_intents');
    expect(creations.length).toBeGreaterThan(5);
    for (const { key } of creations) expect(key).toMatch(/^payment-[0-9a-f-]{36}$/);
  });
});

describe('a hundred payments of one order at once with Stripe', () => {
  it('are one charge in Stripe’s books', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    await stripe.weather('/v1/payment_intents', 'slow', 1);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => pay(buyer, id, 'pm_card_visa', { at: index % 2 ? app : other })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await intentsOf(id)).toMatchObject([{ status: 'succeeded' }]);
    await until(buyer, id, 'paid');
  });
});

describe('a webhook of Stripe', () => {
  /** A payment whose webhooks wait to be sent by the test. */
  async function withHeldWebhooks(method = 'pm_usBankAccount_processing') {
    await stripe.sendTo(app.url, { hold: true });
    const purchase = await aPurchase(method);
    const intent = await intentOf(purchase.id);
    if (method === 'pm_usBankAccount_processing') await stripe.succeed(intent.id);
    const events = (await stripe.books()).events.filter(({ data }) => data.object.id === intent.id);
    return { ...purchase, intent, events, eventOf: (type: string) => events.find((event) => event.type === `payment_intent.${type}`)!.id };
  }

  it('counts once and in any order', async () => {
    const { buyer, id, answer, eventOf } = await withHeldWebhooks();
    for (const type of ['succeeded', 'processing', 'succeeded', 'processing']) expect(await stripe.deliver(eventOf(type))).toBe(204);
    await until(buyer, id, 'paid');
    await eventually(
      async () => (await sql(`SELECT 1 FROM payment_events WHERE payment_id = $1 AND status = 'done'`, answer.body.id)).length === 2,
    );
    expect((await payments(buyer, id)).map(({ status }) => status)).toEqual(['succeeded']);
    await stripe.sendTo(app.url);
  });

  it('before the answer to the call settles it, too', async () => {
    const buyer = await aUser(app);
    const { id } = await anOrder(buyer);
    await stripe.sendTo(app.url);
    await stripe.weather('/v1/payment_intents', 'slow', 1);
    const answer = pay(buyer, id, 'pm_card_visa');
    await until(buyer, id, 'paid');
    expect(await sql(`SELECT 1 FROM idempotency_keys WHERE scope = $1 AND status IS NULL`, buyer.id)).toHaveLength(1); // the call still runs
    expect((await answer).body.status).toBe('succeeded');
    expect((await payments(buyer, id)).map(({ status }) => status)).toEqual(['succeeded']);
  });

  it('is refused when it is old, or signed with another secret', async () => {
    const { buyer, id, eventOf } = await withHeldWebhooks();
    expect(await stripe.deliver(eventOf('succeeded'), Math.floor(Date.now() / 1_000) - 301)).toBe(400);
    const forged = { id: 'evt_1', object: 'event', type: 'payment_intent.succeeded', data: { object: { id: 'pi_1' } } };
    for (const signature of [undefined, '', 't=1,v1=abc', `t=${Math.floor(Date.now() / 1_000)},v1=${'0'.repeat(64)}`]) {
      const headers = { 'content-type': 'application/json', ...(signature !== undefined && { 'stripe-signature': signature }) };
      expect(refusal(await app.request('POST', 'payments/webhooks/stripe', { body: forged, headers }))).toEqual([
        400,
        'payments/bad-signature',
      ]);
    }
    expect((await read(buyer, id)).status).toBe('pending');
    await stripe.deliver(eventOf('succeeded'));
    await until(buyer, id, 'paid');
    await stripe.sendTo(app.url);
  });

  it('of another kind, or about somebody else’s payment, is written down and ignored', async () => {
    await stripe.sendTo(app.url);
    const price = `price_${unique()}`;
    await stripe.happen('plan.created', { id: price, object: 'plan' });
    await stripe.happen('payment_intent.succeeded', { id: `pi_${unique()}`, object: 'payment_intent', metadata: {} });
    await eventually(
      async () => (await sql(`SELECT 1 FROM payment_events WHERE type = 'plan.created' AND status = 'ignored'`)).length === 1,
    );
    await eventually(
      async () =>
        (await sql(`SELECT 1 FROM payment_events WHERE about = 'payment' AND payment_id IS NULL AND status = 'ignored'`)).length === 1,
    );
  });
});

describe('money that comes late from Stripe', () => {
  it('for an order that has expired while its customer was to confirm goes back by itself', async () => {
    const { buyer, order, id } = await aPurchase('pm_card_threeDSecureRequired');
    const intent = await intentOf(id);
    await sql(`UPDATE orders SET expires_at = now() - interval '1 minute' WHERE id = $1`, id);
    await sql(`UPDATE stock_reservations SET expires_at = now() - interval '1 minute' WHERE order_id = $1`, id);
    await stripe.succeed(intent.id);
    await eventually(async () => (await refunds(id))[0]?.status === 'succeeded');
    expect((await stripe.books()).refunds.filter(({ payment_intent }) => payment_intent === intent.id)).toMatchObject([
      { amount: order.total.amount, status: 'succeeded' },
    ]);
    expect((await read(buyer, id)).status).toBe('expired');
  });

  it('for an order that was cancelled goes back by itself', async () => {
    const { buyer, id } = await aPurchase('pm_usBankAccount_processing');
    expect((await cancel(buyer, id)).body.status).toBe('cancelled');
    const intent = await intentOf(id);
    await stripe.succeed(intent.id);
    await eventually(async () => (await refunds(id))[0]?.status === 'succeeded');
    expect((await intentOf(id)).amount_refunded_here).toBe(intent.amount);
  });

  it('is not asked for any more once the order is cancelled', async () => {
    const { buyer, id } = await aPurchase('pm_card_threeDSecureRequired');
    expect((await cancel(buyer, id)).body.status).toBe('cancelled');
    await eventually(async () => (await intentOf(id)).status === 'canceled');
    expect((await payments(buyer, id))[0]).toMatchObject({ status: 'failed', failureCode: 'order_cancelled' });
  });
});

describe('a refund with Stripe', () => {
  it('is partial, then whole', async () => {
    const { order, id } = await aPurchase('pm_card_visa');
    expect((await refund(id, { amount: { amount: 99, currency: 'EUR' } })).body.status).toBe('succeeded');
    expect((await refund(id, {})).body).toMatchObject({ status: 'succeeded', amount: { amount: order.total.amount - 99 } });
    expect((await intentOf(id)).amount_refunded_here).toBe(order.total.amount);
  });

  it('whose answer is lost is made once all the same', async () => {
    const { id } = await aPurchase('pm_card_visa');
    await stripe.sendTo(app.url, { hold: true });
    await stripe.weather('/v1/refunds', 'lost', 2);
    expect(refusal(await refund(id, { amount: { amount: 99, currency: 'EUR' } }))).toEqual([503, 'payments/provider-unreachable']);
    const [pending] = await refunds(id);
    expect(pending!.status).toBe('pending');
    await sql(
      `SELECT graphile_worker.reschedule_jobs(ARRAY(SELECT id FROM graphile_worker.jobs WHERE key = $1), run_at => now())`,
      `payments.refund:${pending!.id}`,
    );
    await eventually(async () => (await refunds(id))[0]!.status === 'succeeded');
    expect((await intentOf(id)).amount_refunded_here).toBe(99);
    await stripe.sendTo(app.url);
  });

  it('of a cancelled order is made by a job, however long Stripe is away', async () => {
    const { buyer, order, id } = await aPurchase('pm_card_visa');
    await stripe.weather('/v1/refunds', 'broken', 3);
    expect((await cancel(buyer, id)).body.status).toBe('cancelled');
    await eventually(async () => (await refunds(id))[0]!.status === 'succeeded', 25_000);
    expect((await intentOf(id)).amount_refunded_here).toBe(order.total.amount);
  });

  it('may take Stripe a while, which a webhook ends', async () => {
    const { buyer, id } = await aPurchase('pm_card_pendingRefund');
    expect((await refund(id, {})).body.status).toBe('pending');
    expect((await read(buyer, id)).status).toBe('paid');
    await stripe.endRefund((await intentOf(id)).id);
    await until(buyer, id, 'refunded');
  });

  it('may fail days after it had succeeded; its money can be refunded again', async () => {
    const { buyer, order, id } = await aPurchase('pm_card_refundFail');
    const first = await refund(id, { amount: { amount: 99, currency: 'EUR' } });
    expect(first.body.status).toBe('succeeded');
    await eventually(async () => (await refunds(id))[0]!.status === 'failed');
    expect((await refunds(id))[0]).toMatchObject({ failureCode: 'expired_or_canceled_card' });
    expect(await sql('SELECT refunded FROM payments WHERE order_id = $1', id)).toEqual([{ refunded: '0' }]);

    // All of it: the order stays refunded, and what did not arrive is to be sent again.
    for (const round of [2, 3]) {
      expect((await refund(id, {})).body).toMatchObject({ status: 'succeeded', amount: { amount: order.total.amount } });
      expect((await read(buyer, id)).status).toBe('refunded');
      await eventually(async () => (await refunds(id)).filter(({ status }) => status === 'failed').length === round);
    }
    const documents = (await app.request<Wire<InvoiceList>>('GET', `orders/${id}/invoices`, { token: buyer.accessToken })).body.items;
    const [whole, part] = [order.total.amount, 99];
    expect(documents.map(({ kind, total }) => [kind, total.amount])).toEqual([
      ['invoice', whole],
      ['credit-note', part],
      ['debit-note', part],
      ['credit-note', whole],
      ['debit-note', whole],
      ['credit-note', whole],
      ['debit-note', whole],
    ]);
    expect(documents.map(({ number }) => Number(number.split('-')[1]))).toEqual(
      documents.map((_, index) => Number(documents[0]!.number.split('-')[1]) + index),
    );
  });

  it('is refused when all of it is back', async () => {
    const { id } = await aPurchase('pm_card_visa');
    expect((await refund(id, {})).body.status).toBe('succeeded');
    expect(refusal(await refund(id, {}))).toEqual([409, 'orders/not-refundable']);
  });
});

describe('a refund in Stripe’s dashboard', () => {
  it('is taken over, once, and counts', async () => {
    const { buyer, order, id } = await aPurchase('pm_card_visa');
    const intent = await intentOf(id);
    await stripe.refund(intent.id, 99);
    await eventually(async () => (await refunds(id))[0]?.status === 'succeeded');
    const { events } = await stripe.books();
    const event = events.findLast(({ type }) => type === 'refund.created')!;
    await stripe.happen('refund.updated', event.data.object);
    await eventually(
      async () => (await sql(`SELECT 1 FROM payment_events WHERE ref = $1 AND status = 'done'`, event.data.object.id)).length === 2,
    );
    expect(await refunds(id)).toMatchObject([{ amount: { amount: 99 }, reason: 'refunded at the payment provider', items: [] }]);
    expect((await payments(buyer, id))[0]!.refunded.amount).toBe(99);
    expect((await refund(id, {})).body.amount.amount).toBe(order.total.amount - 99);
    expect((await read(buyer, id)).status).toBe('refunded');
    expect((await intentOf(id)).amount_refunded_here).toBe(order.total.amount);
  });
});

describe('a dispute with Stripe', () => {
  it('blocks refunds while it is open, and no more when it is won', async () => {
    const { buyer, order, id } = await aPurchase('pm_card_createDispute');
    await eventually(async () => (await payments(buyer, id))[0]!.disputed);
    expect(refusal(await refund(id, {}))).toEqual([409, 'payments/disputed']);
    expect(refusal(await cancel(buyer, id))).toEqual([409, 'payments/disputed']);
    await stripe.endDispute((await intentOf(id)).id, 'won');
    await eventually(async () => !(await payments(buyer, id))[0]!.disputed);
    expect((await refund(id, {})).body).toMatchObject({ status: 'succeeded', amount: order.total });
    const named = await sql<{ name: string }>(
      `SELECT name FROM events WHERE payload->>'orderId' = $1 AND name LIKE 'dispute.%' ORDER BY seq`,
      id,
    );
    expect(named.map(({ name }) => name)).toEqual(['dispute.opened', 'dispute.closed']);
  });

  it('is heard of however close to the answer about its payment it comes', async () => {
    const purchases = await Promise.all(Array.from({ length: 30 }, () => aPurchase('pm_card_createDispute')));
    await eventually(async () => {
      const disputed = purchases.map(async ({ buyer, id }) => (await payments(buyer, id))[0]!.disputed);
      return (await Promise.all(disputed)).every(Boolean);
    }, 20_000);
  });

  it('that is lost blocks them for good', async () => {
    const { buyer, id } = await aPurchase('pm_card_createDispute');
    await eventually(async () => (await payments(buyer, id))[0]!.disputed);
    await stripe.endDispute((await intentOf(id)).id, 'lost');
    await eventually(
      async () =>
        (await sql(`SELECT 1 FROM disputes d JOIN payments p ON p.id = d.payment_id WHERE p.order_id = $1 AND d.status = 'lost'`, id))
          .length === 1,
    );
    expect(refusal(await refund(id, {}))).toEqual([409, 'payments/disputed']);
  });
});
