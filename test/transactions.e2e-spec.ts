import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { afterCommit, execute, isUniqueViolation, Prisma, rows, transaction, type Tx } from '#database';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';

describe('A transaction', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startApp({ DATABASE_STATEMENT_TIMEOUT_MS: '400', DATABASE_POOL_SIZE: '2' });
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
      await transaction(db, async (inner) => expect(await backend(inner)).toEqual([outer]));
    });
  });

  it('takes its connection away from work that it no longer waits for', async () => {
    let late: Promise<unknown> | undefined;
    const work = transaction(app.prisma, async (db) => {
      await execute(db, note(3));
      await sleep(1_200); // longer than a transaction may take
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

  it('reads what is too large for a number, as outside it', async () => {
    const largest = Prisma.sql`SELECT views FROM notes WHERE id = 1`;
    expect(await rows(app.prisma, largest)).toEqual([{ views: 9007199254740993n }]);
    expect(await transaction(app.prisma, (db) => rows(db, largest))).toEqual([{ views: 9007199254740993n }]);
  });
});
