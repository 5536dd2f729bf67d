import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { afterCommit, clientOf, execute, isUniqueViolation, Prisma, rows, transaction, type Tx } from '#database';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';

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

  it('says which column a hot statement found taken', async () => {
    const refused = transaction(app.prisma, (db) => execute(db, note(5, 'note-1')));
    const error: unknown = await refused.catch((cause: unknown) => cause);
    expect([isUniqueViolation(error), isUniqueViolation(error, 'slug'), isUniqueViolation(error, 'id')]).toEqual([true, true, false]);
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

  it('has PostgreSQL parse each statement once a connection, up to 500 of them', async () => {
    await transaction(app.prisma, async (db) => {
      const named = async (like: string) =>
        (await db.$queryRaw<{ name: string }[]>`SELECT name FROM pg_prepared_statements WHERE statement LIKE ${like}`).map(
          ({ name }) => name,
        );
      for (let n = 0; n < 3; n++) await rows(db, Prisma.sql`SELECT slug FROM notes WHERE id = ${n}`);
      await rows(db, Prisma.sql`SELECT views FROM notes WHERE id = ${1}`);
      await db.user.findFirst({ where: { name: 'nobody' } });
      const names = [...(await named('SELECT slug FROM notes WHERE id = $1')), ...(await named('SELECT views FROM notes WHERE id = $1'))];
      expect(names).toEqual([expect.stringMatching(/^ashlar_\d+$/), expect.stringMatching(/^ashlar_\d+$/)]);
      expect(new Set(names).size).toBe(2);
      expect(await named('SELECT%FROM%"users"%"name" = $1%')).toEqual([expect.stringMatching(/^ashlar_\d+$/)]);
      const texts = Array.from({ length: 510 }, (_, n) => Prisma.raw(`SELECT ${n} AS n`));
      for (const text of [...texts, texts.at(-1)!]) await rows(db, Prisma.sql`${text}`);
      expect(await named('SELECT 1 AS n')).toHaveLength(1);
      expect(await named('SELECT 509 AS n')).toEqual([]);
      const [{ highest }] = (await rows<{ highest: number }>(
        db,
        Prisma.sql`SELECT max(substring(name FROM '[0-9]+')::int) AS highest FROM pg_prepared_statements WHERE name LIKE 'ashlar%'`,
      )) as [{ highest: number }];
      expect(highest).toBe(499);
    });
  });
});
