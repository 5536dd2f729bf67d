import { Prisma } from '../generated/client.js';
import type { Db, PrismaService } from './prisma.service.js';
import type { Send } from './statements.js';
import { connectionOf, inTransaction } from './transaction.js';

/**
 * The rows of a hot statement, as a prepared one, on the shared pool or on the transaction's own connection: Prisma's object path costs
 * several times the CPU. Columns come as `$queryRaw` gives them (bigint as BigInt), but numeric as text and bytea as a Buffer; what
 * PostgreSQL refuses is thrown as the driver says it, which `isUniqueViolation` and its neighbours understand. In a transaction, several
 * that do not depend on each other's rows cost one wait together: `Promise.all` sends them at once, and they are done in their order. Wait for
 * queries of Prisma's before: those take a moment to be sent, and are overtaken.
 */
export async function rows<Row extends object>(db: Db, sql: Prisma.Sql): Promise<Row[]> {
  return (await senderOf(db).send<Row>(sql)).rows;
}

/**
 * The rows of a hot statement that only looks, or takes a lock that ends with the transaction. Those that a transaction begins with go out in
 * one packet with its BEGIN; nothing that writes may be read like this.
 */
export async function look<Row extends object>(db: Db, sql: Prisma.Sql): Promise<Row[]> {
  return (await senderOf(db).send<Row>(sql, { looks: true })).rows;
}

/**
 * The rows of a statement whose best plan depends on its values, such as a search for common or rare words: it is planned each time. A prepared
 * one is soon planned once for all values (PostgreSQL's `plan_cache_mode`).
 */
export async function rowsPlannedAnew<Row extends object>(db: Db, sql: Prisma.Sql): Promise<Row[]> {
  return (await senderOf(db).send<Row>(sql, { anew: true })).rows;
}

/**
 * Values as one array of a hot statement, for `unnest` and `= ANY`, into which PostgreSQL does not look when it plans. Of one it can count it
 * takes a plan for so many to be cheaper than the one for any number (`plan_cache_mode`), and plans anew each time, which costs more than to run it.
 */
export function listed(values: readonly (string | number)[], type: 'uuid' | 'int'): Prisma.Sql {
  const array = Prisma.raw(`${type}[]`);
  return Prisma.sql`(SELECT ${[...values]}::${array})::${array}`;
}

/** Runs a hot statement like `rows`; how many rows it changed. */
export async function execute(db: Db, sql: Prisma.Sql): Promise<number> {
  return (await senderOf(db).send(sql)).rowCount ?? 0;
}

/**
 * Runs a hot statement whose outcome the caller does not look at. In a transaction it waits for the next statement and is sent before it, at
 * the latest with the COMMIT: it costs no wait of its own. Its failure undoes the transaction, and is what `transaction` throws.
 */
export async function defer(db: Db, sql: Prisma.Sql): Promise<void> {
  if (inTransaction(db)) connectionOf(db).defer(sql);
  else await senderOf(db).send(sql);
}

function senderOf(db: Db): { send: Send } {
  return inTransaction(db) ? connectionOf(db) : (db as PrismaService);
}
