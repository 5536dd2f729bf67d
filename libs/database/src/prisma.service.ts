import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Env } from '#config';
import pg from 'pg';
import { Adapter } from './adapter.js';
import { Connection } from './connection.js';
import { pendingMigrations } from './migrations.js';
import { type NameOf, prepared, type Send, StatementNames } from './statements.js';
import { PrismaClient, type Prisma } from '../generated/client.js';

/** A transaction in progress. */
export type Tx = Prisma.TransactionClient;
/** Where a statement runs: the shared client, or the transaction somebody else has opened. */
export type Db = PrismaService | Tx;

/** The shared client on the one pool of this process. */
@Injectable()
export class PrismaService extends PrismaClient implements OnApplicationShutdown {
  private readonly pool: pg.Pool;
  /** Runs a statement on the pool, past Prisma's object path; use `rows` and `execute`. */
  readonly send: Send;
  readonly longestTransactionMs: number;
  private readonly nameOf: NameOf;

  constructor(env: Env) {
    const pool = createPool(env);
    // A transaction pooler hands each transaction another connection, where a prepared statement may not be known.
    const names = isPooled(env) ? undefined : new StatementNames();
    const nameOf: NameOf = (sql) => names?.of(sql);
    pool.on('acquire', (client) => names?.forgetLost(client));
    const longestTransactionMs = env.DATABASE_STATEMENT_TIMEOUT_MS * 2;
    super({
      adapter: new Adapter(pool, nameOf),
      transactionOptions: { maxWait: env.DATABASE_POOL_TIMEOUT_MS, timeout: longestTransactionMs },
    });
    this.pool = pool;
    this.nameOf = nameOf;
    this.longestTransactionMs = longestTransactionMs;
    this.send = (sql, { anew } = {}) => pool.query(prepared(sql, nameOf, anew));
  }

  /** A connection for a transaction; use `transaction`, which also ends it. */
  connection(): Promise<Connection> {
    return Connection.take(this.pool, this.nameOf);
  }

  /** Migrations this build was made with and the database has not: it is not ready for us. */
  pendingMigrations(): Promise<string[]> {
    return pendingMigrations((sql) => this.$queryRawUnsafe(sql));
  }

  /** After the last request: Nest closes the server before it calls this. */
  async onApplicationShutdown(): Promise<void> {
    await this.$disconnect();
    await this.pool.end();
  }
}

function isPooled(env: Env): boolean {
  return env.DATABASE_URL !== env.DATABASE_DIRECT_URL;
}

/**
 * Waiting is bounded everywhere: for a connection, for a statement, for a transaction left open. A transaction pooler refuses settings at
 * the start of a connection, so behind one the statement's limit is kept by the client.
 */
function createPool(env: Env): pg.Pool {
  const limit = env.DATABASE_STATEMENT_TIMEOUT_MS;
  const pool = new pg.Pool({
    connectionString: env.DATABASE_URL,
    max: env.DATABASE_POOL_SIZE,
    connectionTimeoutMillis: env.DATABASE_POOL_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    pipeline: true,
    ...(isPooled(env)
      ? { query_timeout: limit }
      : {
          application_name: 'ashlar',
          statement_timeout: limit,
          query_timeout: limit + 5_000,
          idle_in_transaction_session_timeout: limit * 2,
        }),
  });
  // An idle connection that breaks (a restarted database) is replaced at the next query; unheard, the event would end the process.
  pool.on('error', () => undefined);
  // So would one that breaks between a transaction's last statement and its release: the statement has failed already, and said so.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
