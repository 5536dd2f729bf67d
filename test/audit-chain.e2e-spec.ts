import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { forget, record, Retention, Sealer, SYSTEM, Verifier } from '#audit';
import { transaction } from '#database';
import { migrateDatabase } from '../prisma/deploy.js';
import type { AuditEntryList, VerificationResponse } from '../src/audit/audit.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import type { Wire } from './harness/wire.js';

const TABLES = ['audit_entries', 'audit_unsealed', 'audit_seals', 'audit_chain'];
const ENTRIES = 6;

/** Seals only when it is told to. */
let app: TestApp;
let admin: Person;

beforeAll(async () => {
  app = await startApp({ ROLE: 'api' });
  admin = await anAdmin(app);
}, 30_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

const sql = <Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]) => query<Row>(app.databaseUrl, text, values);
const seal = () => app.get(Sealer).seal();
const verify = (kept?: { position: bigint; head: string }) => app.get(Verifier).verify(kept);
const note = (id = unique(), db: Parameters<typeof record>[0] = app.prisma) =>
  record(db, { actor: SYSTEM, action: 'tests.done', resource: { type: 'test', id } });
const placesOf = (id: string) =>
  sql<{ position: string }>(
    `SELECT s.position FROM audit_seals s JOIN audit_entries e ON e.id = s.entry_id WHERE e.resource_id = $1 ORDER BY s.position`,
    id,
  );

/** Past every trigger, as a superuser can. */
async function tamper(text: string): Promise<void> {
  await query(app.databaseUrl, `SET session_replication_role = replica; ${text}`);
}

describe('entries', () => {
  it('are sealed after their commit, in its order, however late it comes', async () => {
    const [early, late] = [unique(), unique()];
    let commit = () => {};
    const begun = new Promise<void>((written) => {
      const held = new Promise<void>((resolve) => (commit = resolve));
      void transaction(app.prisma, async (db) => {
        await note(late, db);
        written();
        await held;
      });
    });
    await begun;
    await note(early);
    await seal();
    expect([await placesOf(early), await placesOf(late)]).toEqual([[expect.anything()], []]);
    commit();
    await eventually(async () => (await sql(`SELECT FROM audit_entries WHERE resource_id = $1`, late)).length === 1);
    await seal();
    const [[first], [second]] = [await placesOf(early), await placesOf(late)];
    expect(Number(second!.position)).toBeGreaterThan(Number(first!.position));
    expect(await verify()).toMatchObject({ verified: true, unsealed: 0, brokenAt: null });
  });

  it('are counted while they wait', async () => {
    await seal();
    const { entries } = await verify();
    await note();
    expect(await verify()).toMatchObject({
      verified: true,
      entries: entries + 1,
      sealed: entries,
      unsealed: 1,
      unsealedSince: expect.any(Date),
    });
    expect(await seal()).toBe(1);
    expect(await verify()).toMatchObject({ sealed: entries + 1, unsealed: 0, unsealedSince: null });
  });

  it.each([
    `UPDATE audit_entries SET action = 'x.y'`,
    'DELETE FROM audit_entries',
    'TRUNCATE audit_entries',
    'UPDATE audit_seals SET position = position + 1',
    'DELETE FROM audit_seals',
    'TRUNCATE audit_seals',
  ])('refuse: %s', async (statement) => {
    await note();
    await seal();
    await expect(sql(statement)).rejects.toThrow('append-only');
  });
});

