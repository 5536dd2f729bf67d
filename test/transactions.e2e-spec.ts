import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadEnv } from '#config';
import {
  afterCommit,
  clientOf,
  defer,
  execute,
  isUnavailable,
  isUniqueViolation,
  listed,
  look,
  Prisma,
  PrismaService,
  rows,
  transaction,
  type Tx,
} from '#database';
import type { Pool } from 'pg';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, query, type TestDatabase } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { type Relay, startRelay } from './harness/relay.js';
import { testSettings } from './harness/run.js';

describe('A transaction', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ DATABASE_STATEMENT_TIMEOUT_MS: '1500', DATABASE_POOL_SIZE: '2' });
    await query(
      app.databaseUrl,
      'CREATE TABLE notes (id int PRIMARY KEY, slug text UNIQUE, views bigint NOT NULL DEFAULT 9007199254740993)',
    );
  });
  afterAll(() => app.close());

  const note = (id: number, slug = `note-${id}`) => Prisma.sql`INSERT INTO notes (id, slug) VALUES (${id}, ${slug})`;
  const kept = async (id: number) => (await query(app.databaseUrl, 'SELECT id FROM notes WHERE id = $1', [id])).length === 1;
  const backend = (db: Tx) => rows<{ pid: number }>(db, Prisma.sql`SELECT pg_backend_pid() AS pid`);

  it("runs its hot statements on the connection of Prisma's own", async () => {
    await transaction(app.prisma, async (db) => {
      const [hot] = await backend(db);
      expect(await db.$queryRaw`SELECT pg_backend_pid() AS pid`).toEqual([hot]);
      await execute(db, note(1));
      expect(await db.$queryRaw`SELECT slug FROM notes WHERE id = 1`).toEqual([{ slug: 'note-1' }]);
      expect(await kept(1)).toBe(false);
    });
    expect(await kept(1)).toBe(true);
  });

  it('undoes its hot statements when its work fails', async () => {
    const work = transaction(app.prisma, async (db) => {
      await execute(db, note(2));
      throw new Error('not this time');
    });
    await expect(work).rejects.toThrow('not this time');
    expect(await kept(2)).toBe(false);
  });

  it('keeps two that run at once apart', async () => {
    const pids = await Promise.all([1, 2].map(() => transaction(app.prisma, async (db) => [await backend(db), await sleep(50)][0]!)));
    expect(new Set(pids.flat().map(({ pid }) => pid)).size).toBe(2);
  });

  it('is the same one for what is called within it', async () => {
    await transaction(app.prisma, async (db) => {
      const [outer] = await backend(db);
      await transaction(db, async (inner) => {
        expect(inner).toBe(db);
        expect(await backend(inner)).toEqual([outer]);
      });
      expect(clientOf(db)).toBe(app.prisma);
    });
    expect(clientOf(app.prisma)).toBe(app.prisma);
  });

  it('is run again when PostgreSQL ends it for a deadlock', async () => {
    await query(app.databaseUrl, `INSERT INTO notes (id, slug, views) VALUES (20, 'a', 0), (21, 'b', 0)`);
    let runs = 0;
    const bothHaveOne = Promise.withResolvers<void>();
    const touch = (first: number, second: number) =>
      transaction(app.prisma, async (db) => {
        await db.$executeRaw`SET LOCAL deadlock_timeout = '50ms'`; // before a statement takes too long
        await execute(db, Prisma.sql`UPDATE notes SET views = views + 1 WHERE id = ${first}`);
        runs += 1;
        if (runs === 2) bothHaveOne.resolve();
        await bothHaveOne.promise;
        await execute(db, Prisma.sql`UPDATE notes SET views = views + 1 WHERE id = ${second}`);
      });
    await Promise.all([touch(20, 21), touch(21, 20)]);
    expect(runs).toBe(3);
    expect(await query(app.databaseUrl, 'SELECT views::int FROM notes WHERE id IN (20, 21)')).toEqual([{ views: 2 }, { views: 2 }]);
  });

  it('takes its connection away from work that it no longer waits for', async () => {
    let late: Promise<unknown> | undefined;
    const work = transaction(app.prisma, async (db) => {
      await execute(db, note(3));
      await sleep(3_500); // longer than a transaction may take
      late = execute(db, note(4));
      await late.catch(() => undefined);
    });
    await expect(work).rejects.toThrow();
    // Nobody waits for the work any more, but it goes on.
    await eventually(() => late !== undefined);
    await expect(late).rejects.toMatchObject({ code: 'P2028' });
    expect(await kept(3)).toBe(false);
    expect(await kept(4)).toBe(false);
  });

  it('does what follows its commit after it, and not when it fails', async () => {
    const seen: string[] = [];
    const follow = async (db: Tx, id: number) => {
      await execute(db, note(id));
      afterCommit(db, () => seen.push(`${id} followed`));
      seen.push(`${id} written`);
    };
    await transaction(app.prisma, (db) => follow(db, 6));
    await transaction(app.prisma, async (db) => Promise.reject(await follow(db, 7).then(() => new Error('no')))).catch(() => undefined);
    afterCommit(app.prisma, () => seen.push('at once'));
    expect(seen).toEqual(['6 written', '6 followed', '7 written', 'at once']);
  });

  it('is committed once, and all else that follows is done, where something that follows it fails', async () => {
    const seen: string[] = [];
    const work = transaction(app.prisma, async (db) => {
      await execute(db, note(90));
      seen.push('written');
      afterCommit(db, () => {
        throw Object.assign(new Error('not now'), { code: '40001' });
      });
      afterCommit(db, () => seen.push('followed'));
    });
    await expect(work).rejects.toMatchObject({ errors: [expect.objectContaining({ message: 'not now' })] });
    expect([seen, await kept(90)]).toEqual([['written', 'followed'], true]);
  });

  it('says which constraint refused a write, be it a hot statement or one of Prisma’s', async () => {
    const refusedBy = (work: (db: Tx) => Promise<unknown>) => transaction(app.prisma, work).then(String, (cause: unknown) => cause);
    const role = { name: 'twice', permissions: [] };
    await app.prisma.role.create({ data: role });
    for (const [error, constraint] of [
      [await refusedBy((db) => execute(db, note(5, 'note-1'))), 'notes_slug_key'],
      [await refusedBy((db) => execute(db, note(1, 'other'))), 'notes_pkey'],
      [await refusedBy((db) => db.$executeRaw`INSERT INTO notes (id, slug) VALUES (5, 'note-1')`), 'notes_slug_key'],
      [await refusedBy((db) => db.role.create({ data: role })), 'roles_pkey'],
    ] as const) {
      const names = ['notes_slug_key', 'notes_pkey', 'roles_pkey', 'slug', 'key', ''];
      expect([isUniqueViolation(error), names.filter((name) => isUniqueViolation(error, name))]).toEqual([true, [constraint]]);
    }
  });

  it.each([
    [4, '40001'],
    [4, '40P01'],
    [1, '23505'],
  ])('is run %i times at most when it always ends with %s', async (times, code) => {
    let runs = 0;
    const work = transaction(app.prisma, async () => {
      runs += 1;
      throw Object.assign(new Error('refused'), { code });
    });
    await expect(work).rejects.toMatchObject({ code });
    expect(runs).toBe(times);
  });

  it.each(['committed', 'undone'])('lets nothing be done with it that is %s', async (end) => {
    let leaked: Tx;
    const work = transaction(app.prisma, async (db) => {
      leaked = db;
      await execute(db, Prisma.sql`SELECT 1`);
      if (end === 'undone') throw new Error('no');
    });
    await work.catch(() => undefined);
    await expect(execute(leaked!, note(8))).rejects.toMatchObject({ code: 'P2028' });
    expect(await kept(8)).toBe(false);
  });

  it('takes one connection, whoever asks, and gives it back', async () => {
    // As many at once as the pool has connections: one that needed a second would wait for ever.
    const both = () =>
      transaction(app.prisma, async (db) => {
        await sleep(50);
        return [...(await backend(db)), ...(await db.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`)].map(({ pid }) => pid);
      });
    for (const pids of [...(await Promise.all([both(), both()])), ...(await Promise.all([both(), both()]))])
      expect(new Set(pids).size).toBe(1);
  });

  it('undoes what Prisma wrote with it', async () => {
    const work = transaction(app.prisma, async (db) => {
      await db.$executeRaw`INSERT INTO notes (id, slug) VALUES (9, 'nine')`;
      expect(await db.user.count()).toBe(0);
      throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    expect(await kept(9)).toBe(false);
  });

  it('is not committed by who went on after a failure', async () => {
    const work = transaction(app.prisma, async (db) => {
      await execute(db, note(10));
      await execute(db, note(11, 'note-1')).catch(() => undefined);
    });
    await expect(work).rejects.toThrow('Nothing was committed');
    expect(await kept(10)).toBe(false);
  });

  it('may be opened by Prisma alone', async () => {
    expect(await app.prisma.$transaction((db) => db.$queryRaw`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
  });

  it("hands what Prisma's statements leave to the hot ones", async () => {
    const asDriven = [{ amount: '1.50' }]; // past Prisma, which would make a Decimal of it
    const amount = Prisma.sql`SELECT 1.50::numeric AS amount`;
    expect(await rows(app.prisma, amount)).toEqual(asDriven);
    await transaction(app.prisma, async (db) => {
      expect(await rows(db, amount)).toEqual(asDriven);
      await db.$executeRaw`SELECT 1`;
      expect(await rows(db, amount)).toEqual(asDriven);
    });
  });

  it('does statements that are sent at once in their order', async () => {
    const add = Prisma.sql`UPDATE notes SET views = views * 2 + 1 WHERE id = 20 RETURNING views::int`;
    await query(app.databaseUrl, 'UPDATE notes SET views = 0 WHERE id = 20');
    const results = await transaction(app.prisma, (db) => Promise.all([rows(db, add), rows(db, add), rows(db, add)]));
    expect(results.flat()).toEqual([{ views: 1 }, { views: 3 }, { views: 7 }]);
  });

  it('says how many rows a hot statement changed', async () => {
    const change = Prisma.sql`UPDATE notes SET views = views WHERE id IN (20, 21, 99)`;
    expect(await execute(app.prisma, change)).toBe(2);
    expect(await transaction(app.prisma, (db) => execute(db, change))).toBe(2);
    expect(await execute(app.prisma, Prisma.sql`SET work_mem = '4MB'`)).toBe(0);
  });

  it('reads what is too large for a number, as outside it', async () => {
    const largest = Prisma.sql`SELECT views FROM notes WHERE id = 1`;
    expect(await rows(app.prisma, largest)).toEqual([{ views: 9007199254740993n }]);
    expect(await transaction(app.prisma, (db) => rows(db, largest))).toEqual([{ views: 9007199254740993n }]);
  });

  const named = async (db: Tx, like: string) =>
    (await db.$queryRaw<{ name: string }[]>`SELECT name FROM pg_prepared_statements WHERE statement LIKE ${like}`).map(({ name }) => name);
  const slugOf = (db: Tx, id: number) => rows(db, Prisma.sql`SELECT slug FROM notes WHERE id = ${id}`);

  it('has PostgreSQL parse each statement once a connection', async () => {
    await transaction(app.prisma, async (db) => {
      for (let n = 0; n < 3; n++) await slugOf(db, n);
      await rows(db, Prisma.sql`SELECT views FROM notes WHERE id = ${1}`);
      await db.user.findFirst({ where: { name: 'nobody' } });
      const names = [
        ...(await named(db, 'SELECT slug FROM notes WHERE id = $1')),
        ...(await named(db, 'SELECT views FROM notes WHERE id = $1')),
      ];
      expect(names).toEqual([expect.stringMatching(/^ashlar_\d+$/), expect.stringMatching(/^ashlar_\d+$/)]);
      expect(new Set(names).size).toBe(2);
      expect(await named(db, 'SELECT%FROM%"users"%"name" = $1%')).toEqual([expect.stringMatching(/^ashlar_\d+$/)]);
    });
  });

  it('has it keep 500 statements a connection, among them what is sent all the time, however many others come', async () => {
    const before = await transaction(app.prisma, async (db) => {
      await slugOf(db, 1);
      return named(db, 'SELECT slug FROM notes WHERE id = $1');
    });
    for (let n = 0; n < 1_500; n += 100) {
      await transaction(app.prisma, async (db) => {
        for (const text of Array.from({ length: 100 }, (_, more) => `SELECT ${n + more} AS n`)) await rows(db, Prisma.raw(text));
        await slugOf(db, n);
      });
    }
    await transaction(app.prisma, async (db) => {
      expect(await named(db, 'SELECT slug FROM notes WHERE id = $1')).toEqual(before);
      expect([await named(db, 'SELECT 1499 AS n'), await named(db, 'SELECT 1 AS n')]).toEqual([[expect.any(String)], []]);
      expect((await named(db, '%')).length).toBeLessThanOrEqual(500 + 5); // what the look itself has sent comes to it
    });
  });
});

describe('A statement that nobody waits for', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ DATABASE_STATEMENT_TIMEOUT_MS: '1500', DATABASE_POOL_SIZE: '2' });
    await query(app.databaseUrl, `CREATE TABLE steps (id int PRIMARY KEY, seq serial); INSERT INTO steps (id) VALUES (0)`);
  });
  afterAll(() => app.close());

  const step = (id: unknown) => Prisma.sql`INSERT INTO steps (id) VALUES (${id}::int)`;
  const steps = async () =>
    (await query<{ id: number }>(app.databaseUrl, 'SELECT id FROM steps WHERE id > 0 ORDER BY seq')).map(({ id }) => id);
  const own = (db: Tx) => rows<{ id: number }>(db, Prisma.sql`SELECT id FROM steps WHERE id > 0 ORDER BY seq`);
  const undone = async (work: (db: Tx) => Promise<unknown>) => {
    const before = await steps();
    const error: unknown = await transaction(app.prisma, work).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(await steps()).toEqual(before);
    return error;
  };
  const unsendable = {
    toPostgres: () => {
      throw new Error('cannot be sent');
    },
  };

  it('is done before whatever is sent after it, in order, by whichever way', async () => {
    await query(app.databaseUrl, 'DELETE FROM steps WHERE id > 0');
    await transaction(app.prisma, async (db) => {
      await defer(db, step(1));
      await defer(db, step(2));
      expect(await own(db)).toEqual([{ id: 1 }, { id: 2 }]);
      await defer(db, step(3));
      expect(await db.$queryRaw`SELECT count(*)::int AS n FROM steps WHERE id > 0`).toEqual([{ n: 3 }]);
      await execute(db, step(4));
      await defer(db, step(5));
      await db.$executeRaw`INSERT INTO steps (id) VALUES (6)`;
      await defer(db, step(7));
    });
    expect(await steps()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await defer(app.prisma, step(8));
    expect(await steps()).toContain(8);
  });

  it('undoes everything by failing, and says why', async () => {
    const refused = { code: '23505', constraint: 'steps_pkey' };
    expect(await undone(async (db) => defer(db, step(100)).then(() => defer(db, step(0))))).toMatchObject(refused);
    // Not what the next one fails with, which is only that the transaction has failed.
    const goOn = [(db: Tx) => own(db), (db: Tx) => db.$queryRaw`SELECT 1`, (db: Tx) => db.user.count(), (db: Tx) => defer(db, step(101))];
    for (const next of goOn) expect(await undone(async (db) => defer(db, step(0)).then(() => next(db)))).toMatchObject(refused);
    const swallow = (db: Tx) => own(db).catch(() => undefined);
    expect(await undone(async (db) => defer(db, step(0)).then(() => swallow(db)))).toMatchObject(refused);
  });

  it('undoes everything when it cannot even be sent', async () => {
    const error = await undone(async (db) => {
      await execute(db, step(102));
      await defer(db, step(unsendable));
    });
    expect(error).toMatchObject({ message: 'cannot be sent' });
  });

  it('is not sent when the work fails', async () => {
    const error = await undone(async (db) => {
      await defer(db, step(0));
      throw new Error('for another reason');
    });
    expect(error).toMatchObject({ message: 'for another reason' });
  });

  it('is lost with its transaction, not without it, when the connection breaks', async () => {
    const error = await undone(async (db) => {
      await execute(db, step(103));
      const [{ pid }] = (await rows<{ pid: number }>(db, Prisma.sql`SELECT pg_backend_pid() AS pid`)) as [{ pid: number }];
      await query(app.databaseUrl, `SELECT pg_terminate_backend(${pid})`);
      await defer(db, step(104));
    });
    expect([error, isUnavailable(error)]).toEqual([expect.any(Error), true]);
    expect(await transaction(app.prisma, own)).toEqual(await own(app.prisma));
  });

  it('has the transaction run again when it is the victim of a deadlock', async () => {
    await query(app.databaseUrl, 'DELETE FROM steps; INSERT INTO steps (id) VALUES (1), (2)');
    let runs = 0;
    const bothHaveOne = Promise.withResolvers<void>();
    const touch = (id: number) => Prisma.sql`UPDATE steps SET seq = seq + 100 WHERE id = ${id}`;
    const work = (first: number, second: number) =>
      transaction(app.prisma, async (db) => {
        await db.$executeRaw`SET LOCAL deadlock_timeout = '50ms'`;
        await execute(db, touch(first));
        runs += 1;
        if (runs === 2) bothHaveOne.resolve();
        await bothHaveOne.promise;
        await defer(db, touch(second));
      });
    await Promise.all([work(1, 2), work(2, 1)]);
    expect(runs).toBe(3);
    expect(await query(app.databaseUrl, 'SELECT id FROM steps WHERE seq > 200')).toHaveLength(2);
  });

  it('is refused when the transaction has ended', async () => {
    let leaked: Tx;
    await transaction(app.prisma, async (db) => void (leaked = db));
    await expect(defer(leaked!, step(105))).rejects.toMatchObject({ code: 'P2028' });
    await expect(leaked!.user.count()).rejects.toMatchObject({ code: 'P2028' });
    expect(await steps()).not.toContain(105);
  });
});

