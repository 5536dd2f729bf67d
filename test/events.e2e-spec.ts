/** @loaded-apart It defines events. */
import { randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { firstIdAt, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { discardDelivery, endOfLog, type Published, publish, readEvents, retryDelivery, startReplay } from '#events';
import { withOrigin } from '#telemetry';
import { CONSUMERS, elsewhere, Happening, happened, Latecomer, Recorder, startConsumers, TABLES } from './harness/consumers.js';
import { createDatabase, query, type TestDatabase } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { startProcess, stopProcesses } from './harness/product.js';
import { testSettings } from './harness/run.js';
import { fire } from './harness/schedules.js';

interface Effect {
  event_id: string;
  resource: string;
  n: number;
  pid: number;
  request_id: string | null;
}
interface Delivery {
  event_id: string;
  status: string;
  attempts: number;
  last_error: string | null;
}

const LONG = 60_000;
const SOON = { EVENTS_DELIVERY_ATTEMPTS: '2' };
const someone = randomUUID();

let database: TestDatabase;
let context: INestApplicationContext;
let prisma: PrismaService;

async function startAgain(consumers?: (new () => object)[], settings: Record<string, string> = {}): Promise<INestApplicationContext> {
  return startConsumers({ ...testSettings(database.url), ...SOON, ...settings }, consumers);
}

beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, TABLES);
  context = await startAgain();
  prisma = context.get(PrismaService);
}, LONG);

afterAll(async () => {
  await stopProcesses();
  await context.close();
  await database.drop();
});

/** A resource that no other test knows. */
const aThing = () => randomUUID();
const happen = (thing: string, payload: Happening, db: PrismaService | Tx = prisma) =>
  publish(db, happened, payload, { actor: null, resource: { type: 'thing', id: thing }, subject: someone });
const numbers = (thing: string, consumer = 'test.recorder') =>
  query<Effect>(database.url, 'SELECT * FROM effects WHERE resource = $1 AND consumer = $2 ORDER BY at', [thing, consumer]).then(
    (effects) => effects.map(({ n }) => n),
  );
const until = (thing: string, expected: number[], consumer?: string) =>
  eventually(async () => (await numbers(thing, consumer)).length >= expected.length, LONG).then(async () =>
    expect(await numbers(thing, consumer)).toEqual(expected),
  );
const deliveries = (thing: string, consumer = 'test.recorder') =>
  query<Delivery>(
    database.url,
    'SELECT event_id, status, attempts, last_error FROM event_deliveries WHERE resource = $1 AND consumer = $2 ORDER BY position',
    [`thing:${thing}`, consumer],
  );
const logged = (thing: string, after: string | null = null, limit = 1_000): Promise<Published[]> =>
  readEvents(prisma, { after, limit }).then((events) => events.filter(({ resource }) => resource.id === thing));
const poison = (word: string) => query(database.url, 'INSERT INTO poison VALUES ($1)', [word]);
const antidote = (word: string) => query(database.url, 'DELETE FROM poison WHERE word = $1', [word]);
const ns = (events: Published[]) => events.map(({ payload }) => (payload as Happening).n);

/** A transaction that goes on when it is told to. */
function slowTransaction(work: (db: Tx) => Promise<void>) {
  let go: () => void = () => undefined;
  const told = new Promise<void>((resolve) => (go = resolve));
  let written: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (written = resolve));
  const ended = transaction(prisma, async (db) => {
    await work(db);
    await rows(db, Prisma.sql`SELECT 1`); // so that what waits for the next statement is written, too
    written();
    await told;
  });
  return { begun, commit: () => (go(), ended) };
}

