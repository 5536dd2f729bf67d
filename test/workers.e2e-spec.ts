import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from './harness/eventually.js';
import { stopProcesses } from './harness/product.js';
import { aWorkshop, type Workshop } from './harness/workers.js';

const PATIENCE = 120_000;

let shop: Workshop;

beforeEach(async () => {
  shop = await aWorkshop();
});

afterEach(async () => {
  await stopProcesses();
  await shop.drop();
});

async function expectEachOnce(count: number): Promise<void> {
  const done = await shop.effects();
  expect(done).toHaveLength(count);
  expect(new Set(done.map(({ number }) => number)).size).toBe(count);
}

describe('a worker that is killed', () => {
  const losesNothing = async () => {
    const [first] = [await shop.start(), await shop.start()];
    await shop.add('test.effect', 400, 40);
    await eventually(async () => (await shop.effects()).length > 100);
    await first.stop('SIGKILL');
    const killed = Date.now();
    await eventually(async () => (await shop.left()) === 0, 60_000);
    expect(Date.now() - killed).toBeLessThan(40_000);
    await expectEachOnce(400);
    expect(await shop.sql('SELECT id FROM job_workers')).toHaveLength(1);
  };
  it('loses no job: another does them soon, each effect once', losesNothing, PATIENCE);

  const saysWhy = async () => {
    const first = await shop.start();
    await shop.add('test.patient', 1, 60_000, { maxAttempts: 1 });
    await eventually(async () => (await shop.effects()).length === 1);
    await first.stop('SIGKILL');
    await shop.start();
    const [dead] = await eventually(async () => {
      const jobs = await shop.sql<{ last_error: string }>(
        "SELECT last_error FROM graphile_worker.jobs WHERE locked_at IS NULL AND task_identifier = 'test.patient'",
      );
      return jobs.length === 1 && jobs;
    }, 60_000);
    expect(dead!.last_error).toMatch(/^The process that ran it died/);
  };
  it('leaves the job that it died of, at the last attempt, as a dead letter that says so', saysWhy, PATIENCE);
});

describe('a worker that is told to stop', () => {
  const finishes = async () => {
    const worker = await shop.start({ JOBS_CONCURRENCY: '1' });
    await shop.add('test.patient', 1, 1_500);
    await eventually(async () => (await shop.effects()).length === 1);
    await shop.add('test.effect', 5, 10);
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    expect((await shop.effects()).map(({ what }) => what)).toEqual(['began', 'done']);
    expect(await shop.sql('SELECT attempts, locked_at FROM graphile_worker.jobs')).toEqual(Array(5).fill({ attempts: 0, locked_at: null }));
    expect(await shop.sql('SELECT id FROM job_workers')).toEqual([]);
  };
  it('finishes what runs, and takes nothing new', finishes, PATIENCE);

  const givesBack = async () => {
    const worker = await shop.start({ JOBS_SHUTDOWN_SECONDS: '1' });
    await shop.add('test.patient', 1, 60_000);
    await eventually(async () => (await shop.effects()).length === 1);
    const other = await shop.start();
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    const seen = await eventually(async () => {
      const found = await shop.effects();
      return found.length === 3 && found;
    });
    expect(seen.map(({ pid, what }) => [pid, what])).toEqual([
      [worker.pid, 'began'],
      [worker.pid, 'GivenBack'],
      [other.pid, 'began'],
    ]);
    expect(await shop.sql('SELECT attempts FROM graphile_worker.jobs')).toEqual([{ attempts: 1 }]);
  };
  it('gives back what takes too long: it runs elsewhere at once, and the attempt does not count', givesBack, PATIENCE);
});

describe('workers that lose the database', () => {
  const goOn = async () => {
    const worker = await shop.start();
    for (let blow = 1; blow <= 3; blow++) {
      const before = (await shop.effects()).length;
      await shop.add('test.effect', 200, 20);
      await eventually(async () => (await shop.effects()).length > before, 60_000);
      await shop.sql(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
    }
    await eventually(async () => (await shop.left()) === 0, 60_000);
    const done = (await shop.effects()).map(({ number }) => number).sort((a, b) => a - b);
    expect(done).toEqual(Array.from({ length: 600 }, (_, place) => Math.floor(place / 3) + 1));
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
  };
  it('go on when it is back, each effect once', goOn, PATIENCE);
});
