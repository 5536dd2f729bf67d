// What is proved. Each is a storm over both processes, after which nothing may be wrong in any book. What is random follows from the seed; in which
// order the shop takes what comes at once does not.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Person } from './books.ts';
import {
  aKey,
  type Answer,
  codeOf,
  count,
  inTurns,
  type Line,
  listed,
  nameOf,
  type OrderBody,
  type PaymentBody,
  type Shop,
  type Tally,
  tally,
} from './shop.ts';

export type Random = () => number;

export interface Outcome {
  /** What was done and answered, for a reader. */
  numbers: string;
  /** What should not be. */
  faults: string[];
}

export interface Proof {
  name: string;
  claim: string;
  run: (shop: Shop, random: Random, scaled: (full: number, least: number) => number) => Promise<Outcome>;
  /** Processes and the database are killed meanwhile, so that answers of 500 and above are no faults. */
  disturbed?: true;
}

const LONG = { ORDERS_RESERVATION_SECONDS: '86400' };
const SHORT_SECONDS = 2;
const OUT_OF_STOCK = '409 products/out-of-stock';
/** Methods that end well at once, of both providers. */
const GOOD = ['sandbox:success', 'pm_card_visa'];

const whole = (random: Random, from: number, to: number) => from + Math.floor(random() * (to - from + 1));
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
const one = (variantId: string, quantity = 1): Line[] => [{ variantId, quantity }];

function fault(faults: string[], holds: boolean, otherwise: string): void {
  if (!holds) faults.push(otherwise);
}

