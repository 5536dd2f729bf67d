import { AsyncLocalStorage } from 'node:async_hooks';
import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import type { Connection } from './connection.js';
import type { NameOf } from './statements.js';

/** Only carries a connection from `hosted` to the adapter, which Prisma asks to begin: nobody else reads it. */
const hosts = new AsyncLocalStorage<Connection>();

/** Has Prisma open a transaction on a connection that is in one already, which it neither begins nor ends. */
export function hosted<T>(connection: Connection, open: () => Promise<T>): Promise<T> {
  return hosts.run(connection, open);
}

/** Prisma's adapter, whose transactions may be guests on a connection of ours. */
export class Adapter extends PrismaPg {
  constructor(pool: pg.Pool, nameOf: NameOf) {
    super(pool, { statementNameGenerator: ({ sql }) => nameOf(sql)! });
  }

  override async connect(): ReturnType<PrismaPg['connect']> {
    const adapter = await super.connect();
    const startTransaction: typeof adapter.startTransaction = (isolation) => {
      const host = hosts.getStore();
      if (host === undefined) return adapter.startTransaction(isolation);
      // It takes its connection from what it holds to be the pool.
      const client = { connect: () => Promise.resolve(guestOf(host)) };
      return (Object.create(adapter, { client: { value: client } }) as typeof adapter).startTransaction(isolation);
    };
    return Object.create(adapter, { startTransaction: { value: startTransaction } }) as typeof adapter;
  }
}

const BOUNDS = new Set(['BEGIN', 'COMMIT', 'ROLLBACK']);

/** As much of a connection as Prisma's adapter uses. */
function guestOf(host: Connection) {
  const nothing = () => undefined;
  return {
    query: (statement: pg.QueryConfig) =>
      BOUNDS.has(statement.text) ? Promise.resolve({ rows: [], fields: [], rowCount: 0 }) : host.query(statement),
    on: nothing,
    removeListener: nothing,
    release: nothing,
  };
}
