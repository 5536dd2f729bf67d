// Processes and the database are killed under traffic.
import { setTimeout as sleep } from 'node:timers/promises';
import { aKey, count, listed, nameOf, type OrderBody, type PaymentBody, type Tally } from './answers.ts';
import type { Person } from './ledger.ts';
import { fault, GOOD, pick, type Proof, quantile, type Random, whole } from './proof.ts';
import type { Shop } from './shop.ts';

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

export const killed: Proof = {
  name: 'kill',
  claim:
    '`kill -9` of a random process 50 times under order and payment traffic whose clients retry with their keys: no acknowledged order lost, no double charge, every event delivered, ready again within 5 s',
  run: crashes('a process', 50, (shop, random) => shop.kill(whole(random, 0, 1))),
  disturbed: true,
};

export const databaseKilled: Proof = {
  name: 'kill-database',
  claim: 'Likewise PostgreSQL, 10 times',
  run: crashes('PostgreSQL', 10, (shop) => shop.killDatabase()),
  disturbed: true,
};
