/** @loaded-apart It defines jobs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type INestApplicationContext, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigModule, loadEnv } from '#config';
import { DatabaseModule, execute, Prisma, PrismaService, transaction } from '#database';
import { enqueue, FinalFailure, Handles, job, type JobRun, JobsModule, Schedule } from '#jobs';
import { WorkerConnections } from '../libs/jobs/src/connections.js';
import { createLogger, currentOrigin, type Origin, TelemetryModule, withOrigin } from '#telemetry';
import { IsInt, IsString } from 'class-validator';
import pg from 'pg';
import { createDatabase, query, type TestDatabase } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { fire } from './harness/schedules.js';
import { testSettings } from './harness/run.js';

class Note {
  @IsString()
  text: string;

  @IsInt()
  number: number;
}

const note = job('test.note', Note);
const stubborn = job('test.stubborn', Note, { maxAttempts: 3, retryAfterSeconds: () => 0.05 });
const hopeless = job('test.hopeless', Note);
const endless = job('test.endless', Note, { timeoutSeconds: 1, maxAttempts: 1 });

/** What has run, as it ran. */
interface Run {
  payload: Note;
  run: JobRun;
  origin: Origin | undefined;
}

@Injectable()
class Notes {
  readonly runs: Run[] = [];
  readonly ticks: string[] = [];
  end: () => void;
  private readonly mayEnd = new Promise<void>((resolve) => (this.end = resolve));

  @Handles(note)
  async note(payload: Note, run: JobRun): Promise<void> {
    this.runs.push({ payload, run, origin: currentOrigin() });
  }

  @Handles(stubborn)
  async stubborn(payload: Note, run: JobRun): Promise<void> {
    this.runs.push({ payload, run, origin: currentOrigin() });
    if (run.attempt <= payload.number) throw new Error(`not the ${run.attempt}. time`);
  }

  @Handles(endless)
  async endless(payload: Note, run: JobRun): Promise<void> {
    this.runs.push({ payload, run, origin: currentOrigin() });
    await (payload.number === 1 ? sleep(60_000, undefined, { signal: run.signal }) : sleep(60_000, undefined, { ref: false }));
  }

  @Schedule('test.tick', '0 0 1 1 *')
  async tick(): Promise<void> {
    this.ticks.push('began');
    await this.mayEnd;
    this.ticks.push('ended');
  }

  @Handles(hopeless)
  async hopeless(payload: Note, run: JobRun): Promise<void> {
    this.runs.push({ payload, run, origin: currentOrigin() });
    throw new FinalFailure('never');
  }
}

let database: TestDatabase;
let context: INestApplicationContext;
let prisma: PrismaService;
let notes: Notes;

async function start(settings: Record<string, string> = {}, ...more: (new () => object)[]): Promise<INestApplicationContext> {
  const env = loadEnv({ ...testSettings(database.url), ...settings });
  @Module({
    imports: [ConfigModule.of(env), TelemetryModule.of(createLogger(env)), DatabaseModule, JobsModule],
    providers: [Notes, ...more],
  })
  class SmallModule {}
  const small = await Test.createTestingModule({ imports: [SmallModule] }).compile();
  try {
    return await small.init();
  } catch (error) {
    await small.close();
    throw error;
  }
}

beforeAll(async () => {
  database = await createDatabase();
  context = await start();
  prisma = context.get(PrismaService);
  notes = context.get(Notes);
}, 60_000);

afterAll(async () => {
  await context.close();
  await database.drop();
});

const runsOf = (text: string) => notes.runs.filter(({ payload }) => payload.text === text);
const jobs = (id: string) =>
  query<{ attempts: number; max_attempts: number; last_error: string | null; locked_at: Date | null }>(
    database.url,
    'SELECT attempts, max_attempts, last_error, locked_at FROM graphile_worker.jobs WHERE id = $1',
    [id],
  );