describe("A transaction's packets", () => {
  let database: TestDatabase;
  let relay: Relay;
  let prisma: PrismaService;
  let packets: string[] = [];

  beforeAll(async () => {
    database = await createDatabase();
    relay = await startRelay(database.url, (packet) => packets.push(packet.toString('latin1')));
    prisma = new PrismaService(loadEnv(testSettings(relay.url)));
    await query(database.url, 'CREATE TABLE marks (id int PRIMARY KEY)');
  });
  afterAll(async () => {
    await prisma.onApplicationShutdown();
    await relay.close();
    await database.drop();
  });

  const mark = (id: number) => Prisma.sql`INSERT INTO marks (id) VALUES (${id})`;
  const pidOf = async (db: Tx) => (await look<{ pid: number }>(db, Prisma.sql`SELECT pg_backend_pid() AS pid`))[0]!.pid;
  /** What is sent meanwhile that a transaction is made of, by packet. */
  const sent = async (work: (db: Tx) => Promise<unknown>) => {
    packets = [];
    await transaction(prisma, work);
    return packets
      .map((packet) => packet.match(/BEGIN|COMMIT|ROLLBACK|INSERT INTO marks|AS looked/g) ?? [])
      .filter((words) => words.length > 0);
  };
  const looked = (text: string) => Prisma.sql`SELECT ${text}::text AS looked`;

  it('begin with BEGIN and what only looks', async () => {
    expect(await sent((db) => Promise.all([look(db, looked('a')), look(db, Prisma.sql`SELECT 1 AS looked`)]))).toEqual([
      ['BEGIN', 'AS looked', 'AS looked'],
      ['COMMIT'],
    ]);
  });

  it('have nothing that writes in them before BEGIN has been answered', async () => {
    expect(await sent((db) => execute(db, mark(1)))).toEqual([['BEGIN'], ['INSERT INTO marks'], ['COMMIT']]);
    const writesFirst = (db: Tx) =>
      Promise.all([execute(db, Prisma.sql`INSERT INTO marks (id) VALUES (${2}) -- 2`), look(db, Prisma.sql`SELECT 2 AS looked`)]);
    expect(await sent(writesFirst)).toEqual([['BEGIN'], ['INSERT INTO marks', 'AS looked'], ['COMMIT']]);
    const defersFirst = async (db: Tx) => {
      await defer(db, Prisma.sql`INSERT INTO marks (id) VALUES (${3}) -- 3`);
      await look(db, Prisma.sql`SELECT 3 AS looked`);
    };
    expect(await sent(defersFirst)).toEqual([['BEGIN'], ['INSERT INTO marks', 'AS looked'], ['COMMIT']]);
    expect(await sent((db) => defer(db, Prisma.sql`INSERT INTO marks (id) VALUES (${4}) -- 4`))).toEqual([
      ['BEGIN'],
      ['INSERT INTO marks', 'COMMIT'],
    ]);
  });

  it('are none where nothing is asked', async () => {
    expect(await sent(async () => undefined)).toEqual([]);
    await expect(sent(() => Promise.reject(new Error('before anything was asked')))).rejects.toThrow('before anything was asked');
    expect(packets.join()).not.toMatch(/BEGIN|ROLLBACK/);
  });

  it('end where BEGIN is refused, and nobody gets the connection again', async () => {
    const pool = (prisma as unknown as { pool: Pool }).pool;
    const spoilt: number[] = [];
    const spoil = async () => {
      const client = await pool.connect();
      const {
        rows: [backend],
      } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      spoilt.push(backend!.pid);
      await client.query('BEGIN');
      await client.query('SELECT 1 / 0').catch(() => undefined);
      client.release();
    };
    for (const work of [pidOf, (db: Tx) => execute(db, mark(5)), (db: Tx) => defer(db, mark(5))]) {
      await spoil();
      await expect(transaction<unknown>(prisma, work)).rejects.toMatchObject({ code: '25P02' });
    }
    await spoil();
    await expect(transaction(prisma, (db) => db.user.count())).rejects.toThrow('current transaction is aborted');
    await eventually(async () => (await query(database.url, 'SELECT FROM pg_stat_activity WHERE pid = ANY ($1)', [spoilt])).length === 0);
    expect(spoilt).not.toContain(await transaction(prisma, pidOf));
    expect(await query(database.url, 'SELECT id FROM marks WHERE id = 5')).toEqual([]);
  });
});

describe('An array of a hot statement', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  it('has one plan, however many it holds', async () => {
    const ids = await query<{ id: string }>(app.databaseUrl, 'SELECT gen_random_uuid()::text AS id FROM generate_series(1, 20)');
    await transaction(app.prisma, async (db) => {
      for (let count = 1; count <= 20; count++) {
        const wanted = ids.slice(0, count).map(({ id }) => id);
        expect(await rows(db, Prisma.sql`SELECT id FROM users WHERE id = ANY (${listed(wanted, 'uuid')})`)).toEqual([]);
        const each = await rows<{ id: string }>(db, Prisma.sql`SELECT id FROM unnest(${listed(wanted, 'uuid')}) AS w (id)`);
        expect(each.map(({ id }) => id)).toEqual(wanted);
      }
      const plans = await rows<{ custom: bigint; generic: bigint }>(
        db,
        Prisma.sql`SELECT custom_plans AS custom, generic_plans AS generic FROM pg_prepared_statements
          WHERE statement LIKE 'SELECT id FROM users WHERE id = ANY%' OR statement LIKE 'SELECT id FROM unnest%'`,
      );
      expect(plans).toEqual([5, 5].map((custom) => ({ custom: BigInt(custom), generic: 15n })));
    });
  });
});