describe('the log of events', () => {
  it('holds what was committed, and nothing of what was not', async () => {
    const thing = aThing();
    const failed = transaction(prisma, async (db) => {
      await happen(thing, { n: 1 }, db);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await happen(thing, { n: 2 });
    await eventually(async () => (await logged(thing)).length > 0);
    expect(ns(await logged(thing))).toEqual([2]);
  });

  it('holds it once when the transaction had to be repeated', async () => {
    const thing = aThing();
    let attempts = 0;
    await transaction(prisma, async (db) => {
      await happen(thing, { n: 1 }, db);
      if (++attempts === 1) throw Object.assign(new Error('deadlock'), { code: '40P01' });
    });
    await until(thing, [1]);
    expect(attempts).toBe(2);
    expect(await logged(thing)).toHaveLength(1);
  });

  it('holds what one transaction published in the order in which it did', async () => {
    const thing = aThing();
    await transaction(prisma, async (db) => {
      for (const n of [1, 2, 3]) await happen(thing, { n }, db);
      await db.$queryRaw`SELECT 1`;
      for (const n of [4, 5, 6]) await happen(thing, { n }, db);
    });
    await until(thing, [1, 2, 3, 4, 5, 6]);
    expect(ns(await logged(thing))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('says who did what to whom, when, and by which request', async () => {
    const thing = aThing();
    const actor = { id: randomUUID() };
    const before = Date.now();
    await withOrigin({ requestId: 'request-4711', traceId: 'a'.repeat(32), ip: '192.0.2.1', userAgent: 'somebody' }, () =>
      publish(prisma, happened, { n: 1 }, { actor, resource: { type: 'thing', id: thing }, subject: someone }),
    );
    const [event] = await eventually(async () => (await logged(thing)).length === 1 && logged(thing));
    expect(event).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      name: 'thing.happened',
      version: 1,
      cursor: expect.any(String),
      resource: { type: 'thing', id: thing },
      actorId: actor.id,
      subjectId: someone,
      payload: { n: 1 },
      requestId: 'request-4711',
      traceId: 'a'.repeat(32),
      occurredAt: expect.any(Date),
    });
    expect(event!.occurredAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(event!.occurredAt.getTime()).toBeLessThanOrEqual(Date.now());
    await until(thing, [1]);
    const [effect] = await query<Effect>(database.url, 'SELECT * FROM effects WHERE resource = $1', [thing]);
    expect(effect!.request_id).toBe('request-4711'); // consumers count as coming from that request
  });

  it('never lets a reader pass one that is committed late', async () => {
    const [early, late] = [aThing(), aThing()];
    const begin = await endOfLog(prisma);
    const slow = slowTransaction((db) => happen(late, { n: 1 }, db));
    await slow.begun;
    await happen(early, { n: 2 }); // later written, earlier committed
    const [seen] = await eventually(async () => (await logged(early, begin)).length === 1 && logged(early, begin));
    expect(await logged(late)).toEqual([]);
    await slow.commit();
    const [missed] = await eventually(async () => (await logged(late, seen!.cursor)).length === 1 && logged(late, seen!.cursor));
    expect(missed!.cursor > seen!.cursor).toBe(true);
    await until(late, [1]);
  });

  it('keeps the order of changes of a resource, whichever transaction began first', async () => {
    const thing = aThing();
    await query(database.url, 'CREATE TABLE things (id uuid PRIMARY KEY); CREATE TABLE notes (text text)');
    await query(database.url, 'INSERT INTO things VALUES ($1)', [thing]);
    const change = async (db: Tx, n: number) => {
      await db.$queryRaw`SELECT id FROM things WHERE id = ${thing}::uuid FOR UPDATE`;
      await happen(thing, { n }, db);
    };
    let hasBegun: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (hasBegun = resolve));
    const second = transaction(prisma, async (db) => {
      await db.$executeRaw`INSERT INTO notes VALUES ('something else, and with it a transaction id that is lower')`;
      hasBegun();
      await eventually(async () => (await query(database.url, 'SELECT FROM events WHERE resource_id = $1', [thing])).length === 1);
      await change(db, 2);
    });
    await begun;
    await transaction(prisma, (db) => change(db, 1));
    await second;
    await until(thing, [1, 2]);
    expect(ns(await logged(thing))).toEqual([1, 2]);
  });

  it('is read in stretches, by kind, and by whose it is', async () => {
    const thing = aThing();
    const begin = await endOfLog(prisma);
    for (const n of [1, 2, 3]) await happen(thing, { n });
    await publish(prisma, elsewhere, { n: 4 }, { actor: null, resource: { type: 'place', id: thing } });
    await eventually(async () => (await logged(thing, begin)).length === 4);
    const first = await readEvents(prisma, { after: begin, limit: 2 });
    expect(ns(first)).toEqual([1, 2]);
    expect(ns(await readEvents(prisma, { after: first[1]!.cursor, limit: 2 }))).toEqual([3, 4]);
    expect(ns(await readEvents(prisma, { after: begin, limit: 9, names: ['place.changed'] }))).toEqual([4]);
    expect(ns(await readEvents(prisma, { after: begin, limit: 9, subject: someone }))).toEqual([1, 2, 3]);
    expect(await readEvents(prisma, { after: begin, limit: 9, subject: randomUUID() })).toEqual([]);
    expect(await readEvents(prisma, { after: await endOfLog(prisma), limit: 9 })).toEqual([]);
    await expect(readEvents(prisma, { after: 'no cursor', limit: 9 })).rejects.toThrow(RangeError);
  });

  it('takes no payload that is not as its class says, and shows no value of it', async () => {
    const about = { actor: null, resource: { type: 'thing', id: aThing() } };
    const refusal = async (payload: object) =>
      publish(prisma, happened, payload as Happening, about).catch((error: unknown) => error as Error);
    for (const payload of [{}, { n: 'secret' }, { n: 1, name: 'secret' }, { n: 1, poison: { text: 'secret' } }]) {
      const error = await refusal(payload);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(/^thing\.happened cannot be published like this: /);
      expect((error as Error).message).not.toContain('secret');
    }
    await expect(publish(prisma, happened, { n: 1 }, { actor: null, resource: { type: 'ship', id: 'x' } })).rejects.toThrow(TypeError);
  });
});

describe('a consumer', () => {
  it('gets the events of a resource in their order, while it gets those of others', async () => {
    const things = Array.from({ length: 8 }, aThing);
    for (let n = 1; n <= 10; n++) await Promise.all(things.map((thing) => happen(thing, { n })));
    for (const thing of things) await until(thing, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('that fails gets nothing more of this resource, and of the others everything', async () => {
    const [bad, good] = [aThing(), aThing()];
    await poison('once');
    await happen(bad, { n: 1, poison: 'once' });
    await happen(bad, { n: 2 });
    await happen(good, { n: 3 });
    await until(good, [3]);
    await eventually(async () => (await deliveries(bad))[0]?.attempts === 1, LONG);
    expect(await numbers(bad)).toEqual([]);
    await antidote('once');
    await until(bad, [1, 2]);
    expect((await deliveries(bad)).map(({ status, attempts }) => [status, attempts])).toEqual([
      ['done', 2],
      ['done', 1],
    ]);
  });

  it('that fails too often is stuck until somebody tries again', async () => {
    const thing = aThing();
    await poison('hard');
    await happen(thing, { n: 1, poison: 'hard' });
    await happen(thing, { n: 2 });
    const [stuck] = await eventually(async () => {
      const all = await deliveries(thing);
      return all[0]?.status === 'stuck' && all;
    }, LONG);
    expect(stuck).toMatchObject({ attempts: 2, last_error: 'Error: poison in 1' });
    const key = { eventId: stuck!.event_id, consumer: 'test.recorder' };
    expect(await retryDelivery(prisma, { ...key, consumer: 'test.other' })).toBe(false);
    await happen(thing, { n: 3 });
    await antidote('hard');
    expect(await numbers(thing)).toEqual([]);
    expect(await retryDelivery(prisma, key)).toBe(true);
    await until(thing, [1, 2, 3]);
    expect(await retryDelivery(prisma, key)).toBe(false);
  });

  it('goes on without what is given up', async () => {
    const thing = aThing();
    await poison('deadly');
    await happen(thing, { n: 1, poison: 'deadly' });
    await happen(thing, { n: 2 });
    const [stuck] = await eventually(async () => {
      const all = await deliveries(thing);
      return all[0]?.status === 'stuck' && all;
    }, LONG);
    expect(await discardDelivery(prisma, { eventId: stuck!.event_id, consumer: 'test.recorder' })).toBe(true);
    await until(thing, [2]);
    expect((await deliveries(thing)).map(({ status }) => status)).toEqual(['discarded', 'done']);
    await antidote('deadly');
  });

  it('that loses its connection in the middle of it does it once all the same', async () => {
    const thing = aThing();
    await happen(thing, { n: 1, ms: 1_000 });
    await happen(thing, { n: 2 });
    const ended = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND state = 'idle in transaction' AND query LIKE '%INSERT INTO effects%'`;
    await eventually(async () => (await query(database.url, ended)).length > 0);
    await until(thing, [1, 2]);
    expect((await deliveries(thing)).map(({ status }) => status)).toEqual(['done', 'done']);
  });

  it('that is new begins at the end of the log, and gets what came before by a replay', async () => {
    const thing = aThing();
    const begin = await endOfLog(prisma);
    await happen(thing, { n: 1 });
    await until(thing, [1]);
    const other = await startAgain([Recorder, Latecomer]);
    try {
      await eventually(
        async () => (await query(database.url, `SELECT FROM event_subscriptions WHERE consumer = 'test.latecomer'`)).length === 2,
      );
      await happen(thing, { n: 2 });
      await until(thing, [2], 'test.latecomer');
      await startReplay(prisma, 'test.latecomer', { after: begin });
      await until(thing, [2, 1], 'test.latecomer');
      await startReplay(prisma, 'test.latecomer', { after: begin }, { again: true });
      await until(thing, [2, 1, 1, 2], 'test.latecomer');
      expect(await numbers(thing)).toEqual([1, 2]);
    } finally {
      await other.close();
      // As if a day had passed: what it has not dealt with would keep the events of the tests to come.
      await query(database.url, `DELETE FROM event_subscriptions WHERE consumer = 'test.latecomer'`);
    }
  }, 120_000);

  it('is given again what happened from a time on, and nothing older', async () => {
    const thing = aThing();
    await happen(thing, { n: 1 });
    await until(thing, [1]);
    const since = new Date(Date.now() + 1);
    await eventually(() => Date.now() > since.getTime());
    await happen(thing, { n: 2 });
    await until(thing, [1, 2]);
    const marker = aThing();
    await startReplay(prisma, 'test.recorder', { since }, { again: true });
    await until(thing, [1, 2, 2]);
    await happen(marker, { n: 1 });
    await until(marker, [1]);
    expect(await numbers(thing)).toEqual([1, 2, 2]);
  });
});

describe('consumers in several processes', () => {
  it('share the work, and do each thing once and in its order', async () => {
    const before = await endOfLog(prisma);
    const others = await Promise.all([
      startProcess({ databaseUrl: database.url, program: CONSUMERS }),
      startProcess({ databaseUrl: database.url, program: CONSUMERS }),
    ]);
    const things = Array.from({ length: 20 }, aThing);
    for (let n = 1; n <= 10; n++) await Promise.all(things.map((thing) => happen(thing, { n, ms: 25 }))); // enough for nobody to be done before the others have looked
    for (const thing of things) await until(thing, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const pids = await query<{ pid: number }>(database.url, 'SELECT DISTINCT pid FROM effects WHERE resource = ANY ($1)', [things]);
    expect(pids.length).toBeGreaterThan(1);
    const cursors = (await readEvents(prisma, { after: before, limit: 1_000 })).map(({ cursor }) => cursor);
    expect(new Set(cursors).size).toBe(200);
    await Promise.all(others.map((process) => process.stop()));
  }, 120_000);
});

describe('what is left behind', () => {
  /** As if an event had been published long ago. */
  const age = async (thing: string) => {
    const [{ id } = { id: '' }] = await query<{ id: string }>(database.url, 'SELECT id FROM events WHERE resource_id = $1', [thing]);
    await query(database.url, 'UPDATE events SET id = $2 WHERE id = $1', [id, `00000000-0001-7000-8000-${randomUUID().slice(-12)}`]);
  };
  const remains = async (thing: string) => (await query(database.url, 'SELECT FROM events WHERE resource_id = $1', [thing])).length === 1;

  it('goes when it is old and everybody is done with it', async () => {
    const [old, fresh, stuck] = [aThing(), aThing(), aThing()];
    await poison('old');
    await happen(stuck, { n: 1, poison: 'old' });
    for (const thing of [old, fresh]) {
      await happen(thing, { n: 1 });
      await until(thing, [1]);
    }
    await eventually(async () => (await deliveries(stuck))[0]?.status === 'stuck', LONG);
    await age(old);
    await age(stuck);
    await fire(database.url, 'events.purge');
    await eventually(async () => !(await remains(old)), LONG);
    expect(await deliveries(old)).toEqual([]);
    expect([await remains(fresh), await remains(stuck)]).toEqual([true, true]);
    await antidote('old');
  });

  it('is given up when no worker has its consumer any more', async () => {
    const thing = aThing();
    await happen(thing, { n: 1 });
    await until(thing, [1]);
    await query(
      database.url,
      `INSERT INTO event_deliveries (consumer, event_id, position, resource) SELECT 'test.gone', event_id, position, resource
        FROM event_deliveries WHERE resource = $1 AND consumer = 'test.recorder'`,
      [`thing:${thing}`],
    );
    await fire(database.url, 'events.purge');
    await eventually(async () => (await deliveries(thing, 'test.gone'))[0]?.status === 'discarded', LONG);
  });

  it('is found when its job was lost', async () => {
    const thing = aThing();
    await happen(thing, { n: 1 });
    await until(thing, [1]);
    await query(
      database.url,
      `UPDATE event_deliveries SET status = 'pending', updated_at = now() - interval '2 minutes' WHERE resource = $1`,
      [`thing:${thing}`],
    );
    await fire(database.url, 'events.sweep');
    await until(thing, [1, 1]);
  });
});

describe('an id of a time', () => {
  it('is the least there is of it', () => {
    expect(firstIdAt(new Date('2026-11-21T12:00:00.000Z'))).toBe('01a1fdfa-4600-7000-8000-000000000000');
    expect(firstIdAt(new Date('0100-01-01T00:00:00.000Z'))).toBe('00000000-0000-7000-8000-000000000000');
  });
});
