import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { applyMigrations, type Embedded, pendingMigrations, startEmbedded } from '#database';
import { disagreements, unguarded } from '../prisma/catalogue.js';

let root: string;
let server: Embedded;
let databases = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ashlar-migrations-'));
  server = await startEmbedded({ dataDir: join(root, 'data'), durable: false });
}, 30_000);

afterAll(async () => {
  await server.stop();
  await rm(root, { recursive: true, force: true });
});

async function query<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function emptyDatabase(): Promise<string> {
  const name = `d${++databases}`;
  await query(server.url, `CREATE DATABASE ${name}`);
  return server.url.replace(/[^/]*$/, name);
}

describe('migrations', () => {
  let url: string;
  let folder: string;

  beforeEach(async () => {
    url = await emptyDatabase();
    folder = await mkdtemp(join(root, 'migrations-'));
  });

  const apply = () => applyMigrations(url, folder);
  const pending = () => pendingMigrations((sql) => query<{ migration_name: string }>(url, sql), folder);

  async function write(name: string, sql: string): Promise<void> {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'migration.sql'), sql);
  }

  it('are applied in order and once', async () => {
    await write('2_b', 'ALTER TABLE t ADD COLUMN b int');
    await write('1_a', 'CREATE TABLE t (a int)');
    expect(await pending()).toEqual(['1_a', '2_b']);
    expect(await apply()).toEqual(['1_a', '2_b']);
    expect(await pending()).toEqual([]);
    expect(await apply()).toEqual([]);
    await write('3_c', 'ALTER TABLE t ADD COLUMN c int');
    expect(await pending()).toEqual(['3_c']);
    expect(await apply()).toEqual(['3_c']);
  });

  it('are applied by one of several processes that start at once', async () => {
    await write('1_a', 'CREATE TABLE t (a int); INSERT INTO t VALUES (1); SELECT pg_sleep(0.3)');
    const applied = await Promise.all([apply(), apply(), apply(), apply()]);
    expect(applied.flat()).toEqual(['1_a']);
    expect(await query(url, 'SELECT a FROM t')).toHaveLength(1);
  });

  it('may hold functions and texts with semicolons', async () => {
    await write(
      '1_a',
      `CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'a;b'; END; $$; -- a; comment\nCREATE TABLE t (a text DEFAULT ';');`,
    );
    await apply();
    expect(await query(url, 'SELECT f()')).toEqual([{ f: 'a;b' }]);
  });

  it('that fail say where and why, and leave nothing behind', async () => {
    await write('1_a', 'CREATE TABLE t (a int);');
    await write('2_b', 'CREATE TABLE kept (a int);\n\nALTER TABLE t ADD COLUMN a int;');
    await expect(apply()).rejects.toThrow(
      /^Migration 2_b failed: column "a" of relation "t" already exists; nothing of it was kept: correct the file/,
    );
    expect(await query(url, `SELECT to_regclass('kept') AS kept`)).toEqual([{ kept: null }]);
    await write('2_b', 'SELECT 1;\nSELEC 2;');
    await expect(apply()).rejects.toThrow('Migration 2_b failed at line 2: syntax error at or near "SELEC"');
    await write('2_b', 'ALTER TABLE t ADD COLUMN b int;');
    expect(await apply()).toEqual(['2_b']);
  });

  it('are refused when one was edited after it had been applied', async () => {
    await write('1_a', 'CREATE TABLE t (\n  a int\n);\n');
    await apply();
    await write('1_a', 'CREATE TABLE t (\r\n  a int\r\n);\r\n');
    expect(await apply()).toEqual([]);
    await write('1_a', 'CREATE TABLE t (\n  a bigint\n);\n');
    await expect(apply()).rejects.toThrow(/^Migration 1_a was edited after it had been applied/);
  });

  it('may build an index CONCURRENTLY', async () => {
    await write('1_a', 'CREATE TABLE t (a int)');
    await write('2_b', '-- AddIndex\nCREATE INDEX CONCURRENTLY t_a_idx ON t (a);');
    expect(await Promise.all([apply(), apply()])).toContainEqual(['1_a', '2_b']);
    expect(await query(url, `SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a_idx'::regclass`)).toEqual([{ indisvalid: true }]);
  });

  it('left in the middle by somebody else are not stepped over', async () => {
    await write('1_a', 'CREATE TABLE t (a int)');
    await apply();
    await query(url, 'UPDATE _prisma_migrations SET finished_at = NULL');
    await expect(apply()).rejects.toThrow(/^Migration 1_a was begun and never finished/);
    expect(await pending()).toEqual(['1_a']);
  });
});

