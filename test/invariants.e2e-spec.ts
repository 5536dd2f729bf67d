import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import type { InvariantResponse, InvariantsResponse, RepairResponse } from '../src/ops/invariants.dto.js';
import type { InvoiceList, InvoiceResponse } from '../src/orders/invoices.dto.js';
import type { OrderResponse } from '../src/orders/orders.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aProduct, aUser, type Person, unique } from './harness/people.js';
import { startProcess, stopProcesses } from './harness/product.js';
import { fire } from './harness/schedules.js';
import type { Wire } from './harness/wire.js';

/** Without a worker, so that nobody mends anything meanwhile. */
let app: TestApp;
let admin: Person;
let buyer: Person;
let variantId: string;

beforeAll(async () => {
  app = await startApp({ ROLE: 'api' });
  [admin, buyer] = [await anAdmin(app), await aUser(app)];
  variantId = (await aProduct(app, { price: 1_000, stock: 1_000, by: admin })).variants[0]!.id;
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await app.close();
});

type Invariant = Wire<InvariantResponse>;

const sql = <Row extends object = Record<string, string>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const refusal = (answer: Answer<unknown>) => [answer.status, (answer.body as ProblemDocument).code];
const look = async () => (await app.request<Wire<InvariantsResponse>>('GET', 'ops/invariants', { token: admin.accessToken })).body;
const find = async (id: string): Promise<Invariant> => (await look()).invariants.find((one) => one.id === id)!;
const broken = async () => (await look()).invariants.filter(({ status }) => status !== 'holds').map(({ id }) => id);
const repair = (id: string, body: object = {}, by: Person | null = admin) =>
  app.request<RepairResponse>('POST', `ops/invariants/${id}/repair`, { ...(by && { token: by.accessToken }), body });

const asBuyer = <Body>(path: string, body: object = {}) =>
  app.request<Body>('POST', path, { token: buyer.accessToken, headers: { 'idempotency-key': unique() }, body });
const anOrder = async (more: object = {}) =>
  (await asBuyer<Wire<OrderResponse>>('orders', { items: [{ variantId, quantity: 2 }], ...more })).body.id;
async function aPaidOrder(): Promise<string> {
  const id = await anOrder();
  expect((await asBuyer(`orders/${id}/payments`, { method: 'sandbox:success' })).body).toMatchObject({ status: 'succeeded' });
  return id;
}
async function aCancelledOrder(): Promise<string> {
  const id = await aPaidOrder();
  expect((await asBuyer(`orders/${id}/cancellation`)).status).toBe(200);
  return id;
}
const paymentOf = async (orderId: string) => (await sql<{ id: string }>('SELECT id FROM payments WHERE order_id = $1', orderId))[0]!.id;
const refundOf = async (orderId: string) =>
  (await sql<{ id: string }>('SELECT r.id FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.order_id = $1', orderId))[0]!.id;
const documentsOf = async (orderId: string) =>
  (await app.request<Wire<InvoiceList>>('GET', `orders/${orderId}/invoices`, { token: admin.accessToken })).body.items;
/** Of an order whose documents are the newest: no gap is left. */
async function loseDocumentsOf(orderId: string): Promise<void> {
  await sql('ALTER TABLE invoices DISABLE TRIGGER invoices_keep');
  const lost = await sql('DELETE FROM invoices WHERE order_id = $1 RETURNING id', orderId);
  await sql('ALTER TABLE invoices ENABLE TRIGGER invoices_keep');
  await sql('UPDATE invoice_counters SET last = last - $1', lost.length);
}
async function aCoupon(): Promise<{ id: string; code: string }> {
  const body = { code: `C-${unique()}`, kind: 'percentage', percentage: '10', usageLimit: 5 };
  return (await app.request<{ id: string; code: string }>('POST', 'coupons', { token: admin.accessToken, body })).body;
}