describe('tampering', () => {
  let before: { position: bigint; head: string };
  let ids: string[];

  beforeAll(async () => {
    for (let count = 0; count < ENTRIES; count++) await note();
    await seal();
    before = await verify();
    ids = (await sql<{ entry_id: string }>('SELECT entry_id FROM audit_seals ORDER BY position DESC LIMIT $1', ENTRIES))
      .map((row) => row.entry_id)
      .reverse();
    for (const table of TABLES) await sql(`CREATE TABLE whole_${table} AS TABLE ${table}`);
  });

  beforeEach(() => tamper(TABLES.map((table) => `TRUNCATE ${table}; INSERT INTO ${table} TABLE whole_${table};`).join(' ')));

  const position = (index: number) => before.position - BigInt(ENTRIES - 1 - index);
  const brokenAt = async (kept?: { position: bigint; head: string }) => {
    const { verified, brokenAt } = await verify(kept);
    expect(verified).toBe(brokenAt === null);
    return brokenAt;
  };

  it('is none when all is as it was', async () => {
    expect(await brokenAt(before)).toBeNull();
  });

  it.each([
    ['action', `'tests.undone'`],
    ['created_at', `created_at - interval '1 day'`],
    ['actor_kind', `'anonymous'`],
    ['resource_id', `'other'`],
    ['outcome', `'failed'`],
    ['request_id', `'other'`],
    ['after', `'{"a":1}'`],
    ['subject_id', 'id'],
    ['personal', `'\\x00'`],
    ['mac', `sha256('x')`],
  ])('names an entry whose %s was altered', async (column, value) => {
    await tamper(`UPDATE audit_entries SET ${column} = ${value} WHERE id = '${ids[2]}'`);
    expect(await brokenAt()).toEqual({ position: position(2), entryId: ids[2], reason: 'altered' });
  });

  it('names an entry that was altered together with its digest', async () => {
    await tamper(
      `UPDATE audit_entries SET action = 'tests.undone' WHERE id = '${ids[2]}'; UPDATE audit_seals SET digest = sha256('x') WHERE entry_id = '${ids[2]}'`,
    );
    expect(await brokenAt()).toEqual({ position: position(2), entryId: ids[2], reason: 'altered' });
  });

  it('names an entry that was deleted', async () => {
    await tamper(`DELETE FROM audit_entries WHERE id = '${ids[3]}'`);
    expect(await brokenAt()).toEqual({ position: position(3), entryId: ids[3], reason: 'missing' });
  });

  it('names the place of an entry that was deleted with its seal', async () => {
    await tamper(`DELETE FROM audit_entries WHERE id = '${ids[3]}'; DELETE FROM audit_seals WHERE entry_id = '${ids[3]}'`);
    expect(await brokenAt()).toEqual({ position: position(3), entryId: null, reason: 'missing' });
    await tamper(`UPDATE audit_seals SET position = position - 1 WHERE position > ${position(3)}`);
    expect(await brokenAt()).toMatchObject({ position: position(3), entryId: ids[4], reason: 'reordered' });
  });

  it('names an entry that was inserted', async () => {
    const copy = (id: string) =>
      `INSERT INTO audit_entries SELECT '${id}', created_at, actor_kind, actor_id, subject_id, action, resource_type, 'forged', outcome, request_id, origin, before, after, personal, mac FROM audit_entries WHERE id = '${ids[1]}';`;
    const [first] = await sql<{ id: string }>('SELECT gen_random_uuid() AS id');
    await tamper(copy(first!.id));
    expect(await brokenAt()).toEqual({ position: null, entryId: first!.id, reason: 'inserted' });
    await tamper(`INSERT INTO audit_unsealed VALUES ('${first!.id}')`);
    expect(await brokenAt()).toEqual({ position: null, entryId: first!.id, reason: 'inserted' });
    await seal();
    expect(await brokenAt()).toEqual({ position: before.position + 1n, entryId: first!.id, reason: 'inserted' });
  });

  it('names entries that changed places', async () => {
    await tamper(
      `UPDATE audit_seals SET position = -1 WHERE entry_id = '${ids[1]}'; UPDATE audit_seals SET position = ${position(1)} WHERE entry_id = '${ids[2]}';
      UPDATE audit_seals SET position = ${position(2)} WHERE entry_id = '${ids[1]}'`.replace('-1', '9223372036854775807'),
    );
    expect(await brokenAt()).toEqual({ position: position(1), entryId: ids[2], reason: 'reordered' });
  });

  it('names a chain that was cut off at its end', async () => {
    const cut = `DELETE FROM audit_entries WHERE id IN ('${ids[4]}', '${ids[5]}'); DELETE FROM audit_seals WHERE position >= ${position(4)};`;
    await tamper(cut);
    expect(await brokenAt()).toEqual({ position: position(4), entryId: null, reason: 'cut' });
  });

  it('names a row of the end that is not ours', async () => {
    await tamper(`DELETE FROM audit_entries WHERE id = '${ids[5]}'; DELETE FROM audit_seals WHERE entry_id = '${ids[5]}';
      UPDATE audit_chain SET end_position = end_position - 1, end_head = (SELECT head FROM audit_seals WHERE entry_id = '${ids[4]}')`);
    expect(await brokenAt()).toMatchObject({ reason: 'unproven' });
    await tamper('DELETE FROM audit_chain');
    expect(await brokenAt()).toMatchObject({ reason: 'unproven' });
  });

  it('shows for good, though the chain goes on', async () => {
    await tamper(
      `DELETE FROM audit_entries WHERE id = '${ids[5]}'; DELETE FROM audit_seals WHERE entry_id = '${ids[5]}'; DELETE FROM audit_chain`,
    );
    await note();
    await seal();
    expect(await brokenAt()).toMatchObject({ reason: 'missing' });
    await note();
    await seal();
    expect(await brokenAt()).toMatchObject({ reason: 'missing' });
  });

  it('names a chain that was made anew with our own keys, by the head that was kept', async () => {
    await tamper(
      `TRUNCATE audit_seals; TRUNCATE audit_chain; DELETE FROM audit_entries WHERE id = '${ids[5]}'; INSERT INTO audit_unsealed SELECT id FROM audit_entries`,
    );
    const other = await startApp({ ROLE: 'api', DATABASE_URL: app.databaseUrl });
    try {
      await other.get(Sealer).seal();
      const { verified, position, head } = await other.get(Verifier).verify();
      expect(verified).toBe(true);
      expect(await other.get(Verifier).verify({ position, head })).toMatchObject({ verified: true });
      expect(await other.get(Verifier).verify(before)).toMatchObject({ verified: false, brokenAt: { reason: 'cut' } });
      await note();
      await other.get(Sealer).seal();
      expect(await other.get(Verifier).verify(before)).toMatchObject({ verified: false, brokenAt: { reason: 'replaced' } });
    } finally {
      await other.close();
    }
  });

  it('is asked for over HTTP, with the head that was kept', async () => {
    const ask = async (search = '') =>
      app.request<Wire<VerificationResponse> & { code: string }>('GET', `audit/verification${search}`, { token: admin.accessToken });
    const { body } = await ask();
    expect(body).toMatchObject({ verified: true, position: Number(before.position), head: before.head, brokenAt: null });
    expect((await ask(`?position=${body.position}&head=${body.head}`)).body.verified).toBe(true);
    expect((await ask(`?position=${body.position}&head=${'0'.repeat(64)}`)).body.brokenAt).toMatchObject({
      position: body.position,
      reason: 'replaced',
    });
    expect((await ask(`?position=${body.position + 1}&head=${body.head}`)).body.brokenAt).toMatchObject({
      position: body.position + 1,
      reason: 'cut',
    });
    for (const search of [
      '?position=1',
      `?head=${body.head}`,
      '?position=-1&head=0',
      '?position=x&head=x',
      `?position=1&head=${'g'.repeat(64)}`,
    ])
      expect((await ask(search)).status).toBe(400);
  });
});