function quantile(sorted: number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

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
        const answer = await shop.place(index, shop.people[index]!, one(variants[index]!));
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
    const answers = await Promise.all(Array.from({ length: buyers }, (_, index) => shop.place(index, shop.people[index]!, one(variantId))));
    await inTurns(20, buyers, async (index) => {
      const answer = answers[index]!;
      if (answer.status !== 201) return;
      const payment = await shop.pay(index + 1, shop.people[index]!, answer.body.id, pick(random, GOOD));
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
    const carts = Array.from({ length: many }, () =>
      Array.from({ length: whole(random, 2, 5) }, () => ({ variantId: pick(random, hot), quantity: whole(random, 1, 2) })),
    );
    const then = carts.map(() => ({ pays: random() < 0.5, cancels: random() < 0.4, method: pick(random, GOOD) }));
    const twice = carts.filter((cart) => new Set(cart.map(({ variantId }) => variantId)).size < cart.length).length;
    const before = await deadlocks(shop);
    const answers: Answer<unknown>[] = [];
    const rest: Answer<unknown>[] = [];
    await inTurns(50, many, async (index) => {
      const buyer = shop.people[index % shop.people.length]!;
      const answer = await shop.place(index, buyer, carts[index]!);
      answers.push(answer);
      if (answer.status !== 201) return;
      const { pays, cancels, method } = then[index]!;
      if (pays) rest.push(await shop.pay(index + 1, buyer, answer.body.id, method));
      if (cancels) rest.push(await shop.request(index, 'POST', `orders/${answer.body.id}/cancellation`, { by: buyer, body: {} }));
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

const METHODS = [
  ...GOOD,
  ...GOOD,
  'sandbox:decline',
  'sandbox:delay',
  'sandbox:duplicate',
  'sandbox:reorder',
  'sandbox:lost',
  'sandbox:timeout',
  'pm_card_chargeDeclined',
  'pm_usBankAccount_processing',
  'pm_card_threeDSecureRequired',
];

const lives: Proof = {
  name: 'lives',
  claim: '1,000 rounds of expiry, cancellation, payment and refund racing on one order: one legal end, stock conserved, refunds ≤ paid',
  run: async (shop, random, scaled) => {
    const rounds = scaled(1_000, 50);
    await shop.restart({ ORDERS_RESERVATION_SECONDS: String(SHORT_SECONDS) });
    const plans = Array.from({ length: rounds }, () => {
      const near = SHORT_SECONDS * 1_000;
      // Much happens at the moment at which the order runs out of time, the rest while it is young.
      const at = () => (random() < 0.5 ? near + whole(random, -300, 40) : whole(random, 0, 300));
      const pays = Array.from({ length: whole(random, 0, 2) || 1 }, () => ({
        at: at(),
        method: pick(random, METHODS),
        again: random() < 0.5,
      }));
      return {
        pays,
        cancels: random() < 0.4 ? [{ at: at(), follows: random() < 0.4 }] : [],
        // Some follow a payment's answer as soon as it is there, whatever it is.
        refunds: Array.from({ length: whole(random, 0, 3) }, () => ({ at: at(), follows: random() < 0.8, part: random() < 0.5 })),
        rivals: random() < 0.5 ? [near + whole(random, -30, 60)] : [],
        confirms: random() < 0.5,
      };
    });
    const variants = await shop.stock(plans.map(() => ({ stock: 3, price: 1_000 })));
    const answered: Record<'payments' | 'cancellations' | 'refunds' | 'rivals', Tally> = {
      payments: {},
      cancellations: {},
      refunds: {},
      rivals: {},
    };
    /** Orders that the bank is to decide about, and whether their customers confirm. */
    const undecided = new Map<string, boolean>();
    let over = false;
    const deciding = (async () => {
      for (; !over; await sleep(1_000)) await endAtBank(shop, undecided);
    })();
    const sweeping = (async () => {
      for (; !over; await sleep(150)) await shop.sweep();
    })();
    await inTurns(40, rounds, async (index) => {
      const { pays, cancels, refunds, rivals, confirms } = plans[index]!;
      const [variantId, buyer] = [variants[index]!, shop.people[index % shop.people.length]!];
      const { id } = (await required(shop.place(index, buyer, one(variantId, 2)))).body;
      const placed = performance.now();
      const when = (ms: number) => sleep(Math.max(0, placed + ms - performance.now()));
      const paying = pays.map(async ({ at, method, again }, nth) => {
        await when(at);
        const key = aKey();
        let answer = await shop.pay(index + nth, buyer, id, method, key);
        if (again && answer.status === 503) answer = await shop.pay(index, buyer, id, method, key);
        count(answered.payments, `${nameOf(answer)}${answer.status === 201 ? ` ${answer.body.status}` : ''}`);
        if (answer.status === 201 && answer.body.status === 'succeeded') shop.ledger.orders.get(id)!.paid = true;
      });
      const moment = (at: number, follows: boolean) => (follows ? Promise.race(paying) : when(at));
      await Promise.all([
        ...paying,
        ...cancels.map(async ({ at, follows }) => {
          await moment(at, follows);
          count(
            answered.cancellations,
            nameOf(await shop.request(index + 1, 'POST', `orders/${id}/cancellation`, { by: buyer, body: {} })),
          );
        }),
        ...refunds.map(async ({ at, follows, part }, nth) => {
          await moment(at, follows);
          const items = one(variantId, part ? 1 : 2);
          const body = { reason: 'proof', restock: true, items };
          type Refund = { status: string; amount: { amount: number } };
          const answer = await shop.request<Refund>(index + nth, 'POST', `orders/${id}/refunds`, { by: shop.admin, key: aKey(), body });
          count(answered.refunds, nameOf(answer));
          if (answer.status === 201 && answer.body.status === 'succeeded')
            shop.ledger.refunded(id, answer.body.amount.amount, new Map([[variantId, items[0]!.quantity]]));
        }),
        ...rivals.map(async (at) => {
          await when(at);
          count(answered.rivals, nameOf(await shop.place(index, shop.people[(index + 1) % shop.people.length]!, one(variantId, 3))));
        }),
      ]);
      await when(SHORT_SECONDS * 1_000 + 300);
      if (pays.some(({ method }) => method.startsWith('pm_'))) undecided.set(id, confirms);
    });
    over = true;
    await Promise.all([sweeping, deciding]);
    await endAtBank(shop, undecided);
    const left = await shop.settle();
    await shop.restart(LONG);
    const ends = await shop.sql<{ status: string; count: number }>(
      `SELECT o.status::text, count(*)::int AS count FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE l.variant_id IN (${variants.map((id) => `'${id}'`).join()}) GROUP BY 1`,
    );
    const ended = Object.fromEntries(ends.map((row) => [row.status, row.count]));
    const faults = [...left];
    fault(faults, ended['pending'] === undefined, `${ended['pending']} orders have come to no end`);
    for (const [what, tallied] of Object.entries(answered))
      for (const name of Object.keys(tallied))
        if (/^5/.test(name) && name !== '503 payments/provider-unreachable') faults.push(`${what} are answered ${name}`);
    const told = Object.entries(answered).map(([what, tallied]) => `${what}: ${listed(tallied)}`);
    return { numbers: `${rounds} rounds; ends (with rivals’ orders): ${listed(ended)}; ${told.join('; ')}`, faults };
  },
};

/** The bank pays; customers confirm, or do not. For all of these orders at once: the provider's books are long. */
async function endAtBank(shop: Shop, undecided: Map<string, boolean>): Promise<void> {
  if (undecided.size === 0) return;
  const orders = new Map(undecided);
  undecided.clear();
  const { intents } = await shop.stripe.books();
  for (const { id, status, metadata } of intents) {
    const confirms = orders.get(metadata.order_id!);
    if (confirms !== undefined && (status === 'processing' || (status === 'requires_action' && confirms))) await shop.stripe.succeed(id);
  }
}

async function required<Body>(asked: Promise<Answer<Body>>): Promise<Answer<Body>> {
  const answer = await asked;
  if (answer.status >= 300) throw new Error(`it is answered ${answer.status}: ${answer.text}`);
  return answer;
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
      const order = await atOnce<OrderBody>((at) => shop.place(at, buyer, one(variants[round]!), key));
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

interface Visits {
  done: number;
  retries: number;
  answers: Tally;
  end(): Promise<void>;
}

/** Customers come and go: they order, pay, cancel, each with keys, and send again what was not answered. So many a second begin. */
function visits(shop: Shop, random: Random, variants: string[], aSecond: number): Visits {
  const underWay = new Set<Promise<void>>();
  const state = { done: 0, retries: 0, answers: {} as Tally };
  const failed: unknown[] = [];
  let over = false;
  const retried = (times: number) => void (state.retries += times);
  const visit = async (buyer: Person) => {
    const items = Array.from({ length: whole(random, 1, 3) }, () => ({ variantId: pick(random, variants), quantity: whole(random, 1, 2) }));
    const method = pick(random, [...GOOD, ...GOOD, 'sandbox:decline', 'sandbox:timeout', 'pm_card_chargeDeclined']);
    const [pays, cancels] = [random() < 0.8, random() < 0.2];
    const placed = await shop.insist<OrderBody>(random, 'POST', 'orders', { by: buyer, key: aKey(), body: { items } }, retried);
    count(state.answers, `order ${nameOf(placed)}`);
    if (placed.status !== 201) return;
    const { id } = placed.body;
    const purchase = shop.ledger.placed(placed.body, buyer, items);
    if (pays) {
      shop.ledger.tries(id);
      const call = { by: buyer, key: aKey(), body: { method } };
      const paid = await shop.insist<PaymentBody>(random, 'POST', `orders/${id}/payments`, call, retried);
      count(state.answers, `payment ${nameOf(paid)}${paid.status === 201 ? ` ${paid.body.status}` : ''}`);
      purchase.paid = paid.status === 201 && paid.body.status === 'succeeded';
    }
    if (cancels) {
      const call = { by: buyer, key: aKey(), body: {} };
      count(state.answers, `cancellation ${nameOf(await shop.insist(random, 'POST', `orders/${id}/cancellation`, call, retried))}`);
    }
  };
  const coming = (async () => {
    for (let nth = 0; !over; nth++) {
      if (underWay.size < 300) {
        const guest = visit(shop.people[nth % shop.people.length]!)
          .then(
            () => void (state.done += 1),
            (error: unknown) => void failed.push(error),
          )
          .finally(() => underWay.delete(guest));
        underWay.add(guest);
      }
      await sleep(1_000 / aSecond);
    }
  })();
  return Object.assign(state, {
    end: async () => {
      over = true;
      await coming;
      await Promise.all(underWay);
      if (failed.length > 0) throw new AggregateError(failed, `${failed.length} visits failed: ${String(failed[0])}`);
    },
  });
}

const READY_WITHIN_MS = 5_000;

const crashes = (what: string, times: number, kill: (shop: Shop, random: Random) => Promise<number>): Proof['run'] => {
  return async (shop, random, scaled) => {
    const kills = scaled(times, 2);
    const variants = await shop.stock(Array.from({ length: 30 }, () => ({ stock: 100_000, price: whole(random, 1, 9_000) })));
    const traffic = visits(shop, random, variants, 10);
    const took: number[] = [];
    await sleep(1_000);
    for (let nth = 0; nth < kills; nth++) {
      took.push(await kill(shop, random));
      await sleep(whole(random, 300, 900));
    }
    await traffic.end();
    const { done, retries, answers } = traffic;
    const slowest = Math.max(...took);
    const faults: string[] = [];
    // The suite may run on a machine that does much else.
    if (kills >= 10) fault(faults, slowest <= READY_WITHIN_MS, `it took ${(slowest / 1_000).toFixed(1)} s to be ready again`);
    const strange = Object.keys(answers).filter((name) => !/ 20[01]/.test(name));
    fault(faults, strange.length === 0, `calls are answered ${strange.join(', ')}`);
    const middle = quantile(
      took.toSorted((a, b) => a - b),
      0.5,
    );
    return {
      numbers: `${what} killed ${kills} times under ${done} visits, whose calls were sent again ${retries} times: ${listed(answers)}; ready again after ${(middle / 1_000).toFixed(1)} s (median), ${(slowest / 1_000).toFixed(1)} s (slowest)`,
      faults,
    };
  };
};

const killed: Proof = {
  name: 'kill',
  claim:
    '`kill -9` of a random process 50 times under order and payment traffic whose clients retry with their keys: no acknowledged order lost, no double charge, every event delivered, ready again within 5 s',
  run: crashes('a process', 50, (shop, random) => shop.kill(whole(random, 0, 1))),
  disturbed: true,
};

const databaseKilled: Proof = {
  name: 'kill-database',
  claim: 'Likewise PostgreSQL, 10 times',
  run: crashes('PostgreSQL', 10, (shop) => shop.killDatabase()),
  disturbed: true,
};

/** Ways to lie in an order, written over an honest one; texts are members as they are sent, so that NaN can be. */
const LIES: ((random: Random, variantId: string) => string)[] = [
  ...['0', '-1', '1e9', '0.1', '"1"', 'NaN', 'null', '1e400', '[1]', 'true', '9007199254740993'].map(
    (quantity) => (_: Random, variantId: string) => `{"items":[{"variantId":"${variantId}","quantity":${quantity}}]}`,
  ),
  ...['price', 'unitPrice', 'total', 'discount', 'currency', 'sku', 'tax'].map(
    (member) => (random: Random, variantId: string) =>
      `{"items":[{"variantId":"${variantId}","quantity":2,"${member}":${pick(random, ['1', '0', '-5', '"EUR"', '{"amount":1,"currency":"EUR"}'])}}]}`,
  ),
  ...['total', 'subtotal', 'discount', 'currency', 'tax', 'shipping', 'status', 'number', 'expiresAt', 'userId', 'version'].map(
    (member) => (random: Random, variantId: string) =>
      `{"items":[{"variantId":"${variantId}","quantity":2}],"${member}":${pick(random, ['1', '0', '-100', '"paid"', '"JPY"', '{"amount":1,"currency":"JPY"}'])}}`,
  ),
  (_, variantId) => `{"items":[{"variantId":"${variantId}","quantity":3},{"variantId":"${variantId}","quantity":-2}]}`,
  (_, variantId) => `{"items":[{"variantId":"${variantId}","quantity":1,"quantity":-1}]}`,
  (_, variantId) => `{"items":[{"variantId":"${variantId}","quantity":1,"__proto__":{"price":1}}]}`,
  () => `{"items":[]}`,
];

const tampered: Proof = {
  name: 'tampered',
  claim: '200 tampered orders (price, total, currency, discount, quantity 0, −1, 1e9, 0.1, "1", NaN): none charged wrongly',
  run: async (shop, random, scaled) => {
    const many = scaled(200, LIES.length);
    const price = 1_337;
    const [variantId] = (await shop.stock([{ stock: 1_000, price }])) as [string];
    const answers: Answer<unknown>[] = [];
    const payments: Answer<unknown>[] = [];
    const faults: string[] = [];
    await inTurns(10, many, async (index) => {
      const buyer = shop.people[index % shop.people.length]!;
      const body = LIES[index % LIES.length]!(random, variantId);
      const answer = await shop.request<OrderBody>(index, 'POST', 'orders', { by: buyer, key: aKey(), body });
      answers.push(answer);
      if (answer.status >= 500) faults.push(`${body} is answered ${nameOf(answer)}`);
      if (answer.status !== 201) return;
      // It is taken: then for what is honest in it, and the price of the catalogue, which the books are compared with.
      const { items } = JSON.parse(body) as { items: { variantId: string; quantity: unknown }[] };
      const honest = items.every(({ quantity }) => typeof quantity === 'number' && Number.isInteger(quantity) && quantity > 0);
      fault(faults, honest, `${body} is taken, for ${answer.body.total.amount}`);
      shop.ledger.placed(answer.body, buyer, honest ? (items as Line[]) : []);
      await required(shop.pay(index, buyer, answer.body.id, pick(random, GOOD)));
    });
    // Payments are lied about, too: of honest orders, which are then charged as they should be.
    await inTurns(10, scaled(40, 8), async (index) => {
      const buyer = shop.people[index % shop.people.length]!;
      const { id } = (await required(shop.place(index, buyer, one(variantId, 2)))).body;
      const lie = pick(random, ['"amount":1', '"amount":{"amount":1,"currency":"EUR"}', '"currency":"JPY"', '"status":"succeeded"']);
      const body = `{"method":"pm_card_visa",${lie}}`;
      const refused = await shop.request(index, 'POST', `orders/${id}/payments`, { by: buyer, key: aKey(), body });
      payments.push(refused);
      fault(faults, refused.status === 400, `${body} is answered ${nameOf(refused)}`);
      await required(shop.pay(index, buyer, id, pick(random, GOOD)));
      shop.ledger.orders.get(id)!.paid = true;
    });
    return {
      numbers: `${many} orders: ${listed(tally(answers))}; ${payments.length} payments of honest orders: ${listed(tally(payments))}`,
      faults,
    };
  },
};

/** In the order in which they are run: the figures first, while the machine has nothing else to do. */
export const PROOFS: Proof[] = [figures, oversell, lines, lives, keys, killed, databaseKilled, tampered];
