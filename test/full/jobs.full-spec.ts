import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../harness/eventually.js';
import { type Product, stopProcesses } from '../harness/product.js';
import { aWorkshop, type Workshop } from '../harness/workers.js';

const JOBS = 5_000;
const KILLS = 10;

let shop: Workshop;

beforeEach(async () => {
  shop = await aWorkshop();
});

afterEach(async () => {
  await stopProcesses();
  await shop.drop();
});

describe(`${JOBS} jobs, done by two workers of which one is killed ${KILLS} times`, () => {
  it('are all done, each effect once', async () => {
    const workers: Product[] = [await shop.start(), await shop.start()];
    await shop.add('test.effect', JOBS, 25);
    const left: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(200 + Math.random() * 800);
      left.push(await shop.left());
      await workers.shift()!.stop('SIGKILL');
      workers.push(await shop.start());
    }
    await eventually(async () => (await shop.left()) === 0, 180_000);
    const done = await shop.effects();
    expect(done).toHaveLength(JOBS);
    expect(new Set(done.map(({ number }) => number)).size).toBe(JOBS);
    expect(left[0]).toBeGreaterThan(JOBS / 2);
    expect(new Set(done.map(({ pid }) => pid)).size).toBeGreaterThan(3); // otherwise they were killed too late to matter
  });
});

describe('a worker that is frozen until others have its jobs', () => {
  it('does no effect a second time when it wakes, and goes on working', async () => {
    const frozen = await shop.start();
    await shop.add('test.effect', 60, 1_000);
    await eventually(async () => (await shop.sql('SELECT id FROM graphile_worker.jobs WHERE locked_at IS NOT NULL')).length > 0);
    process.kill(frozen.pid, 'SIGSTOP');
    const other = await shop.start();
    await eventually(async () => (await shop.left()) === 0, 120_000);
    process.kill(frozen.pid, 'SIGCONT');
    await eventually(() => frozen.log.some(({ msg }) => msg.includes('taken for dead')), 30_000);
    const done = await shop.effects();
    expect(done).toHaveLength(60);
    expect(new Set(done.map(({ number }) => number)).size).toBe(60);
    await other.stop();
    await shop.add('test.effect', 5, 10);
    await eventually(async () => (await shop.left()) === 0, 60_000);
    expect((await shop.effects()).slice(60).map(({ pid }) => pid)).toEqual(Array(5).fill(frozen.pid));
  });
});

describe('a schedule of every minute', () => {
  it('fires once a minute across processes', async () => {
    await Promise.all([shop.start(), shop.start(), shop.start()]);
    const fired = () =>
      shop.sql<{ minute: Date; count: number }>(
        `SELECT date_trunc('minute', at) AS minute, count(*)::int FROM ticks GROUP BY 1 ORDER BY 1`,
      );
    await eventually(async () => (await fired()).length === 3, 240_000);
    expect((await fired()).map(({ count }) => count)).toEqual([1, 1, 1]);
  });
});