/** A way to break an invariant past the application: what then is wrong with what, and what a repair makes of it. */
interface Break {
  id: string;
  /** Breaks it; returns what it says of what. */
  does: () => Promise<string>;
  says: string | RegExp;
  /** What the repair changes; null where there is none. */
  changes: string | RegExp | null;
  /** A job does the rest of the repair. */
  later?: boolean;
  /** Takes it back, where there is no repair. */
  undo?: (id: string) => Promise<unknown>;
}

const BREAKS: Break[] = [
  {
    id: 'stock-reserved',
    does: async () => {
      const { id } = (await aProduct(app, { stock: 10, by: admin })).variants[0]!;
      await sql('UPDATE variants SET reserved = 2 WHERE id = $1', id);
      return id;
    },
    says: '2 are reserved, its reservations come to 0',
    changes: 'reserved: 2 → 0',
  },
  {
    id: 'stock-ledger',
    does: async () => {
      const { id } = (await aProduct(app, { stock: 10, by: admin })).variants[0]!;
      await sql('UPDATE variants SET stock = 7 WHERE id = $1', id);
      return id;
    },
    says: 'the stock is 7, its ledger comes to 10',
    changes: 'entry of -3',
  },
  {
    id: 'stock-levels',
    does: async () => {
      const { id } = (await aProduct(app, { stock: 10, by: admin })).variants[0]!;
      await sql('UPDATE stock_levels SET quantity = 4 WHERE variant_id = $1', id);
      return id;
    },
    says: '4 lie in main, the ledger there comes to 10',
    changes: 'main: 4 → 10',
  },
  {
    id: 'payments-refunded',
    does: async () => {
      const id = await paymentOf(await aPaidOrder());
      await sql('UPDATE payments SET refunded = 500 WHERE id = $1', id);
      return id;
    },
    says: '500 are counted as refunded, its refunds come to 0',
    changes: 'refunded: 500 → 0',
  },
  {
    id: 'payments-over-refunded',
    does: async () => {
      const id = await paymentOf(await aPaidOrder());
      await sql(
        `INSERT INTO refunds (id, payment_id, status, amount, reason) SELECT gen_random_uuid(), $1, 'succeeded', 1500, 'x' FROM generate_series(1, 2)`,
        id,
      );
      return id;
    },
    says: '2000 EUR were paid, its refunds come to 3000',
    changes: null,
    undo: (id) => sql('DELETE FROM refunds WHERE payment_id = $1', id),
  },
  {
    id: 'payments-disputed',
    does: async () => {
      const id = await paymentOf(await aPaidOrder());
      await sql('UPDATE payments SET disputed = true WHERE id = $1', id);
      return id;
    },
    says: 'disputed, without a dispute that is open or lost',
    changes: 'disputed: true → false',
  },
  {
    id: 'disputes-seen',
    does: async () => {
      const id = await paymentOf(await aPaidOrder());
      await sql('UPDATE payments SET disputed = true WHERE id = $1', id);
      await sql(
        `INSERT INTO disputes (id, payment_id, provider_ref, amount, reason) VALUES (gen_random_uuid(), $1, 'dp_1', 2000, 'fraudulent')`,
        id,
      );
      return id;
    },
    says: /^dispute of 2000, open since \d{4}-\d\d-\d\d$/,
    changes: null,
    undo: async (id) => {
      await sql(`UPDATE disputes SET status = 'won' WHERE payment_id = $1`, id);
      await sql('UPDATE payments SET disputed = false WHERE id = $1', id);
    },
  },
  {
    id: 'payments-stuck',
    does: async () => {
      const order = await anOrder();
      await asBuyer(`orders/${order}/payments`, { method: 'sandbox:delay' });
      const id = await paymentOf(order);
      await sql(`UPDATE payments SET updated_at = now() - interval '3 hours' WHERE id = $1`, id);
      return id;
    },
    says: /^processing since .*, asked for 1 times, last at /,
    changes: 'job payments.ask',
    later: true,
  },
  {
    id: 'refunds-stuck',
    does: async () => {
      const id = await refundOf(await aCancelledOrder());
      await sql(`UPDATE refunds SET updated_at = now() - interval '2 hours' WHERE id = $1`, id);
      return id;
    },
    says: /^2000, pending since /,
    changes: 'job payments.refund',
    later: true,
  },
  {
    id: 'payment-events-stuck',
    does: async () => {
      const [event] = await sql<{ id: string }>(
        `INSERT INTO payment_events (id, provider, event_id, type, about, ref, received_at)
          VALUES (gen_random_uuid(), 'sandbox', $1, 'charge.succeeded', 'payment', 'sandbox_nobody', now() - interval '2 hours') RETURNING id`,
        unique(),
      );
      return event!.id;
    },
    says: /^charge.succeeded of sandbox, waiting since /,
    changes: 'job payments.event',
    later: true,
  },
  {
    id: 'orders-unpaid',
    does: async () => {
      const id = await aPaidOrder();
      await sql(`UPDATE payments SET status = 'failed' WHERE order_id = $1`, id);
      return id;
    },
    says: /^order \d+ of 2000 EUR is paid$/,
    changes: null,
    undo: (id) => sql(`UPDATE payments SET status = 'succeeded' WHERE order_id = $1`, id),
  },
  {
    id: 'payments-without-order',
    does: async () => {
      const order = await aPaidOrder();
      await sql(`UPDATE orders SET status = 'expired' WHERE id = $1`, order);
      return paymentOf(order);
    },
    says: /^2000 EUR were paid, and order \d+ is expired$/,
    changes: 'status: succeeded → processing; job payments.ask',
  },
  {
    id: 'orders-goods',
    does: async () => {
      const [order] = await sql<{ id: string }>(
        `SELECT o.id FROM orders o JOIN payments p ON p.order_id = o.id WHERE o.status = 'expired' AND p.status = 'processing'`,
      );
      return order!.id;
    },
    says: /^order \d+ is expired, 2 pieces were bought, 2 have left and 0 are back$/,
    changes: '2 pieces put back',
  },
  {
    id: 'refunds-owed',
    does: async () => {
      const order = await aCancelledOrder();
      const id = await paymentOf(order);
      await sql(`UPDATE refunds SET status = 'failed', failure_code = 'account_closed' WHERE payment_id = $1`, id);
      await sql('UPDATE payments SET refunded = 0 WHERE id = $1', id);
      return id;
    },
    says: /^2000 of 2000 EUR are owed for order \d+$/,
    changes: 'refund of 2000 EUR',
  },
  {
    id: 'refunds-failed',
    does: async () => {
      const payment = await paymentOf(await aPaidOrder());
      const [refund] = await sql<{ id: string }>(
        `INSERT INTO refunds (id, payment_id, status, amount, reason, failure_code) VALUES (gen_random_uuid(), $1, 'failed', 700, 'x', 'lost_card') RETURNING id`,
        payment,
      );
      return refund!.id;
    },
    says: /^700 EUR for order \d+ were not paid back: lost_card$/,
    changes: null,
    undo: (id) => sql('DELETE FROM refunds WHERE id = $1', id),
  },
  {
    id: 'orders-overdue',
    does: async () => {
      const id = await anOrder();
      await sql(`UPDATE orders SET expires_at = now() - interval '1 hour' WHERE id = $1`, id);
      return id;
    },
    says: /^order \d+ was out of time at /,
    changes: 'status: pending → expired',
  },
  {
    id: 'orders-endless',
    does: async () => {
      const id = await anOrder();
      await sql(`UPDATE orders SET expires_at = NULL, updated_at = now() - interval '1 hour' WHERE id = $1`, id);
      return id;
    },
    says: /^order \d+ of 2000 EUR$/,
    changes: 'status: pending → expired',
  },
  {
    id: 'stock-held-for-nothing',
    does: async () => {
      const id = await anOrder();
      await sql(`UPDATE orders SET status = 'expired' WHERE id = $1`, id);
      return id;
    },
    says: '2 pieces, and the order is expired',
    changes: '2 pieces given back',
  },
  {
    id: 'coupons-used',
    does: async () => {
      const { id, code } = await aCoupon();
      await anOrder({ couponCode: code });
      await sql('UPDATE coupons SET used = 4 WHERE id = $1', id);
      return id;
    },
    says: '4 uses are counted, 1 orders have one',
    changes: 'used: 4 → 1',
  },
  {
    id: 'invoices-gapless',
    does: async () => {
      await sql(`UPDATE invoice_counters SET last = last + 1`);
      return (await sql<{ year: string }>('SELECT year::text FROM invoice_counters'))[0]!.year;
    },
    says: /^(\d+) invoices, the last is number \1, the counter says \d+$/,
    changes: null,
    undo: () => sql('UPDATE invoice_counters SET last = last - 1'),
  },
  {
    id: 'invoices-missing',
    does: async () => {
      const id = await aPaidOrder();
      await loseDocumentsOf(id);
      return id;
    },
    says: /^order \d+ of 2000 EUR is paid$/,
    changes: 'an invoice, and 0 credit notes',
  },
  {
    id: 'jobs-dead',
    does: async () => {
      const [job] = await sql<{ id: string }>(`SELECT id::text FROM graphile_worker.add_job('orders.forgotten')`);
      await sql(`SELECT id FROM graphile_worker.permanently_fail_jobs(ARRAY[$1::bigint], 'no luck')`, job!.id);
      return job!.id;
    },
    says: /^orders.forgotten, after \d+ attempts$/,
    changes: null,
    undo: (id) => sql('SELECT id FROM graphile_worker.complete_jobs(ARRAY[$1::bigint])', id),
  },
  {
    id: 'events-stuck',
    does: async () => {
      const [event] = await sql<{ id: string; resource_id: string }>('SELECT id, resource_id FROM events LIMIT 1');
      await sql(
        `INSERT INTO event_deliveries (event_id, consumer, resource, status, position, attempts, last_error) VALUES ($1, 'test.idle', 'x:1', 'stuck', 1, 12, 'x')`,
        event!.id,
      );
      return event!.id;
    },
    says: 'test.idle, after 12 attempts',
    changes: null,
    undo: (id) => sql('DELETE FROM event_deliveries WHERE event_id = $1', id),
  },
];

