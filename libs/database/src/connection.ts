import pg from 'pg';
import { Prisma } from '../generated/client.js';
import { type NameOf, prepared, type Result } from './statements.js';

/**
 * The one connection of a transaction, from its BEGIN to its COMMIT or ROLLBACK. Statements arrive at PostgreSQL in the order in which
 * they were sent, and it does each with all before it done. Those whose answer nobody needs wait for the next one and go out in one packet with it.
 */
export class Connection {
  private waiting: Prisma.Sql[] = [];
  private ended = false;
  private failed: unknown;
  private doubtful = false;

  private constructor(
    private readonly client: pg.PoolClient,
    private readonly nameOf: NameOf,
  ) {}

  /** Begins a transaction on a connection of the pool. */
  static async begin(pool: pg.Pool, nameOf: NameOf): Promise<Connection> {
    const client = await pool.connect();
    try {
      // Waited for: should it fail, what had been sent behind it would be committed by itself.
      await client.query('BEGIN');
    } catch (error) {
      client.release(true);
      throw error;
    }
    return new Connection(client, nameOf);
  }

  /** What a statement failed with that nobody waited for. Whatever was sent after it failed because of that. */
  get failure(): unknown {
    return this.failed;
  }

  send<Row extends object>(sql: Prisma.Sql, anew?: boolean): Promise<Result<Row>> {
    return this.query<Row>(prepared(sql, this.nameOf, anew));
  }

  /** Sends a statement with the next one, at the latest with the COMMIT, which its failure refuses. */
  defer(sql: Prisma.Sql): void {
    if (this.ended) throw transactionEnded();
    this.waiting.push(sql);
  }

  /** For Prisma, which writes its statements itself. */
  async query<Row extends object>(config: pg.QueryConfig): Promise<pg.QueryResult<Row>> {
    if (this.ended) throw transactionEnded();
    try {
      return await this.behindWaiting(() => this.client.query<Row>(config));
    } catch (error) {
      this.doubt(error);
      throw error;
    }
  }

  /** @throws what a deferred statement failed with; nothing is committed then */
  async commit(): Promise<void> {
    if (this.ended) throw transactionEnded();
    const { command } = await this.end(() =>
      this.behindWaiting(() => this.client.query(this.failed === undefined ? 'COMMIT' : 'ROLLBACK')),
    );
    if (this.failed !== undefined) throw this.failed as Error;
    // Somebody went on after a failure: PostgreSQL answers such a COMMIT kindly, and undoes everything.
    if (command !== 'COMMIT') throw new Error('Nothing was committed, because a statement of the transaction had failed.');
  }

  async rollback(): Promise<void> {
    if (!this.ended) await this.end(() => this.client.query('ROLLBACK'));
  }

  private async end(last: () => Promise<pg.QueryResult>): Promise<pg.QueryResult> {
    let broken = true;
    try {
      this.ended = true;
      const answer = await last();
      broken = false;
      return answer;
    } finally {
      this.client.release(broken || this.doubtful);
    }
  }

  /** What PostgreSQL did not say comes from the driver, which may take a statement for prepared from then on that is not: nobody gets the connection again. */
  private doubt(error: unknown): void {
    if (!(error instanceof pg.DatabaseError)) this.doubtful = true;
  }

  private behindWaiting<T>(send: () => T): T {
    if (this.waiting.length === 0) return send();
    const { stream } = this.client.connection;
    stream.cork();
    try {
      // The driver may say at once that it cannot send one, so that it never reaches PostgreSQL: then there is no COMMIT.
      for (const sql of this.waiting.splice(0))
        this.client.query(prepared(sql, this.nameOf), (error?: Error | null) => {
          if (!error) return;
          this.failed ??= error;
          this.doubt(error);
        });
      return send();
    } finally {
      stream.uncork();
    }
  }
}

/** As Prisma says it of its own transactions. */
function transactionEnded(): Error {
  const message = 'The transaction has ended: it took too long, or something was done with it that nobody waited for.';
  return new Prisma.PrismaClientKnownRequestError(message, { code: 'P2028', clientVersion: Prisma.prismaVersion.client });
}
