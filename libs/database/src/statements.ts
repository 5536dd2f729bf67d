import { AsyncLocalStorage } from 'node:async_hooks';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Prisma } from '../generated/client.js';

type Result<Row extends object> = Pick<pg.QueryResult<Row>, 'rows' | 'rowCount'>;
/** Sends statements straight to the driver. */
type Send = <Row extends object>(sql: Prisma.Sql) => Promise<Result<Row>>;

/** What a transaction's own connection can be asked, from its BEGIN until Prisma ends it. */
export interface Connection {
  send: Send | null;
}

/** Only carries the connection from the adapter, which opens it, to `transaction`, which asked for it: nobody else reads it. */
const opening = new AsyncLocalStorage<Connection>();

/** Opens a transaction with `begin`, which is handed what will be its connection. */
export function withConnection<T>(begin: (connection: Connection) => Promise<T>): Promise<T> {
  const connection: Connection = { send: null };
  return opening.run(connection, () => begin(connection));
}

const MOST_STATEMENTS = 500;

/** Names for the statements this process repeats, so that PostgreSQL parses each once a connection. What comes after the first 500 has none. */
export function statementNames(): (sql: string) => string | undefined {
  const names = new Map<string, string>();
  return (sql) => {
    const known = names.get(sql);
    if (known !== undefined || names.size >= MOST_STATEMENTS) return known;
    const name = `ashlar_${names.size}`;
    names.set(sql, name);
    return name;
  };
}

const INT8 = 20;
/** As Prisma reads them: a bigint is a BigInt, not a text. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): unknown => (oid === INT8 ? BigInt : pg.types.getTypeParser(oid, format)),
};

export function sender(client: pg.Pool | pg.PoolClient, nameOf: (sql: string) => string | undefined): Send {
  return ({ text, values }) => client.query({ name: nameOf(text), text, values, types });
}

/** Prisma's adapter, which also hands out the connection of each transaction it opens. */
export class Adapter extends PrismaPg {
  constructor(
    pool: pg.Pool,
    private readonly nameOf: (sql: string) => string | undefined,
  ) {
    super(pool, { statementNameGenerator: ({ sql }) => nameOf(sql)! });
  }

  override async connect(): ReturnType<PrismaPg['connect']> {
    const adapter = await super.connect();
    const start = adapter.startTransaction.bind(adapter);
    adapter.startTransaction = async (isolation) => {
      const connection = opening.getStore();
      const transaction = await start(isolation);
      if (connection) {
        const { client } = transaction as unknown as { client: pg.PoolClient };
        connection.send = sender(client, this.nameOf);
        // Prisma ends a transaction that takes too long while its work still runs: that work must not get hold of the next one's connection.
        const execute = transaction.executeRaw.bind(transaction);
        transaction.executeRaw = (query) => {
          if (query.sql === 'COMMIT' || query.sql === 'ROLLBACK') connection.send = null;
          return execute(query);
        };
      }
      return transaction;
    };
    return adapter;
  }
}
