import type { Prisma } from '../generated/client.js';
import type { Db, PrismaService } from './prisma.service.js';
import { inTransaction } from './transaction.js';

/**
 * The rows of a hot query, as a prepared statement on the shared pool: Prisma's object path costs several times the CPU. In a transaction it
 * runs there, with the same result for columns of text, int, bool, uuid, timestamptz, json and their arrays (bigint and numeric differ).
 */
export async function rows<Row extends object>(db: Db, sql: Prisma.Sql): Promise<Row[]> {
  return inTransaction(db) ? db.$queryRaw<Row[]>(sql) : (db as PrismaService).prepared<Row>(sql);
}