describe('the comparison of migrations with the schema', () => {
  const WANTED = `CREATE TYPE kind AS ENUM ('a', 'b');
    CREATE TABLE users (id uuid PRIMARY KEY);
    CREATE TABLE t (id int PRIMARY KEY, user_id uuid REFERENCES users, name text NOT NULL DEFAULT 'x', sum int, kind kind);
    CREATE INDEX t_name_idx ON t (name);`;

  async function compare(migrated: string): Promise<string[]> {
    const [a, b] = [await emptyDatabase(), await emptyDatabase()];
    await query(a, migrated);
    await query(b, WANTED);
    return disagreements(a, b);
  }

  it('finds none where they agree', async () => {
    expect(await compare(WANTED)).toEqual([]);
  });

  it('allows what Prisma cannot express', async () => {
    const special = `ALTER TABLE t ADD CHECK (sum >= 0), ADD COLUMN search tsvector GENERATED ALWAYS AS (to_tsvector('simple', name)) STORED;
      CREATE INDEX ON t (lower(name)); CREATE UNIQUE INDEX ON t (name) WHERE sum > 0; CREATE INDEX ON t USING gin (search);`;
    expect(await compare(WANTED + special)).toEqual([]);
  });

  it.each([
    ['DROP INDEX t_name_idx', 'The schema has the index t.t_name_idx, which no migration creates.'],
    [
      'ALTER TABLE t ALTER name DROP NOT NULL',
      `The column t.name is "text not null default 'x'::text" by the schema and "text default 'x'::text" by the migrations.`,
    ],
    ['ALTER TABLE t ALTER name DROP DEFAULT', 'The column t.name is'],
    ['ALTER TABLE t ALTER sum TYPE bigint', 'The column t.sum is "integer" by the schema and "bigint" by the migrations.'],
    ['ALTER TABLE t DROP COLUMN sum', 'The schema has the column t.sum'],
    ['ALTER TABLE t DROP CONSTRAINT t_user_id_fkey', 'The schema has the foreign key t.t_user_id_fkey'],
    ['ALTER TABLE t DROP CONSTRAINT t_pkey', 'The schema has the primary key t.t_pkey'],
    ['ALTER TABLE t ADD COLUMN more int', 'The migrations create the column t.more, which the schema does not have.'],
    ['CREATE INDEX more ON t (sum)', 'The migrations create the index t.more'],
    ['ALTER TABLE t ADD CONSTRAINT more UNIQUE (sum)', 'The migrations create the unique constraint t.more'],
    [`ALTER TYPE kind ADD VALUE 'c'`, 'The enum kind is "a, b" by the schema and "a, b, c" by the migrations.'],
  ])('names the disagreement: %s', async (change, sentence) => {
    expect(await compare(`${WANTED} ${change};`)).toContainEqual(expect.stringContaining(sentence));
  });
});

describe('amounts', () => {
  it('have a CHECK constraint each, or are named', async () => {
    const url = await emptyDatabase();
    await query(
      url,
      'CREATE TABLE t (id int PRIMARY KEY, price bigint CHECK (price >= 0), total bigint, CHECK (total >= price), paid bigint)',
    );
    expect(await unguarded(url)).toEqual([expect.stringContaining('The column t.paid holds an amount')]);
  });
});
