import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { ProblemDocument } from '../../libs/http/src/problem.filter.js';
import type { OrderResponse } from '../../src/orders/orders.dto.js';
import type { PaymentResponse } from '../../src/payments/payments.dto.js';
import { startApp, type TestApp } from '../harness/app.js';
import type { Answer } from '../harness/client.js';
import { query } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { anAdmin, aProduct, aSession, aUser, type Person, unique } from '../harness/people.js';
import { type Product, startProcess, stopProcesses } from '../harness/product.js';
import type { Wire } from '../harness/wire.js';

const CROWD = 200;

/** Makes the world; what is raced goes through the two processes. */
let app: TestApp;
let processes: [Product, Product];
let crowd: Person[];

beforeAll(async () => {
  app = await startApp();
  const start = () => startProcess({ databaseUrl: app.databaseUrl });
  processes = await Promise.all([start(), start()]);
  crowd = await aCrowd(CROWD);
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

type Server = Pick<Product, 'request'>;
type OrderBody = Wire<OrderResponse>;
type PaymentBody = Wire<PaymentResponse>;

async function aCrowd(count: number): Promise<Person[]> {
  const people: Person[] = [];
  while (people.length < count) people.push(...(await Promise.all(Array.from({ length: 20 }, () => aUser(app)))));
  return people;
}

async function aVariant(stock: number): Promise<string> {
  return (await aProduct(app, { stock })).variants[0]!.id;
}

const keyed = (key = unique()) => ({ 'idempotency-key': key });
const at = (index: number): Server => processes[index % 2]!;
const place = (server: Server, by: Person, items: { variantId: string; quantity: number }[], key?: string) =>
  server.request<OrderBody>('POST', 'orders', { token: by.accessToken, body: { items }, headers: keyed(key) });
const pay = (server: Server, by: Person, id: string, key?: string) =>
  server.request<PaymentBody>('POST', `orders/${id}/payments`, {
    token: by.accessToken,
    body: { method: 'sandbox:success' },
    headers: keyed(key),
  });
const cancel = (server: Server, by: Person, id: string) =>
  server.request<OrderBody>('POST', `orders/${id}/cancellation`, { token: by.accessToken });
const sql = <Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const codeOf = (answer: Answer<unknown>) => (answer.body as ProblemDocument).code;

/** How often each answer came: `201`, `409 products/out-of-stock`. */
function tally(answers: Answer<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) {
    const name = answer.status < 400 ? String(answer.status) : `${answer.status} ${codeOf(answer)}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const levels = async (variantId: string) =>
  (await sql<{ stock: number; reserved: number }>('SELECT stock, reserved FROM variants WHERE id = $1', variantId))[0];

/** What must be true of all stock and money, whatever raced with what. */
async function expectBooksToBalance(): Promise<void> {
  // What is cancelled is paid back by jobs.
  await eventually(async () => (await sql(`SELECT 1 FROM refunds WHERE status = 'pending'`)).length === 0, 20_000);
  const wrong = {
    stock: await sql(`SELECT id FROM variants v WHERE stock < 0 OR reserved < 0 OR reserved > stock
      OR stock <> (SELECT coalesce(sum(delta), 0) FROM stock_movements WHERE variant_id = v.id) OR reserved <> (SELECT coalesce(sum(quantity), 0) FROM stock_reservations WHERE variant_id = v.id)`),
    held: await sql(
      `SELECT o.id FROM orders o WHERE (o.status = 'pending') <> EXISTS (SELECT FROM stock_reservations WHERE order_id = o.id)`,
    ),
    sold: await sql(`SELECT o.id FROM orders o WHERE o.status = 'paid' AND (SELECT sum(quantity) FROM order_lines WHERE order_id = o.id) <> -(SELECT sum(delta) FROM stock_movements WHERE order_id = o.id)
      OR o.status <> 'paid' AND (SELECT sum(delta) FROM stock_movements WHERE order_id = o.id) <> 0`),
    money: await sql(`SELECT o.id, o.status FROM orders o WHERE o.status IN ('paid', 'cancelled', 'pending') AND
      (SELECT coalesce(sum(c.amount - c.refunded), 0) FROM sandbox_charges c JOIN payments p ON p.id = c.payment_id WHERE p.order_id = o.id AND c.outcome = 'succeeded') <> CASE o.status WHEN 'paid' THEN o.total ELSE 0 END`),
  };
  expect(wrong).toEqual({ stock: [], held: [], sold: [], money: [] });
}

describe('two hundred buyers of twenty', () => {
  it('are twenty who get one and 180 who are told that there is none', async () => {
    const variantId = await aVariant(20);
    const answers = await Promise.all(crowd.map((buyer, index) => place(at(index), buyer, [{ variantId, quantity: 1 }])));
    expect(tally(answers)).toEqual({ 201: 20, '409 products/out-of-stock': 180 });
    expect(await levels(variantId)).toEqual({ stock: 20, reserved: 20 });
    const winners = answers.flatMap((answer, index) => (answer.status === 201 ? [{ buyer: crowd[index]!, id: answer.body.id }] : []));
    const payments = await Promise.all(winners.map(({ buyer, id }, index) => pay(at(index + 1), buyer, id)));
    expect(tally(payments)).toEqual({ 201: 20 });
    expect(await levels(variantId)).toEqual({ stock: 0, reserved: 0 });
    await expectBooksToBalance();
  });

  it('are as many when each order names the variant in two lines', async () => {
    const variantId = await aVariant(20);
    const lines = [
      { variantId, quantity: 1 },
      { variantId: variantId.toUpperCase(), quantity: 1 },
    ];
    const answers = await Promise.all(crowd.map((buyer, index) => place(at(index), buyer, lines)));
    expect(tally(answers)).toEqual({ 201: 10, '409 products/out-of-stock': 190 });
    expect(await levels(variantId)).toEqual({ stock: 20, reserved: 20 });
    await expectBooksToBalance();
  });
});

describe('orders of many lines over the same few variants', () => {
  it('never wait for each other in a ring, and leave the books in balance', async () => {
    const admin = await anAdmin(app);
    const hot = await Promise.all(Array.from({ length: 6 }, () => aVariant(60)));
    const dice = randomness(20_261_121);
    const basket = () =>
      hot
        .map((variantId) => ({ variantId, quantity: 1 + dice(3), rank: dice(1_000) }))
        .sort((a, b) => a.rank - b.rank)
        .slice(0, 2 + dice(4))
        .map(({ variantId, quantity }) => ({ variantId, quantity }));
    const baskets = crowd.slice(0, 120).map((buyer) => ({ buyer, items: basket(), end: dice(3) }));
    const adjustments = Array.from({ length: 30 }, (_, index) =>
      at(index).request('POST', `variants/${hot[index % hot.length]}/stock-adjustments`, {
        token: admin.accessToken,
        body: { delta: index % 2 ? 2 : -2, reason: 'counted' },
      }),
    );
    const others: Answer<unknown>[] = [];
    const answers = await Promise.all(
      baskets.map(async ({ buyer, items, end }, index) => {
        const answer = await place(at(index), buyer, items);
        if (answer.status === 201 && end !== 0)
          others.push(await (end === 1 ? pay(at(index + 1), buyer, answer.body.id) : cancel(at(index + 1), buyer, answer.body.id)));
        return answer;
      }),
    );
    others.push(...(await Promise.all(adjustments)));
    const counts = tally(answers);
    expect(Object.keys(counts).filter((name) => name !== '201' && name !== '409 products/out-of-stock')).toEqual([]);
    expect(counts['201']).toBeGreaterThan(30);
    expect(Object.keys(tally(others)).filter((name) => !['200', '201', '409 products/stock-too-low'].includes(name))).toEqual([]);
    await expectBooksToBalance();
  });
});

describe('one idempotency key used a hundred times at once', () => {
  it('places one order, whose answer all get who get any', async () => {
    const buyer = crowd[0]!;
    const variantId = await aVariant(200);
    const key = unique();
    const items = [{ variantId, quantity: 1 }];
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => place(at(index), buyer, items, key)));
    const served = answers.filter(({ status }) => status === 201);
    expect(Object.keys(tally(answers)).filter((name) => name !== '201' && name !== '409 idempotency/in-progress')).toEqual([]);
    expect(new Set(served.map(({ text }) => text)).size).toBe(1);
    expect(served.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
    for (const { headers } of answers.filter(({ status }) => status === 409)) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    for (const server of processes) {
      const again = await place(server, buyer, items, key);
      expect([again.status, again.text, again.headers['idempotency-replayed'], again.headers.location]).toEqual([
        201,
        served[0]!.text,
        'true',
        served[0]!.headers.location,
      ]);
    }
    expect(
      await sql(
        'SELECT count(*)::int AS count FROM orders WHERE user_id = $1 AND id IN (SELECT order_id FROM order_lines WHERE variant_id = $2)',
        buyer.id,
        variantId,
      ),
    ).toEqual([{ count: 1 }]);
    expect(await levels(variantId)).toEqual({ stock: 200, reserved: 1 });
  });

  it('charges once, whose answer all get who get any', async () => {
    const buyer = crowd[1]!;
    const { body: order } = await place(at(0), buyer, [{ variantId: await aVariant(1), quantity: 1 }]);
    const key = unique();
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => pay(at(index), buyer, order.id, key)));
    const served = answers.filter(({ status }) => status === 201);
    expect(Object.keys(tally(answers)).filter((name) => name !== '201' && name !== '409 idempotency/in-progress')).toEqual([]);
    expect(new Set(served.map(({ text }) => text)).size).toBe(1);
    for (const { headers } of answers.filter(({ status }) => status === 409)) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(
      await sql('SELECT outcome FROM sandbox_charges c JOIN payments p ON p.id = c.payment_id WHERE p.order_id = $1', order.id),
    ).toEqual([{ outcome: 'succeeded' }]);
    await expectBooksToBalance();
  });
});

describe('thirty payments of one order at once', () => {
  it('are one that succeeds and 29 that are refused', async () => {
    const buyer = crowd[2]!;
    const { body: order } = await place(at(0), buyer, [{ variantId: await aVariant(5), quantity: 2 }]);
    const counts = tally(await Promise.all(Array.from({ length: 30 }, (_, index) => pay(at(index), buyer, order.id))));
    const { 201: succeeded, '409 payments/in-progress': busy = 0, '409 orders/not-payable': late = 0, ...rest } = counts;
    expect([succeeded, busy + late, rest]).toEqual([1, 29, {}]);
    expect(await sql('SELECT status FROM payments WHERE order_id = $1', order.id)).toEqual([{ status: 'succeeded' }]);
    expect(
      await sql('SELECT outcome FROM sandbox_charges c JOIN payments p ON p.id = c.payment_id WHERE p.order_id = $1', order.id),
    ).toEqual([{ outcome: 'succeeded' }]);
    await expectBooksToBalance();
  });
});

describe('paying and cancelling one order at once', () => {
  it('comes to one legal end, thirty times', async () => {
    const variantId = await aVariant(100);
    const dice = randomness(7);
    const rounds = await Promise.all(
      crowd.slice(0, 30).map(async (buyer, index) => {
        const { body: order } = await place(at(index), buyer, [{ variantId, quantity: 2 }]);
        const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
        const [paid, cancelled] = await Promise.all([
          later(dice(12)).then(() => pay(at(index), buyer, order.id)),
          later(dice(24)).then(() => cancel(at(index + 1), buyer, order.id)),
        ]);
        const { body: end } = await at(index).request<OrderBody>('GET', `orders/${order.id}`, { token: buyer.accessToken });
        return { end, paid, cancelled };
      }),
    );
    const ends: Record<string, number> = { paid: 0, cancelled: 0 };
    for (const { end, paid, cancelled } of rounds) {
      expect([200, 409]).toContain(cancelled.status);
      expect([201, 409]).toContain(paid.status);
      expect(end.status).toBe(cancelled.status === 200 ? 'cancelled' : 'paid');
      expect([paid.status, cancelled.status]).not.toEqual([409, 409]);
      ends[end.status]!++;
    }
    expect(await levels(variantId)).toEqual({ stock: 100 - 2 * ends['paid']!, reserved: 0 });
    expect(
      await sql(
        `SELECT count(*)::int AS count FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN order_lines l ON l.order_id = p.order_id WHERE l.variant_id = $1`,
        variantId,
      ),
    ).toEqual([{ count: rounds.filter(({ paid, cancelled }) => paid.status === 201 && cancelled.status === 200).length }]);
    await expectBooksToBalance();
  });
});

describe('a process killed amid payments', () => {
  interface Purchase {
    buyer: Person;
    id: string;
    key: string;
  }

  /** Orders of a variant each, so that their payments wait for nothing but the process. */
  async function pendingOrders(count: number): Promise<Purchase[]> {
    const price = { amount: 1_999, currency: 'EUR' };
    const { variants } = await aProduct(app, {
      variants: Array.from({ length: count }, (_, index) => ({ sku: `SKU-${unique()}`, name: `Number ${index}`, price, stock: 1 })),
    });
    const placed = await Promise.all(variants.map(({ id }, index) => place(at(index), crowd[index]!, [{ variantId: id, quantity: 1 }])));
    expect(tally(placed)).toEqual({ 201: count });
    return placed.map(({ body }, index) => ({ buyer: crowd[index]!, id: body.id, key: unique() }));
  }

  /** What clients do whose call broke off: the same call with the same key on the other process, until they have an answer. */
  async function retried({ buyer, id, key }: Purchase): Promise<Answer<PaymentBody>> {
    return eventually(async () => {
      const answer = await pay(processes[1], buyer, id, key);
      if (answer.status === 409)
        expect([codeOf(answer), Number(answer.headers['retry-after']) > 0]).toEqual(['idempotency/in-progress', true]);
      return answer.status !== 409 && answer;
    });
  }

  /** The leases of a dead process last 30 s; here they are as old as that. */
  const outwaitLeases = () =>
    sql('UPDATE idempotency_keys SET leased_until = now() WHERE status IS NULL AND leased_until > now() RETURNING key');

  async function expectEachChargedOnce(purchases: Purchase[]): Promise<void> {
    const rows = await sql(
      `SELECT o.id, o.status, o.expires_at, (SELECT count(*)::int FROM payments WHERE order_id = o.id) AS payments,
        (SELECT count(*)::int FROM sandbox_charges c JOIN payments p ON p.id = c.payment_id WHERE p.order_id = o.id) AS charges
       FROM orders o WHERE o.id = ANY ($1::uuid[]) ORDER BY o.id`,
      purchases.map(({ id }) => id),
    );
    expect(rows).toEqual(
      purchases
        .map(({ id }) => id)
        .sort()
        .map((id) => ({ id, status: 'paid', expires_at: null, payments: 1, charges: 1 })),
    );
    await expectBooksToBalance();
  }

  it('loses nothing that it acknowledged and leaves nothing stuck', async () => {
    const victim = await startProcess({ databaseUrl: app.databaseUrl });
    const purchases = await pendingOrders(80);
    const acknowledged: Answer<PaymentBody>[] = [];
    const broken: Purchase[] = [];
    const traffic = purchases.map(async (purchase) => {
      try {
        acknowledged.push(await pay(victim, purchase.buyer, purchase.id, purchase.key));
      } catch {
        broken.push(purchase); // the connection is gone
      }
    });
    await eventually(() => acknowledged.length >= 15);
    await victim.stop('SIGKILL');
    await Promise.all(traffic);
    expect(tally(acknowledged)).toEqual({ 201: acknowledged.length });
    expect(broken.length).toBeGreaterThan(10);
    for (const { body } of acknowledged)
      expect(await sql('SELECT status FROM orders WHERE id = $1', body.orderId)).toEqual([{ status: 'paid' }]);
    await outwaitLeases();
    expect(tally(await Promise.all(broken.map(retried)))).toEqual({ 201: broken.length });
    await expectEachChargedOnce(purchases);
    const repeated = await pay(processes[1], purchases[0]!.buyer, purchases[0]!.id, purchases[0]!.key);
    expect([repeated.status, repeated.headers['idempotency-replayed']]).toEqual([201, 'true']);
  });

  it.each(['before', 'after'] as const)('just %s the provider is asked is taken up by a retry', async (moment) => {
    const victim = await startProcess({ databaseUrl: app.databaseUrl });
    const purchases = await pendingOrders(5);
    const ids = purchases.map(({ id }) => id);
    const [provider, books] = [new pg.Client({ connectionString: app.databaseUrl }), new pg.Client({ connectionString: app.databaseUrl })];
    await Promise.all([provider.connect(), books.connect()]);
    try {
      await provider.query('BEGIN; LOCK TABLE sandbox_charges IN EXCLUSIVE MODE'); // the provider takes its time
      const broken = purchases.map(({ buyer, id, key }) =>
        pay(victim, buyer, id, key).then(
          () => false,
          () => true,
        ),
      );
      await eventually(
        async () =>
          (
            await sql(
              'SELECT 1 FROM idempotency_keys WHERE status IS NULL AND key = ANY ($1)',
              purchases.map(({ key }) => key),
            )
          ).length === purchases.length,
      );
      if (moment === 'after') {
        await books.query('BEGIN');
        await books.query('SELECT 1 FROM orders WHERE id = ANY ($1::uuid[]) FOR UPDATE', [ids]); // nobody can write the outcome down
        await provider.query('ROLLBACK');
        await eventually(
          async () =>
            (await sql('SELECT 1 FROM sandbox_charges c JOIN payments p ON p.id = c.payment_id WHERE p.order_id = ANY ($1::uuid[])', ids))
              .length === purchases.length,
        );
      }
      const busy = await pay(processes[1], purchases[0]!.buyer, ids[0]!, purchases[0]!.key);
      expect([busy.status, codeOf(busy), Number(busy.headers['retry-after']) > 0]).toEqual([409, 'idempotency/in-progress', true]);
      await victim.stop('SIGKILL');
      expect(await Promise.all(broken)).toEqual([true, true, true, true, true]);
    } finally {
      await Promise.all([provider.end(), books.end()]);
    }
    expect(await outwaitLeases()).toHaveLength(purchases.length);
    const answers = await Promise.all(purchases.map(retried));
    expect(answers.map(({ status, body, headers }) => [status, body.status, headers['idempotency-replayed']])).toEqual(
      Array(5).fill([201, 'succeeded', undefined]),
    );
    await expectEachChargedOnce(purchases);
  });
});

describe('calls that race with the end of sessions', () => {
  const me = (server: Server, { accessToken }: Pick<Person, 'accessToken'>) => server.request('GET', 'users/me', { token: accessToken });

  it('are served or refused, and never break', async () => {
    const answers = await Promise.all(
      crowd.slice(0, 60).map(async ({ id }, index) => {
        const session = await aSession(app, id);
        const calls = Array.from({ length: 8 }, (_, turn) => me(at(turn), session));
        const logout = at(index).request('POST', 'auth/logout', { token: session.accessToken });
        return Promise.all([...calls, logout, ...Array.from({ length: 8 }, (_, turn) => me(at(turn), session))]);
      }),
    );
    expect(Object.keys(tally(answers.flat())).filter((name) => !['200', '204', '401 auth/invalid-token'].includes(name))).toEqual([]);
    expect(answers.map((own) => own[8]!.status)).toEqual(Array(60).fill(204));
  });

  it('are served to everybody else while the signal channel breaks and comes back', async () => {
    const connected = async (server: Server) =>
      (await server.request<{ signals: string }>('GET', '/health/ready')).body.signals === 'connected';
    let over = false;
    const answers: Answer<unknown>[] = [];
    const traffic = crowd.map(async (person, index) => {
      for (let turn = index; !over; turn++) answers.push(await me(at(turn), person)); // most of them a session that has left the cache
    });
    const [{ count }] = (await sql<{ count: number }>(
      `SELECT count(pg_terminate_backend(pid))::int AS count FROM pg_stat_activity WHERE application_name = 'ashlar-signals' AND datname = current_database()`,
    )) as [{ count: number }];
    expect(count).toBeGreaterThanOrEqual(2);
    try {
      // The break lasts half a second: the log remembers it, readiness may never be seen without the channel.
      const lost = (server: Product) => server.log.some(({ msg }) => msg.startsWith('The signal channel is lost'));
      await Promise.all(processes.map((server) => eventually(() => lost(server))));
      await Promise.all(processes.map((server) => eventually(() => connected(server))));
    } finally {
      over = true;
      await Promise.all(traffic);
    }
    expect(tally(answers)).toEqual({ 200: answers.length });
    expect(answers.length).toBeGreaterThan(100);
  });
});

/** A die that falls the same way in every run (mulberry32). */
function randomness(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
}
