// What is proved. Each is a storm over both processes, after which nothing may be wrong in any book. What is random follows from the seed; in which
// order the shop takes what comes at once does not.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  aKey,
  type Answer,
  codeOf,
  count,
  inTurns,
  listed,
  nameOf,
  type OrderBody,
  type PaymentBody,
  type Tally,
  tally,
  together,
} from './answers.ts';
import { carts } from './carts.ts';
import { databaseKilled, killed } from './crashes.ts';
import { lives } from './lives.ts';
import { fault, GOOD, GUESTS, one, pick, type Proof, quantile, whole } from './proof.ts';
import type { Shop } from './shop.ts';
import { tampered } from './tampered.ts';
import { aGuest } from './visits.ts';

const OUT_OF_STOCK = '409 products/out-of-stock';

const figures: Proof = {
  name: 'figures',
  claim: 'Placing an order at 50 parallel buyers on different items: p99 ≤ 3 × p50',
  run: async (shop, _, scaled) => {
    const buyers = Math.min(50, shop.people.length);
    const [warmUp, each] = [scaled(10, 5), scaled(30, 10)];
    const variants = await shop.stock(Array.from({ length: buyers }, () => ({ stock: 1_000, price: 1_999 })));
    const times: number[] = [];
    const began = performance.now();
    let measuredFrom = 0;
    await inTurns(buyers, buyers, async (index) => {
      for (let nth = 0; nth < warmUp + each; nth++) {
        const start = performance.now();
        const answer = await shop.place(index, shop.people[index]!, { items: one(variants[index]!) });
        if (answer.status !== 201) throw new Error(`an order is answered ${answer.status}: ${answer.text}`);
        if (nth < warmUp) continue;
        measuredFrom ||= start;
        times.push(performance.now() - start);
      }
    });
    const seconds = (performance.now() - (measuredFrom || began)) / 1_000;
    const sorted = times.toSorted((a, b) => a - b);
    const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
    const ratio = p99 / p50;
    const numbers = `${times.length} orders, ${(times.length / seconds).toFixed(0)} a second: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, p99 = ${ratio.toFixed(2)} × p50`;
    // Few measurements on a busy machine say nothing.
    return { numbers, faults: times.length >= 1_000 && ratio > 3 ? [`p99 is ${ratio.toFixed(2)} × p50`] : [] };
  },
};

const oversell: Proof = {
  name: 'oversell',
  claim: '500 buyers, 100 units: exactly 100 × 201, 400 × 409, stock 0, never negative',
  run: async (shop, random, scaled) => {
    const buyers = Math.min(scaled(500, 25), shop.people.length);
    const units = Math.floor(buyers / 5);
    const [variantId] = (await shop.stock([{ stock: units, price: 2_500 }])) as [string];
    const faults: string[] = [];
    let least = Infinity;
    let looked = 0;
    let over = false;
    const watching = (async () => {
      while (!over) {
        const [level] = await shop.sql<{ available: number; stock: number }>(
          `SELECT stock, stock - reserved AS available FROM variants WHERE id = '${variantId}'`,
        );
        least = Math.min(least, level!.available, level!.stock);
        looked += 1;
        await sleep(20);
      }
    })();
    const answers = await Promise.all(
      Array.from({ length: buyers }, (_, index) => shop.place(index, shop.people[index]!, { items: one(variantId) })),
    );
    await inTurns(20, buyers, async (index) => {
      const answer = answers[index]!;
      if (answer.status !== 201) return;
      const payment = await shop.pay(index + 1, answer.body.id, pick(random, GOOD));
      fault(faults, payment.body.status === 'succeeded', `a payment is answered ${payment.text}`);
      shop.ledger.orders.get(answer.body.id)!.paid = true;
    });
    over = true;
    await watching;
    const answered = tally(answers);
    const right = answered['201'] === units && answered[OUT_OF_STOCK] === buyers - units && Object.keys(answered).length === 2;
    fault(faults, right, `the answers are ${listed(answered)}`);
    const [end] = await shop.sql<{ stock: number; reserved: number }>(`SELECT stock, reserved FROM variants WHERE id = '${variantId}'`);
    fault(faults, end!.stock === 0 && end!.reserved === 0, `${end!.stock} are left, ${end!.reserved} reserved`);
    fault(faults, least === 0, `the least stock that was seen is ${least}`);
    return {
      numbers: `${buyers} buyers, ${units} units: ${listed(answered)}; all paid, stock ${end!.stock}; looked at ${looked} times meanwhile, least ${least}`,
      faults,
    };
  },
};