describe('what has expired', () => {
  const DAY = 86_400_000;

  it('is gone, and the rest can be verified', async () => {
    for (let count = 0; count < 3; count++) await note();
    await seal();
    const { entries, position } = await verify();
    const later = new Date(Date.now() + 401 * DAY);
    expect(await app.get(Retention).expire(new Date())).toBe(0);
    expect(await app.get(Retention).expire(later)).toBe(entries);
    expect(await verify()).toMatchObject({ verified: true, entries: 1, unsealed: 1, expired: position, position });
    await seal();
    await note();
    await seal();
    expect(await verify()).toMatchObject({ verified: true, entries: 2, sealed: 2, expired: position, position: position + 2n });
    const { body } = await app.request<Wire<AuditEntryList>>('GET', 'audit?action=audit.expired', { token: admin.accessToken });
    expect(body.items).toEqual([
      expect.objectContaining({
        actor: { kind: 'system', id: null },
        after: expect.objectContaining({ until: Number(position), entries }),
      }),
    ]);
    await expect(sql('DELETE FROM audit_entries')).rejects.toThrow('append-only');
  });

  it('says so when it had been tampered with', async () => {
    const id = unique();
    await note(id);
    await seal();
    await tamper(`UPDATE audit_entries SET action = 'tests.undone' WHERE resource_id = '${id}'`);
    await app.get(Retention).expire(new Date(Date.now() + 401 * DAY));
    await seal();
    expect(await verify()).toMatchObject({ verified: true });
    const { body } = await app.request<Wire<AuditEntryList>>('GET', 'audit?action=audit.expired&outcome=failed', {
      token: admin.accessToken,
    });
    expect(body.items).toEqual([
      expect.objectContaining({ after: expect.objectContaining({ brokenAt: expect.objectContaining({ reason: 'altered' }) }) }),
    ]);
  });
});

