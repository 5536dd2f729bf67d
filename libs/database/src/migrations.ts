import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** A migration cannot be applied: one sentence with its name, the cause and the way out. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

interface Applied {
  migration_name: string;
  checksum: string;
  finished: boolean;
}

/** Prisma's own lock, so that its command line tool and this code exclude each other. */
const LOCK = 72707369;
const LOCK_TIMEOUT_MS = 1500;
const ATTEMPTS = 40;

/** As Prisma makes it, so that `prisma migrate deploy` agrees about what was applied. */
const TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id varchar(36) PRIMARY KEY NOT NULL,
  checksum varchar(64) NOT NULL,
  finished_at timestamptz,
  migration_name varchar(255) NOT NULL,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz NOT NULL DEFAULT now(),
  applied_steps_count integer NOT NULL DEFAULT 0
)`;
const TABLE_EXISTS = `SELECT 'yes' AS migration_name WHERE to_regclass('_prisma_migrations') IS NOT NULL`;

/**
 * Applies the migrations that a database lacks, each in one transaction together with its row in `_prisma_migrations`, and
 * returns their names. Several processes may call it at once: one applies, the others wait for it. `url` must lead to
 * PostgreSQL directly, not to a transaction pooler. Throws MigrationError; nothing of the failed migration is kept.
 *
 * PostgreSQL runs the files as they are: Prisma's engine would hand them to its driver adapter, which splits them at every
 * semicolon (also within functions and texts) and loses the transaction.
 */
export async function applyMigrations(url: string, folder = migrationsFolder()): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const client = await connect(url);
  try {
    const seen = await readApplied(client);
    // What is unfinished may be under way: whoever is at it holds the lock.
    if (seen.every(({ finished }) => finished) && missing(migrations, seen).length === 0) return [];
    await client.query('SET statement_timeout = 0');
    await takeLock(client);
    await client.query(TABLE);
    const pending = missing(migrations, await readApplied(client));
    for (const migration of pending) await apply(client, migration);
    return pending.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

/** The names of the migrations that a database lacks, for the readiness check. `query` runs one SQL text. */
export async function pendingMigrations(
  query: (sql: string) => Promise<{ migration_name: string }[]>,
  folder = migrationsFolder(),
): Promise<string[]> {
  const names = await migrationNames(folder);
  if ((await query(TABLE_EXISTS)).length === 0) return names;
  const rows = await query('SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL');
  const applied = new Set(rows.map((row) => row.migration_name));
  return names.filter((name) => !applied.has(name));
}

/** The folder `prisma` of this project, found from the sources as well as from `dist`. */
export function prismaFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const prisma = join(folder, 'prisma');
    if (existsSync(join(prisma, 'migrations')) || existsSync(join(prisma, 'schema.prisma'))) return prisma;
    if (folder === dirname(folder)) throw new MigrationError('The folder prisma/migrations is missing: copy it beside dist.');
  }
}

/** The names of all migrations, oldest first. */
export async function migrationNames(folder = migrationsFolder()): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'ashlar migrations', connectionTimeoutMillis: 10_000 });
  // A lost connection also fails the statement that runs, and there it is reported.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException;
    throw new MigrationError(
      `The database "${client.database}" on ${client.host}:${client.port} cannot be reached (${message || code}): start it, or correct DATABASE_URL and DATABASE_DIRECT_URL.`,
      { cause },
    );
  }
}

function migrationsFolder(): string {
  return join(prismaFolder(), 'migrations');
}

async function readMigrations(folder: string): Promise<Migration[]> {
  return Promise.all(
    (await migrationNames(folder)).map(async (name) => {
      const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: checksumOf(sql) };
    }),
  );
}

async function readApplied(client: pg.Client): Promise<Applied[]> {
  if ((await client.query(TABLE_EXISTS)).rowCount === 0) return [];
  const { rows } = await client.query<Applied>(
    'SELECT migration_name, checksum, finished_at IS NOT NULL AS finished FROM _prisma_migrations WHERE rolled_back_at IS NULL',
  );
  return rows;
}

/** What is still to be applied; refuses a history that was changed or left in the middle. */
function missing(migrations: Migration[], applied: Applied[]): Migration[] {
  return migrations.filter(({ name, sql, checksum }) => {
    const row = applied.find((candidate) => candidate.migration_name === name);
    if (row && !row.finished)
      throw new MigrationError(
        `Migration ${name} was begun and never finished: see what it did, undo that, and mark it by UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '${name}'; then apply again.`,
      );
    // Git may have changed the line ends on the way from one machine to another.
    const known = row && [checksum, checksumOf(sql.replaceAll('\r\n', '\n')), checksumOf(sql.replaceAll(/\r?\n/g, '\r\n'))];
    if (known && !known.includes(row.checksum))
      throw new MigrationError(
        `Migration ${name} was edited after it had been applied to this database: restore prisma/migrations/${name}/migration.sql and put the change into a new migration.`,
      );
    return !row;
  });
}

/** Asks again and again instead of waiting: a waiting statement would hold up CREATE INDEX CONCURRENTLY for ever. */
async function takeLock(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>(`SELECT pg_try_advisory_lock(${LOCK}) AS taken`);
    if (rows[0]?.taken) return;
    await sleep(100);
  }
}

/** A migration that cannot get its table lock soon steps back, since every query of the running version queues behind it. */
async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
  for (let attempt = 1; ; attempt++) {
    try {
      return await (isOutsideTransactions(migration) ? applyAlone(client, migration) : applyInTransaction(client, migration));
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      if (error.code !== '55P03' || attempt === ATTEMPTS || isOutsideTransactions(migration)) throw failure(migration, error);
      await sleep(1000);
    }
  }
}

async function applyInTransaction(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query(
      'INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, clock_timestamp(), 1)',
      [randomUUID(), checksum, name],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** CONCURRENTLY refuses transactions: the row is written before and finished after. */
async function applyAlone(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  const id = randomUUID();
  await client.query('SET lock_timeout = 0');
  await client.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [id, checksum, name]);
  try {
    await client.query(sql);
  } catch (error) {
    await client.query('UPDATE _prisma_migrations SET rolled_back_at = now(), logs = $2 WHERE id = $1', [id, (error as Error).message]);
    throw error;
  }
  await client.query('UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = $1', [id]);
}

function isOutsideTransactions({ sql }: Migration): boolean {
  return /\bCONCURRENTLY\b/i.test(sql.replaceAll(/--.*$/gm, ''));
}

function failure(migration: Migration, error: pg.DatabaseError): MigrationError {
  const { name, sql } = migration;
  const line = error.position ? ` at line ${sql.slice(0, Number(error.position)).split('\n').length}` : '';
  const details = [error.detail, error.hint].filter(Boolean).join(' ');
  const wayOut = isOutsideTransactions(migration)
    ? 'an index that was built CONCURRENTLY may have stayed behind as invalid: drop it, correct the file and apply again'
    : 'nothing of it was kept: correct the file (or the data it met) and apply again';
  return new MigrationError(`Migration ${name} failed${line}: ${error.message}${details && ` (${details})`}; ${wayOut}.`, { cause: error });
}

function checksumOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex');
}