const lines: Proof = {
  name: 'lines',
  claim: 'Orders of 2–5 lines, hot items in random order, some twice in one order: invariants hold, no deadlock reaches a client',
  run: async (shop, random, scaled) => {
    const many = scaled(1_000, 100);
    const hot = await shop.stock(Array.from({ length: 6 }, () => ({ stock: Math.ceil(many * 0.55), price: whole(random, 1, 5_000) })));
    const wanted = Array.from({ length: many }, () =>
      Array.from({ length: whole(random, 2, 5) }, () => ({ variantId: pick(random, hot), quantity: whole(random, 1, 2) })),
    );
    const then = wanted.map(() => ({
      guest: random() < GUESTS,
      pays: random() < 0.5,
      cancels: random() < 0.4,
      method: pick(random, GOOD),
    }));
    const twice = wanted.filter((items) => together(items).size < items.length).length;
    const before = await deadlocks(shop);
    const answers: Answer<unknown>[] = [];
    const rest: Answer<unknown>[] = [];
    await inTurns(50, many, async (index) => {
      const { guest, pays, cancels, method } = then[index]!;
      const buyer = guest ? aGuest() : shop.people[index % shop.people.length]!;
      const answer = await shop.place(index, buyer, { items: wanted[index]! });
      answers.push(answer);
      if (answer.status !== 201) return;
      if (pays) rest.push(await shop.pay(index + 1, answer.body.id, method));
      if (cancels) rest.push(await shop.cancel(index, answer.body.id));
    });
    const [answered, after] = [tally(answers), tally(rest)];
    const faults: string[] = [];
    fault(
      faults,
      Object.keys(answered).every((name) => name === '201' || name === OUT_OF_STOCK),
      `the answers are ${listed(answered)}`,
    );
    fault(faults, answered['201'] !== undefined && answered[OUT_OF_STOCK] !== undefined, `nothing was scarce: ${listed(answered)}`);
    fault(
      faults,
      Object.keys(after).every((name) => name === '201' || name === '200'),
      `payments and cancellations: ${listed(after)}`,
    );
    const met = (await deadlocks(shop)) - before;
    return {
      numbers: `${many} orders (${twice} name an item twice) of ${hot.length} items, 50 at once: ${listed(answered)}; then paid or cancelled: ${listed(after)}; deadlocks in PostgreSQL, tried again by the shop: ${met}`,
      faults,
    };
  },
};

async function deadlocks(shop: Shop): Promise<number> {
  const [row] = await shop.sql<{ deadlocks: number }>(
    'SELECT deadlocks::int AS deadlocks FROM pg_stat_database WHERE datname = current_database()',
  );
  return row!.deadlocks;
}

const keys: Proof = {
  name: 'keys',
  claim: 'One idempotency key, 200 parallel: one order, one charge, every 201 equal, the rest 409 in progress',
  run: async (shop, random, scaled) => {
    const [rounds, parallel] = [scaled(10, 2), scaled(200, 40)];
    const variants = await shop.stock(Array.from({ length: rounds }, () => ({ stock: parallel, price: 700 })));
    const all: Tally = {};
    const faults: string[] = [];
    await inTurns(1, rounds, async (round) => {
      const buyer = shop.people[round % shop.people.length]!;
      const atOnce = async <Body>(send: (at: number) => Promise<Answer<Body>>): Promise<Body> => {
        const answers = await Promise.all(Array.from({ length: parallel }, (_, index) => send(index)));
        const good = answers.filter(({ status }) => status === 201);
        for (const answer of answers) count(all, nameOf(answer));
        const others = answers.filter((answer) => answer.status !== 201 && codeOf(answer) !== 'idempotency/in-progress');
        fault(faults, others.length === 0, `others are answered ${listed(tally(others))}`);
        fault(faults, good.length > 0, 'nobody is answered 201');
        fault(faults, new Set(good.map(({ text }) => text)).size === 1, 'the answers 201 are not all the same');
        const first = good.filter(({ headers }) => headers.get('idempotency-replayed') === null);
        fault(faults, first.length === 1, `${first.length} answers are not marked as repeated`);
        fault(
          faults,
          answers.every(({ status, headers }) => status !== 409 || Number(headers.get('retry-after')) > 0),
          'an answer 409 does not say when to try again',
        );
        return good[0]!.body;
      };
      const [key, payKey, method] = [aKey(), aKey(), round % 2 ? 'sandbox:success' : 'pm_card_visa'];
      const order = await atOnce<OrderBody>((at) => shop.place(at, buyer, { items: one(variants[round]!) }, key));
      shop.ledger.tries(order.id); // all with one key: one call
      await atOnce<PaymentBody>((at) =>
        shop.request(at, 'POST', `orders/${order.id}/payments`, { by: buyer, key: payKey, body: { method } }),
      );
      shop.ledger.orders.get(order.id)!.paid = true;
      const [made] = await shop.sql<{ orders: number; payments: number }>(`SELECT count(DISTINCT l.order_id)::int AS orders,
        count(DISTINCT p.id)::int AS payments FROM order_lines l LEFT JOIN payments p USING (order_id) WHERE l.variant_id = '${variants[round]}'`);
      fault(faults, made!.orders === 1 && made!.payments === 1, `${made!.orders} orders and ${made!.payments} payments were made`);
    });
    return { numbers: `${rounds} orders and their payments, ${parallel} calls each: ${listed(all)}`, faults: [...new Set(faults)] };
  },
};

/** In the order in which they are run: the figures first, while the machine has nothing else to do. */
export const PROOFS: Proof[] = [figures, oversell, lines, lives, keys, carts, killed, databaseKilled, tampered];
