import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../harness/eventually.js';
import { stopProcesses } from '../harness/product.js';
import { aWorkshop, type Workshop } from '../harness/workers.js';

const PATIENCE = 120_000;
/** All jobs but the tick of each minute, which comes when it does. */
const JOBS = `graphile_worker.jobs WHERE task_identifier <> 'test.tick'`;

let shop: Workshop;

const open = async () => {
  shop = await aWorkshop();
};
const close = async () => {
  await stopProcesses();
  await shop.drop();
};

describe('a worker that is killed', () => {
  const patient = (maxAttempts: number, envelope: object) =>
    shop.sql(
      `SELECT FROM graphile_worker.add_job('test.patient', $1, max_attempts => $2, job_key => $1::json ->> 'key')`,
      envelope,
      maxAttempts,
    );
  const began = (number: number) => eventually(async () => (await shop.effects()).some((effect) => effect.number === number));
  let goneAfterMs: number;

  beforeAll(async () => {
    await open();
    const first = await shop.start();
    await patient(1, { payload: { number: 1_001, ms: 60_000 } });
    await patient(12, { payload: { number: 1_002, ms: 60_000 }, key: 'a' });
    await began(1_001);
    await began(1_002);
    await patient(12, { payload: { number: 1_003, ms: 1 }, key: 'a' }); // in place of the second
    await shop.add('test.effect', 400, 40);
    await eventually(async () => (await shop.effects()).length > 100);
    await shop.start();
    await first.stop('SIGKILL');
    const killed = Date.now();
    await eventually(async () => (await shop.left()) <= 1, 60_000);
    goneAfterMs = Date.now() - killed;
  }, PATIENCE);
  afterAll(close);

  it('loses no job: another does them soon, each effect once', async () => {
    const done = (await shop.effects()).filter(({ number }) => number <= 400).map(({ number }) => number);
    expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
    expect(goneAfterMs).toBeLessThan(40_000);
    expect(await shop.sql('SELECT id FROM job_workers')).toHaveLength(1);
  });

  it('leaves the job that it died of, at the last attempt, as a dead letter that says so', async () => {
    const left = await shop.sql<{ last_error: string }>(`SELECT task_identifier, locked_at, last_error FROM ${JOBS}`);
    expect(left).toEqual([
      { task_identifier: 'test.patient', locked_at: null, last_error: expect.stringMatching(/^The process that ran it died/) },
    ]);
  });

  it('leaves none of a job that another has replaced while it ran', async () => {
    const seen = (await shop.effects()).filter(({ number }) => number > 1_001).map(({ number, what }) => [number, what]);
    expect(seen).toEqual([
      [1_002, 'began'],
      [1_003, 'began'],
      [1_003, 'done'],
    ]);
  });
});

describe('a worker that is told to stop', () => {
  beforeEach(open);
  afterEach(close);

  const finishes = async () => {
    const worker = await shop.start({ JOBS_CONCURRENCY: '1' });
    await shop.add('test.patient', 1, 1_500);
    await eventually(async () => (await shop.effects()).length === 1);
    await shop.add('test.effect', 5, 10);
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    expect((await shop.effects()).map(({ what }) => what)).toEqual(['began', 'done']);
    expect(await shop.sql(`SELECT attempts, locked_at FROM ${JOBS}`)).toEqual(Array(5).fill({ attempts: 0, locked_at: null }));
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
    expect(await shop.sql(`SELECT attempts FROM ${JOBS}`)).toEqual([{ attempts: 1 }]);
  };
  it('gives back what takes too long: it runs elsewhere at once, and the attempt does not count', givesBack, PATIENCE);
});

describe('a job that another has replaced while it ran', () => {
  beforeEach(open);
  afterEach(close);

  /** The same key in the payload, as the product has it. */
  const add = (name: string, number: number, ms: number) =>
    shop.sql(
      `SELECT graphile_worker.add_job($1, json_build_object('key', 'one', 'payload', json_build_object('number', $2::bigint, 'ms', $3::int)), job_key => 'one')`,
      name,
      number,
      ms,
    );
  const runs = () => eventually(async () => (await shop.sql(`SELECT FROM ${JOBS} AND locked_at IS NOT NULL`)).length === 1);

  const isNoDeadLetter = async () => {
    const worker = await shop.start();
    await add('test.effect', 3_000_000_000, 1_500); // more than its column holds
    await runs();
    await add('test.effect', 7, 10);
    await eventually(async () => (await shop.left()) === 0, 20_000);
    expect((await shop.effects()).map(({ number }) => number)).toEqual([7]);
    await worker.stop();
  };
  it('and then fails is no dead letter', isNoDeadLetter, PATIENCE);

  const isNotRepeated = async () => {
    const worker = await shop.start({ JOBS_SHUTDOWN_SECONDS: '1', JOBS_CONCURRENCY: '1' });
    await add('test.patient', 1, 60_000);
    await eventually(async () => (await shop.effects()).length === 1);
    await add('test.patient', 2, 10);
    await worker.stop();
    const other = await shop.start();
    await eventually(async () => (await shop.left()) === 0, 20_000);
    expect((await shop.effects()).map(({ number, what }) => [number, what])).toEqual([
      [1, 'began'],
      [1, 'GivenBack'],
      [2, 'began'],
      [2, 'done'],
    ]);
    await other.stop();
  };
  it('and is given back is not repeated', isNotRepeated, PATIENCE);
});

describe('workers that lose the database', () => {
  beforeEach(open);
  afterEach(close);

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
