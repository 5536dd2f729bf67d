import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import pg from 'pg';
import { ConfigError, loadEnv } from '#config';
// Not by #database: the tool works on the schema and needs no client generated from it.
import { joinEmbedded } from '../libs/database/src/embedded-join.js';
import { EmbeddedError, startEmbedded } from '../libs/database/src/embedded.js';
import { applyMigrations, MigrationError, migrationNames, prismaFolder } from '../libs/database/src/migrations.js';
import { schemaDifference, SchemaError, type SchemaFile } from '../libs/database/src/schema-engine.js';
import { disagreements, unguarded } from './catalogue.js';
import { migrateDatabase } from './deploy.js';
import { breakingChanges, folderName, nameFault } from './migrate.rules.js';

/** A command that cannot be carried out; the message is all the person needs. */
class Refusal extends Error {}

const prisma = prismaFolder();
const migrations = join(prisma, 'migrations');
/** The schema that the migrations amount to. Not `*.prisma`, or Prisma would read it as a part of the schema. */
const snapshot = join(migrations, 'schema.snapshot');

const COMMANDS: Record<string, (args: string[]) => Promise<void>> = { deploy, new: create, reset, check };

async function deploy(): Promise<void> {
  await withDatabase(async (url) => {
    const applied = await migrateDatabase(url);
    console.log(applied.length ? `Applied ${applied.join(', ')}.` : 'The database has every migration.');
  });
}

async function create(args: string[]): Promise<void> {
  const [name] = args.filter((arg) => !arg.startsWith('--'));
  const fault = nameFault(name);
  if (!name || fault) throw new Refusal(fault);

  const schema = await readSchema();
  const sql = await schemaDifference(await readSnapshot(), schema);
  const byHand = args.includes('--empty');
  if (!sql && !byHand) {
    console.log(
      'The schema has not changed since the last migration. For SQL that Prisma cannot express, add --empty and write it yourself.',
    );
    return;
  }
  const folder = join(migrations, folderName(name, new Date(), (await migrationNames()).at(-1)));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'migration.sql'), sql || '-- What Prisma cannot express: constraints, partial indexes, triggers.\n');
  await writeFile(
    join(migrations, 'migration_lock.toml'),
    '# Prisma reads this file; it belongs under version control.\nprovider = "postgresql"\n',
  );
  await writeFile(snapshot, schema.map(({ content }) => content.trim()).join('\n\n') + '\n');

  console.log(
    `Wrote ${relative(process.cwd(), join(folder, 'migration.sql'))}: read it, add the CHECK constraints it needs, and apply it by npm run db:migrate.`,
  );
  for (const warning of breakingChanges(sql)) console.warn(`Warning: ${warning}`);
}

async function reset(args: string[]): Promise<void> {
  const env = loadEnv();
  if (env.NODE_ENV === 'production') throw new Refusal('db:reset destroys all data and does not run in production.');
  if (env.DATABASE_URL && !args.includes('--force'))
    throw new Refusal(
      `db:reset destroys all data of the database "${new URL(env.DATABASE_URL).pathname.slice(1)}" that DATABASE_URL names: add --force if you mean it (npm run db:reset -- --force).`,
    );
  await withDatabase(async (url) => {
    await run(url, 'DROP SCHEMA IF EXISTS graphile_worker CASCADE; DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public');
    const applied = await migrateDatabase(url);
    console.log(`The database is empty again and has ${applied.length === 1 ? '1 migration' : `${applied.length} migrations`}.`);
  });
}

/** Proves that the migrations lead to the schema: on paper by the snapshot, and really in two new databases. */
async function check(): Promise<void> {
  const schema = await readSchema();
  const drift = await schemaDifference(await readSnapshot(), schema);
  if (drift)
    throw new Refusal(
      `The schema has changed since the last migration: run npm run db:migration -- <name>, which would write:\n\n${drift}`,
    );

  const folder = await mkdtemp(join(tmpdir(), 'ashlar-check-'));
  try {
    const server = await startEmbedded({ dataDir: folder, durable: false });
    try {
      const wanted = server.url.replace(/[^/]*$/, 'wanted');
      await run(server.url, 'CREATE DATABASE wanted');
      await run(wanted, await schemaDifference([], schema));
      await applyMigrations(server.url);
      const faults = await disagreements(server.url, wanted);
      if (faults.length) throw new Refusal(['The migrations do not lead to the schema:', ...faults].join('\n- '));
      const open = await unguarded(server.url);
      if (open.length) throw new Refusal(['The migrations leave to the code what the database must hold:', ...open].join('\n- '));
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  console.log('The migrations lead to the schema.');
}

/** The database of the settings; or the embedded one, of the application that runs or for as long as the work takes. */
async function withDatabase(work: (url: string) => Promise<void>): Promise<void> {
  // What production asks of a process that serves (secrets, its public address) need not be handed to the one that migrates.
  const { DATABASE_DIRECT_URL: url } = loadEnv(undefined, { NODE_ENV: 'test' });
  if (url) return work(url);
  const server = await joinEmbedded({ dataDir: loadEnv().DATA_DIR, log: console.log });
  try {
    await work(server.url);
  } finally {
    await server.stop();
  }
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function readSchema(): Promise<SchemaFile[]> {
  const models = (await readdir(join(prisma, 'models'))).filter((name) => name.endsWith('.prisma')).sort();
  const paths = ['schema.prisma', ...models.map((name) => `models/${name}`)];
  return Promise.all(paths.map(async (path) => ({ path: `prisma/${path}`, content: await readFile(join(prisma, path), 'utf8') })));
}

async function readSnapshot(): Promise<SchemaFile[]> {
  return existsSync(snapshot) ? [{ path: 'schema.snapshot', content: await readFile(snapshot, 'utf8') }] : [];
}

function isForPeople(error: unknown): error is Error {
  const kinds = [Refusal, ConfigError, EmbeddedError, MigrationError, SchemaError];
  return kinds.some((kind) => error instanceof kind);
}

// Ended before its time, the embedded server hears of it by the exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const [command = '', ...args] = process.argv.slice(2);
try {
  const work = COMMANDS[command];
  if (!work) throw new Refusal(`Say what to do: ${Object.keys(COMMANDS).join(', ')}.`);
  await work(args);
} catch (error) {
  console.error(isForPeople(error) ? error.message : error);
  process.exitCode = 1;
}