describe('somebody who was erased', () => {
  it('leaves values that nobody can read, in a chain that is whole', async () => {
    const by = await aUser(app);
    const marker = `marker-${unique()}`;
    const change = (name: string) =>
      app.request('PATCH', 'users/me', { token: by.accessToken, body: { name }, headers: { 'user-agent': marker } });
    await change(marker);
    const entriesOf = async () =>
      (await app.request<Wire<AuditEntryList>>('GET', `audit?person=${by.id}&action=users.updated`, { token: admin.accessToken })).body
        .items;
    expect(await entriesOf()).toEqual([
      expect.objectContaining({ after: { name: marker }, userAgent: marker, personalValues: 'readable' }),
    ]);
    await seal();
    await transaction(app.prisma, (db) => forget(db, by.id));
    expect(await entriesOf()).toEqual([
      expect.objectContaining({ before: { name: null }, after: { name: null }, userAgent: null, ip: null, personalValues: 'erased' }),
    ]);
    await change(`again ${marker}`); // with the key this process may still hold, and without
    expect((await entriesOf()).map(({ personalValues }) => personalValues)).toEqual(['erased', 'erased']);
    await seal();
    expect(await verify()).toMatchObject({ verified: true });
    for (const table of [...TABLES, 'audit_keys']) {
      const rows = await sql<{ row: string }>(`SELECT ${table}::text AS row FROM ${table}`);
      expect(rows.filter(({ row }) => row.includes(marker) || row.includes(Buffer.from(marker).toString('hex')))).toEqual([]);
    }
  });
});

describe('processes that seal at once', () => {
  let database: { url: string; drop: () => Promise<void> };
  let people: Person[];
  let world: TestApp;

  beforeAll(async () => {
    database = await createDatabase();
    world = await startApp({ ROLE: 'api', DATABASE_URL: database.url });
    people = await Promise.all(Array.from({ length: 10 }, () => aUser(world)));
  }, 30_000);

  afterAll(async () => {
    await stopProcesses();
    await world.close();
    await database.drop();
  });

  const start = () => startProcess({ databaseUrl: database.url });
  const write = async (server: Pick<Product, 'request'>, count: number) => {
    for (let index = 0; index < count; index++)
      await Promise.allSettled(
        people.map((by) => server.request('PATCH', 'users/me', { token: by.accessToken, body: { name: `N ${unique()}` } })),
      );
  };
  const whole = () =>
    eventually(async () => {
      const found = await world.get(Verifier).verify();
      expect(found.brokenAt).toBeNull();
      return found.entries === found.sealed && found;
    }, 60_000);

  it('make one chain without a gap', async () => {
    const [one, two] = [await start(), await start()];
    await Promise.all([write(one, 10), write(two, 10), ...Array.from({ length: 5 }, () => world.get(Sealer).seal())]);
    expect(await whole()).toMatchObject({ entries: people.length * 21, sealed: people.length * 21 });
  }, 180_000);

  it('leave nothing half done when one is killed', async () => {
    for (let round = 0; round < 3; round++) {
      const doomed = await start();
      const writing = write(doomed, 20);
      await eventually(
        async () => (await query<{ n: number }>(database.url, 'SELECT count(*)::int AS n FROM audit_unsealed'))[0]!.n > 0,
        30_000,
      );
      await doomed.stop('SIGKILL');
      await writing;
    }
    await world.get(Sealer).seal();
    await whole();
  }, 240_000);
});

