import type { Prisma } from '../generated/client.js';
import type { Db, PrismaService } from './prisma.service.js';
import { connectionOf, inTransaction } from './transaction.js';

/**
 * The rows of a hot statement, as a prepared one, on the shared pool or on the transaction's own connection: Prisma's object path costs
 * several times the CPU. Columns come as `$queryRaw` gives them (bigint as BigInt), but numeric as text and bytea as a Buffer; what
 * PostgreSQL refuses is thrown as the driver says it, which `isUniqueViolation` and its neighbours understand.
 */
export async function rows<Row extends object>(db: Db, sql: Prisma.Sql): Promise<Row[]> {
  const send = senderOf(db);
  return send ? (await send<Row>(sql)).rows : db.$queryRaw<Row[]>(sql);
}

/** Runs a hot statement like `rows`; how many rows it changed. */
export async function execute(db: Db, sql: Prisma.Sql): Promise<number> {
  const send = senderOf(db);
  return send ? ((await send(sql)).rowCount ?? 0) : db.$executeRaw(sql);
}

/** None for a transaction that has ended: Prisma then says so. */
function senderOf(db: Db) {
  return inTransaction(db) ? connectionOf(db)!.send : (db as PrismaService).send;
}