describe('a job', () => {
  it('is done once what was written with it is committed', async () => {
    await transaction(prisma, async (db) => {
      await enqueue(db, note, { text: 'kept', number: 1 });
      await sleep(1_500);
      expect(runsOf('kept')).toHaveLength(0);
    });
    const [run] = await eventually(() => runsOf('kept').length === 1 && runsOf('kept'));
    expect(run).toMatchObject({ payload: { text: 'kept', number: 1 }, run: { attempt: 1, maxAttempts: 12 }, origin: undefined });
    expect(run!.payload).toBeInstanceOf(Note);
    await eventually(async () => (await jobs(run!.run.id)).length === 0);
  });

  it('is not done when that is undone', async () => {
    const work = transaction(prisma, async (db) => {
      await enqueue(db, note, { text: 'undone', number: 1 });
      throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    await enqueue(prisma, note, { text: 'after undone', number: 1 });
    await eventually(() => runsOf('after undone').length === 1);
    expect(runsOf('undone')).toHaveLength(0);
  });

  it('counts as coming from the request that asked for it', async () => {
    const origin = { requestId: 'request-4711', traceId: 'a'.repeat(32), ip: '192.0.2.1', userAgent: 'somebody' };
    await withOrigin(origin, () => enqueue(prisma, note, { text: 'asked for', number: 1 }));
    const [run] = await eventually(() => runsOf('asked for').length === 1 && runsOf('asked for'));
    expect(run!.origin).toEqual({ requestId: 'request-4711', traceId: 'a'.repeat(32), ip: null, userAgent: null });
  });

  it('with a payload that breaks its rules is refused when it is enqueued, without showing values', async () => {
    const bad = { text: 'secret', number: 'secret', more: 'secret' } as unknown as Note;
    const refusal = await enqueue(prisma, note, bad).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TypeError);
    expect((refusal as Error).message).toMatch(/^The payload of test\.note is not valid: .*number.*/);
    expect((refusal as Error).message).toMatch(/more/);
    expect((refusal as Error).message).not.toContain('secret');
  });

  it('with a payload that breaks its rules when it runs becomes a dead letter at once', async () => {
    const [{ id } = { id: '' }] = await query<{ id: string }>(
      database.url,
      `SELECT id::text FROM graphile_worker.add_job('test.note', '{"payload":{"text":"secret","number":"secret"}}', max_attempts => 5)`,
    );
    const [dead] = await eventually(async () => {
      const found = await jobs(id);
      return found[0]?.locked_at === null && found[0].attempts === 5 && found;
    });
    expect(dead!.last_error).toMatch(/^The payload is not valid: number must be an integer/);
    expect(dead!.last_error).not.toContain('secret');
  });

  it('that fails is tried again after a while, until it succeeds', async () => {
    const id = await enqueue(prisma, stubborn, { text: 'twice', number: 2 });
    await eventually(() => runsOf('twice').length === 3, 20_000);
    expect(runsOf('twice').map(({ run }) => run.attempt)).toEqual([1, 2, 3]);
    await eventually(async () => (await jobs(id)).length === 0);
  });

  it('that has failed for the last time is kept as a dead letter', async () => {
    const id = await enqueue(prisma, stubborn, { text: 'always', number: 9 });
    await eventually(() => runsOf('always').length === 3, 20_000);
    const [dead] = await eventually(async () => {
      const found = await jobs(id);
      return found[0]?.locked_at === null && found;
    });
    expect(dead).toMatchObject({ attempts: 3, max_attempts: 3, last_error: 'not the 3. time' });
  });

  it('whose handler says that it is no use is not tried again', async () => {
    const id = await enqueue(prisma, hopeless, { text: 'hopeless', number: 1 });
    await eventually(async () => (await jobs(id))[0]?.attempts === 12);
    expect(runsOf('hopeless')).toHaveLength(1);
  });

  it('of a key waits only once, with the newest payload', async () => {
    const later = new Date(Date.now() + 2_000);
    await enqueue(prisma, note, { text: 'first', number: 1 }, { key: 'k', runAt: later });
    await enqueue(prisma, stubborn, { text: 'other job', number: 0 }, { key: 'k', runAt: later });
    await enqueue(prisma, note, { text: 'second', number: 2 }, { key: 'k', runAt: later });
    await eventually(() => runsOf('second').length === 1 && runsOf('other job').length === 1);
    expect(runsOf('first')).toHaveLength(0);
  });
});

describe('an attempt', () => {
  it.each([
    ['ends when it takes too long', 1],
    ['is given up when it takes too long and does not listen', 2],
  ])('%s', async (text, number) => {
    const id = await enqueue(prisma, endless, { text, number });
    const [dead] = await eventually(async () => {
      const found = await jobs(id);
      return found[0]?.attempts === 1 && found[0].locked_at === null && found;
    }, 20_000);
    expect(dead!.last_error).toBe('The attempt took longer than 1 seconds.');
    expect(runsOf(text)[0]!.run.signal.aborted).toBe(true);
  });
});

describe('a schedule', () => {
  it('never runs beside itself, and waits only once', async () => {
    await fire(database.url, 'test.tick');
    await eventually(() => notes.ticks.length === 1);
    for (let count = 0; count < 5; count++) await fire(database.url, 'test.tick');
    await sleep(1_500);
    expect(notes.ticks).toEqual(['began']);
    notes.end();
    await eventually(() => notes.ticks.length === 4);
    await sleep(1_500);
    expect(notes.ticks).toEqual(['began', 'ended', 'began', 'ended']);
  });
});

describe('the start', () => {
  class Twice {
    @Handles(note)
    async again(): Promise<void> {}
  }
  class Untimely {
    @Schedule('test.untimely', 'every minute')
    async run(): Promise<void> {}
  }

  it('is refused when a job has two handlers', async () => {
    await expect(start({}, Twice)).rejects.toThrow(/test\.note is done by Notes\.note and by Twice\.again/);
  });

  it('is refused when a schedule has no crontab line', async () => {
    await expect(start({}, Untimely)).rejects.toThrow(/Untimely\.run is scheduled at "every minute"/);
  });

  it('of two jobs by one name is refused', () => {
    expect(() => job('test.note', Note)).toThrow('The job test.note is defined twice');
    expect(() => job('Note', Note)).toThrow('"Note" cannot name a job');
  });
});

describe('a process with ROLE=api', () => {
  it('leaves jobs to others', async () => {
    const other = await createDatabase();
    const api = await start({ ROLE: 'api', DATABASE_URL: other.url });
    try {
      const id = await enqueue(api.get(PrismaService), note, { text: 'of the api', number: 1 });
      await sleep(1_500);
      expect(await query(other.url, 'SELECT attempts FROM graphile_worker.jobs WHERE id = $1', [id])).toEqual([{ attempts: 0 }]);
      expect(await query(other.url, 'SELECT id FROM job_workers')).toEqual([]);
    } finally {
      await api.close();
      await other.drop();
    }
  });
});

describe('an effect of a job', () => {
  it('is done once, however often it is attempted', async () => {
    await query(database.url, 'CREATE TABLE effects (job text)');
    await enqueue(prisma, note, { text: 'effect', number: 1 });
    const [{ run }] = (await eventually(() => runsOf('effect').length === 1 && runsOf('effect'))) as [Run];
    const effect = () => run.once(prisma, (tx) => execute(tx, Prisma.sql`INSERT INTO effects VALUES (${run.id})`));
    const done = await Promise.all(Array.from({ length: 8 }, effect));
    expect(done.filter(Boolean)).toHaveLength(1);
    expect(await query(database.url, 'SELECT job FROM effects')).toEqual([{ job: run.id }]);
  });

  it('that fails is not done, and may be done by the next attempt', async () => {
    await enqueue(prisma, note, { text: 'failing effect', number: 1 });
    const [{ run }] = (await eventually(() => runsOf('failing effect').length === 1 && runsOf('failing effect'))) as [Run];
    await expect(run.once(prisma, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await run.once(prisma, async () => undefined)).toBe(true);
    expect(await run.once(prisma, async () => undefined, 'another step')).toBe(true);
    expect(await run.once(prisma, async () => undefined)).toBe(false);
  });
});

describe('a statement of graphile-worker', () => {
  it('that is the victim of a deadlock is asked again, and the workers go on', async () => {
    await query(database.url, 'CREATE TABLE rings (id int PRIMARY KEY, turns int NOT NULL)');
    await query(database.url, 'INSERT INTO rings VALUES (1, 0), (2, 0)');
    const connections = new WorkerConnections(database.url);
    let broken = false;
    void connections.broken.then(() => (broken = true));
    connections.hold(Promise.resolve());
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    // It waits longer than the other does until it looks for a ring, and so is the one that is chosen.
    await other.query(`SET deadlock_timeout = '1min'`);
    await other.query('BEGIN');
    await other.query('UPDATE rings SET turns = turns + 1 WHERE id = 2');
    const both = `WITH one AS (UPDATE rings SET turns = turns + 1 WHERE id = 1 RETURNING id) UPDATE rings SET turns = turns + 1 FROM one WHERE rings.id = 2`;
    const asked = (await connections.connect()).query(both);
    const waits = `SELECT FROM pg_stat_activity WHERE application_name = 'ashlar-jobs' AND wait_event_type = 'Lock'`;
    await eventually(async () => (await query(database.url, waits)).length === 1);
    await other.query('UPDATE rings SET turns = turns + 1 WHERE id = 1');
    await other.query('COMMIT');
    expect((await asked).rowCount).toBe(1);
    expect(await query(database.url, 'SELECT id, turns FROM rings ORDER BY id')).toEqual([1, 2].map((id) => ({ id, turns: 2 })));
    expect(broken).toBe(false);
    await Promise.all([other.end(), connections.end()]);
  });
});

// The last one: what is defined stays defined.
describe('a job without a handler', () => {
  it('stops the start', async () => {
    job('test.forgotten', Note);
    await expect(start()).rejects.toThrow(/The job test\.forgotten is done by nobody: mark a method of a provider with @Handles/);
  });
});
