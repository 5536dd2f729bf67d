// Processes and the database are killed under traffic.
import { setTimeout as sleep } from 'node:timers/promises';
import { listed } from './answers.ts';
import { fault, type Proof, quantile, type Random, whole } from './proof.ts';
import type { Shop } from './shop.ts';
import { SECOND_ORDER, visits } from './visits.ts';

const READY_WITHIN_MS = 5_000;

const crashes = (what: string, times: number, kill: (shop: Shop, random: Random) => Promise<number>): Proof['run'] => {
  return async (shop, random, scaled) => {
    const kills = scaled(times, 2);
    const variants = await shop.stock(Array.from({ length: 30 }, () => ({ stock: 100_000, price: whole(random, 1, 9_000) })));
    await shop.offer(variants);
    const traffic = visits(shop, random, variants, 3);
    const took: number[] = [];
    await sleep(1_000);
    for (let nth = 0; nth < kills; nth++) {
      took.push(await kill(shop, random));
      await sleep(whole(random, 300, 900));
    }
    await traffic.end();
    const { done, retries, kinds, answers } = traffic;
    const slowest = Math.max(...took);
    const faults: string[] = [];
    // The suite may run on a machine that does much else.
    if (kills >= 10) fault(faults, slowest <= READY_WITHIN_MS, `it took ${(slowest / 1_000).toFixed(1)} s to be ready again`);
    const strange = Object.keys(answers).filter((name) => !/ 20[01]( \w+)?$/.test(name) && name !== SECOND_ORDER);
    fault(faults, strange.length === 0, `calls are answered ${strange.join(', ')}`);
    const middle = quantile(
      took.toSorted((a, b) => a - b),
      0.5,
    );
    return {
      numbers: `${what} killed ${kills} times under ${done} visits (${listed(kinds)}), whose calls were sent again ${retries} times: ${listed(answers)}; ready again after ${(middle / 1_000).toFixed(1)} s (median), ${(slowest / 1_000).toFixed(1)} s (slowest)`,
      faults,
    };
  };
};

export const killed: Proof = {
  name: 'kill',
  claim:
    '`kill -9` of a random process 50 times under order and payment traffic of users and guests, from items and from carts, in two currencies and with coupons, whose clients retry with their keys: no acknowledged order lost, no cart ordered twice, no double charge, one mail each, every event delivered, ready again within 5 s',
  run: crashes('a process', 50, (shop, random) => shop.kill(whole(random, 0, 1))),
  disturbed: true,
};

export const databaseKilled: Proof = {
  name: 'kill-database',
  claim: 'Likewise PostgreSQL, 10 times',
  run: crashes('PostgreSQL', 10, (shop) => shop.killDatabase()),
  disturbed: true,
};