/** What breaks others on the way, because the same numbers are counted twice. */
const ALSO: Record<string, string[]> = { 'payments-over-refunded': ['payments-refunded'], 'payments-without-order': ['orders-goods'] };

describe('the invariants', () => {
  it('hold in a shop that is busy, whatever happens to its orders', async () => {
    const { code } = await aCoupon();
    await Promise.all([aPaidOrder(), aPaidOrder(), aCancelledOrder(), anOrder({ couponCode: code })]);
    await asBuyer(`orders/${await anOrder({ couponCode: code })}/cancellation`);
    await asBuyer(`orders/${await anOrder()}/payments`, { method: 'sandbox:decline' });
    await asBuyer(`orders/${await anOrder()}/payments`, { method: 'sandbox:delay' });
    const paid = await aPaidOrder();
    const body = { items: [{ variantId, quantity: 1 }], reason: 'too large', restock: true };
    const headers = { 'idempotency-key': unique() };
    expect((await app.request('POST', `orders/${paid}/refunds`, { token: admin.accessToken, headers, body })).status).toBe(201);
    expect(await broken()).toEqual([]);
    const { sound, invariants } = await look();
    expect(sound).toBe(true);
    expect(invariants.map(({ id }) => id).sort()).toEqual(BREAKS.map(({ id }) => id).sort());
    for (const one of invariants)
      expect(one).toEqual({
        ...one,
        title: expect.stringMatching(/^[A-Z].*[^.]$/),
        explanation: expect.stringMatching(/^[A-Z].*[.]$/),
        broken: 0,
        examples: [],
        durationMs: expect.any(Number),
      });
  });

  it.each(BREAKS)(
    '$id is found when it is broken, explained, and repaired after a dry run',
    async ({ id, does, says, changes, later, undo }) => {
      const before = await broken();
      if (id !== 'orders-goods') expect(before).not.toContain(id); // which the one before it has broken
      const of = await does();
      const found = await look();
      const invariant = found.invariants.find((one) => one.id === id)!;
      expect(invariant).toMatchObject({ status: 'broken', broken: 1, examples: [{ id: of, says: like(says) }] });
      expect(found.sound).toBe(before.length === 0 && invariant.severity === 'notice');
      const others = found.invariants.filter((one) => one.status !== 'holds' && ![id, ...before].includes(one.id)).map((one) => one.id);
      expect(others).toEqual(ALSO[id] ?? []);
      if (changes === null) {
        expect(invariant.repair).toBeNull();
        expect(refusal(await repair(id))).toEqual([409, 'ops/invariant-not-repairable']);
        await undo!(of);
      } else {
        const left = later ? 1 : 0;
        const dry = await repair(id);
        expect(dry.body).toEqual({ id, dryRun: true, changes: [{ id: of, says: like(changes) }], left });
        expect((await find(id)).examples).toEqual(invariant.examples);
        const real = await repair(id, { dryRun: false });
        expect(real.body).toEqual({ ...dry.body, dryRun: false });
        const [entry] = await sql<{ actor_id: string; after: object }>(
          `SELECT actor_id, after FROM audit_entries WHERE action = 'invariants.repaired' AND resource_id = $1`,
          id,
        );
        expect(entry).toEqual({ actor_id: admin.id, after: { changes: real.body.changes } });
        if (later) return; // a worker does the rest, below
      }
      expect(await find(id)).toMatchObject({ status: 'holds', broken: 0, examples: [] });
    },
  );

  it('are looked at every night, which is logged, told and kept; what a repair has left to jobs gets done', async () => {
    await sql('UPDATE variants SET reserved = reserved + 1 WHERE id = $1', variantId);
    const worker = await startProcess({ databaseUrl: app.databaseUrl });
    await eventually(async () => (await broken()).join() === 'stock-reserved', 20_000);
    for (const round of [1, 2]) {
      await fire(app.databaseUrl, 'invariants.check');
      const lines = await eventually(() => {
        const all = worker.log.filter(({ invariant }) => invariant === 'stock-reserved');
        return all.length === round && all;
      });
      expect(lines.at(-1)).toMatchObject({ level: 50, severity: 'error', broken: 1, known: round === 2 });
    }
    await eventually(
      async () => (await sql(`SELECT FROM invariant_checks WHERE checked_at > now() - interval '1 minute'`)).length === BREAKS.length,
    );
    const kept = await sql(`SELECT invariant, severity, broken FROM invariant_checks WHERE status <> 'holds'`);
    expect(kept).toEqual([{ invariant: 'stock-reserved', severity: 'error', broken: 1 }]);
    const told = await sql(`SELECT payload FROM events WHERE name = 'invariant.broken'`);
    expect(told).toEqual([{ payload: { invariant: 'stock-reserved', severity: 'error', broken: 1 } }]);
    const metrics = async () =>
      (await app.request('GET', '/metrics')).text.split('\n').filter((line) => /^ashlar_invariant_broken.* [^0]\d*$/.test(line));
    expect(await metrics()).toEqual(['ashlar_invariant_broken{invariant="stock-reserved",severity="error"} 1']);
    await repair('stock-reserved', { dryRun: false });
    await fire(app.databaseUrl, 'invariants.check');
    await eventually(async () => (await sql(`SELECT FROM invariant_checks WHERE status <> 'holds'`)).length === 0);
    expect([await broken(), await metrics()]).toEqual([[], []]);
  }, 60_000);

  it('are repaired while people buy, and still hold then', async () => {
    for (let round = 0; round < 5; round++) {
      await sql('UPDATE variants SET reserved = reserved + 2 WHERE id = $1', variantId);
      const buying = Array.from({ length: 6 }, async (_, n) => (n % 2 ? anOrder() : asBuyer(`orders/${await anOrder()}/cancellation`)));
      const [mended] = await Promise.all([repair('stock-reserved', { dryRun: false }), repair('stock-reserved'), ...buying]);
      expect(mended.body).toMatchObject({ changes: [{ id: variantId }], left: 0 });
      expect(await find('stock-reserved')).toMatchObject({ status: 'holds' });
    }
  });

  it('are repaired a hundred at a time', async () => {
    const admin2 = await anAdmin(app);
    await sql(
      `INSERT INTO variants (id, product_id, sku, name, price_amount, currency, stock, reserved, updated_at)
        SELECT gen_random_uuid(), product_id, 'MANY-' || n, 'x', 1, 'EUR', 0, 0, now() FROM variants, generate_series(1, 101) n WHERE id = $1`,
      variantId,
    );
    await sql(
      `INSERT INTO stock_movements (id, variant_id, delta, balance, reason) SELECT gen_random_uuid(), id, 5, 5, 'x' FROM variants WHERE sku LIKE 'MANY-%'`,
    );
    expect((await find('stock-ledger')).examples).toHaveLength(20);
    const dry = await repair('stock-ledger', {}, admin2);
    expect([dry.body.changes.length, dry.body.left]).toEqual([100, 1]);
    expect(await find('stock-ledger')).toMatchObject({ broken: 101 });
    await repair('stock-ledger', { dryRun: false }, admin2);
    expect(await find('stock-ledger')).toMatchObject({ broken: 1 });
    expect((await repair('stock-ledger', { dryRun: false }, admin2)).body).toMatchObject({ left: 0 });
  });

  it('gets the credit notes with an invoice that is issued late, one for each refund', async () => {
    const id = await aPaidOrder();
    const headers = () => ({ 'idempotency-key': unique() });
    for (const amount of [300, 500]) {
      const body = { amount: { amount, currency: 'EUR' }, reason: 'dented' };
      expect((await app.request('POST', `orders/${id}/refunds`, { token: admin.accessToken, headers: headers(), body })).status).toBe(201);
    }
    const kept = (documents: Wire<InvoiceResponse>[]) =>
      documents.map(({ kind, number, total, refundId }) => ({ kind, number, total, refundId }));
    const before = kept(await documentsOf(id));
    expect(before.map(({ kind, total }) => [kind, total.amount])).toEqual([
      ['invoice', 2_000],
      ['credit-note', 300],
      ['credit-note', 500],
    ]);
    await loseDocumentsOf(id);
    expect((await repair('invoices-missing', { dryRun: false })).body.changes).toEqual([{ id, says: 'an invoice, and 2 credit notes' }]);
    expect(kept(await documentsOf(id))).toEqual(before);
  });

  it('are for who runs the installation', async () => {
    const support = await aUser(app, { roles: ['support'] });
    expect((await app.request('GET', 'ops/invariants')).status).toBe(401);
    expect((await app.request('GET', 'ops/invariants', { token: support.accessToken })).status).toBe(403);
    expect((await repair('stock-reserved', {}, null)).status).toBe(401);
    expect((await repair('stock-reserved', {}, support)).status).toBe(403);
    expect(refusal(await repair('stock-of-tea'))).toEqual([404, 'ops/invariant-not-found']);
    for (const body of [{ dryRun: 'no' }, { dryRun: null }, { force: true }])
      expect((await repair('stock-reserved', body)).status).toBe(400);
  });
});

function like(text: string | RegExp): unknown {
  return text instanceof RegExp ? expect.stringMatching(text) : text;
}
