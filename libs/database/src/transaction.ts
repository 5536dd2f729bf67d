import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from './connection.js';
import { LatePrisma } from './late-prisma.js';
import { type Db, type PrismaService, type Tx } from './prisma.service.js';
import { isRetryable } from './sql-errors.js';

const ATTEMPTS = 4;

/** What belongs to a transaction that is open. */
interface Open {
  connection: Connection;
  client: PrismaService;
  afterCommit: (() => void)[];
}

const open = new WeakMap<object, Open>();

/** Whether `db` is a transaction somebody has opened. */
export function inTransaction(db: Db): db is Tx {
  return open.has(db);
}

/** The connection of a transaction that somebody has opened. */
export function connectionOf(db: Tx): Connection {
  return open.get(db)!.connection;
}

/** The shared client that `db` is, or is a transaction of. */
export function clientOf(db: Db): PrismaService {
  return open.get(db)?.client ?? (db as PrismaService);
}

/** Runs `then` once the transaction has been committed, or at once outside one. One that fails or is repeated forgets it. */
export function afterCommit(db: Db, then: () => void): void {
  const transaction = open.get(db);
  if (transaction) transaction.afterCommit.push(then);
  else then();
}

/**
 * Runs `work` in the transaction `db` already is, or in one of its own (READ COMMITTED), repeated at most three times, with jitter, when
 * PostgreSQL chose it as the victim of a deadlock or a serialisation failure (SQLSTATE 40P01, 40001). `work` may therefore run more than
 * once: nothing in it leaves the database.
 */
export async function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (inTransaction(db)) return work(db);
  const { result, afterCommit } = await untilCommitted(db as PrismaService, work);
  const failures: unknown[] = [];
  for (const then of afterCommit) {
    try {
      then();
    } catch (error) {
      failures.push(error); // what is committed stays, and the others still have to follow
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'The transaction is committed, but something that had to follow it failed.');
  return result;
}

interface Committed<T> {
  result: T;
  afterCommit: (() => void)[];
}

async function untilCommitted<T>(client: PrismaService, work: (tx: Tx) => Promise<T>): Promise<Committed<T>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(client, work);
    } catch (error) {
      if (attempt === ATTEMPTS || !isRetryable(error)) throw error;
      await sleep(Math.random() * 20 * 2 ** attempt);
    }
  }
}

async function runOnce<T>(client: PrismaService, work: (tx: Tx) => Promise<T>): Promise<Committed<T>> {
  const connection = await client.connection();
  const prisma = new LatePrisma(client, connection);
  const afterCommit: (() => void)[] = [];
  open.set(prisma.client, { connection, client, afterCommit });
  // Undone while its work still runs: what that goes on to do with it is refused.
  const timer = setTimeout(() => void undo(connection), client.longestTransactionMs);
  let result: T;
  try {
    result = await work(prisma.client);
    await prisma.close();
    await connection.commit();
  } catch (error) {
    await prisma.close();
    await undo(connection);
    throw connection.failure ?? error;
  } finally {
    clearTimeout(timer);
  }
  return { result, afterCommit };
}

/** A connection that cannot say ROLLBACK is given up, and PostgreSQL undoes by itself what was done on it. */
async function undo(connection: Connection): Promise<void> {
  await connection.rollback().catch(() => undefined);
}
