import { setTimeout as sleep } from 'node:timers/promises';
import { isRetryable } from './sql-errors.js';
import { type Db, type PrismaService, type Tx } from './prisma.service.js';
import { type Connection, withConnection } from './statements.js';

const ATTEMPTS = 4;
const open = new WeakMap<object, Connection>();

/** Whether `db` is a transaction somebody has opened. */
export function inTransaction(db: Db): db is Tx {
  return open.has(db);
}

/** The connection of a transaction that is open. */
export function connectionOf(db: Tx): Connection | undefined {
  return open.get(db);
}

/**
 * Runs `work` in the transaction `db` already is, or in one of its own (READ COMMITTED), repeated at most three times, with jitter, when
 * PostgreSQL chose it as the victim of a deadlock or a serialisation failure (SQLSTATE 40P01, 40001). `work` may therefore run more than
 * once: nothing in it leaves the database.
 */
export async function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (inTransaction(db)) return work(db);
  for (let attempt = 1; ; attempt++) {
    try {
      return await withConnection((connection) =>
        (db as PrismaService).$transaction((tx) => {
          open.set(tx, connection);
          return work(tx);
        }),
      );
    } catch (error) {
      if (attempt === ATTEMPTS || !isRetryable(error)) throw error;
      await sleep(Math.random() * 20 * 2 ** attempt);
    }
  }
}