describe('the role that the application runs as, by deploy/database.sql', () => {
  const [name, owner, role] = [`test_${unique()}`, `owner_${unique()}`, `app_${unique()}`];
  let other: TestApp;

  const urlAs = (user: string, database = name) => {
    const url = new URL(app.databaseUrl);
    [url.username, url.password, url.pathname] = [user, 'secret', `/${database}`];
    return url.href;
  };
  const asSuperuser = (database: string) => app.databaseUrl.replace(/[^/]*$/, database);

  beforeAll(async () => {
    const file = readFileSync(join(import.meta.dirname, '../deploy/database.sql'), 'utf8').replaceAll(/--.*$|^\\set .*$/gm, '');
    const [inPostgres, inDatabase] = file.split('\\connect ashlar').map((part) =>
      part
        .replaceAll(/:'\w+'/g, `'secret'`)
        .replaceAll('DATABASE ashlar', `DATABASE ${name}`)
        .replaceAll('ashlar_app', role)
        .replaceAll(/\bashlar\b/g, owner),
    );
    const run = async (database: string, statements: string) => {
      for (const statement of statements.split(';').filter((each) => each.trim())) await query(asSuperuser(database), statement);
    };
    await run('postgres', inPostgres!);
    await run(name, inDatabase!);
    await migrateDatabase(urlAs(owner));
    other = await startApp({ DATABASE_URL: urlAs(role), ORDERS_SWEEP_SECONDS: '1' });
  }, 60_000);

  afterAll(async () => {
    await other.close();
    await query(asSuperuser('postgres'), `DROP DATABASE ${name} WITH (FORCE)`);
    for (const each of [role, owner]) await query(asSuperuser('postgres'), `DROP ROLE ${each}`);
  });

  it('serves, seals, runs jobs and lets entries expire', async () => {
    const by = await aUser(other);
    expect((await other.request('PATCH', 'users/me', { token: by.accessToken, body: { name: 'Ada' } })).status).toBe(200);
    const { sealed } = await eventually(async () => {
      const found = await other.get(Verifier).verify();
      expect(found.brokenAt).toBeNull();
      return found.unsealed === 0 && found.sealed > 0 && found;
    });
    expect(sealed).toBeGreaterThan(0);
    await query(urlAs(role), `SELECT graphile_worker.add_job('audit.expire', '{}'::json)`);
    await eventually(async () => (await query(urlAs(role), 'SELECT FROM graphile_worker.jobs')).length === 0, 20_000);
    expect(await other.get(Retention).expire(new Date(Date.now() + 401 * 86_400_000))).toBeGreaterThanOrEqual(sealed);
    expect(await other.get(Verifier).verify()).toMatchObject({ verified: true });
  }, 60_000);

  it.each([
    'UPDATE audit_entries SET action = action',
    `SET ashlar.audit_expires = 'on'; DELETE FROM audit_entries`,
    'TRUNCATE audit_entries',
    'UPDATE audit_seals SET position = position',
    `SET ashlar.audit_expires = 'on'; DELETE FROM audit_seals`,
    'ALTER TABLE audit_entries DISABLE TRIGGER ALL',
    'DROP TABLE audit_seals',
    'SET session_replication_role = replica',
  ])('may not: %s', async (statement) => {
    await expect(query(urlAs(role), statement)).rejects.toThrow(/permission denied|must be owner/);
  });
});
