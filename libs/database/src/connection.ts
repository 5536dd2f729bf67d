import pg from 'pg';
import { Prisma } from '../generated/client.js';
import { type Manner, type NameOf, prepared, type Result } from './statements.js';

/**
 * The one connection of a transaction, from its BEGIN to its COMMIT or ROLLBACK. Statements arrive at PostgreSQL in the order in which
 * they were sent, and it does each with all before it done. What is sent in one turn of the event loop goes out in one packet; statements
 * whose answer nobody needs wait for the next one.
 */
export class Connection {
  private begun: Promise<unknown> | undefined;
  /** Whether BEGIN has been answered. */
  private isOpen = false;
  /** Whether nothing was asked for yet but to look. */
  private onlyLooks = true;
  private waiting: Prisma.Sql[] = [];
  private corked = false;
  private ended = false;
  private failed: unknown;
  private doubtful = false;

  private constructor(
    private readonly client: pg.PoolClient,
    private readonly nameOf: NameOf,
  ) {}

  /** Takes a connection of the pool for a transaction, which begins with its first statement. */
  static async take(pool: pg.Pool, nameOf: NameOf): Promise<Connection> {
    return new Connection(await pool.connect(), nameOf);
  }

  /** What a statement failed with that nobody waited for. Whatever was sent after it failed because of that. */
  get failure(): unknown {
    return this.failed;
  }

  send<Row extends object>(sql: Prisma.Sql, { anew, looks }: Manner = {}): Promise<Result<Row>> {
    return this.query<Row>(prepared(sql, this.nameOf, anew), looks);
  }

  /** Sends a statement with the next one, at the latest with the COMMIT, which its failure refuses. */
  defer(sql: Prisma.Sql): void {
    if (this.ended) throw transactionEnded();
    this.onlyLooks = false;
    this.waiting.push(sql);
  }

  /** For Prisma, which writes its statements itself. */
  async query<Row extends object>(config: pg.QueryConfig, looks = false): Promise<pg.QueryResult<Row>> {
    if (this.ended) throw transactionEnded();
    this.onlyLooks &&= looks;
    const begun = this.begin();
    if (!this.isOpen && !this.onlyLooks) await begun;
    if (this.ended) throw transactionEnded();
    try {
      const answer = await this.behindWaiting(() => this.client.query<Row>(config));
      if (begun !== undefined) await begun;
      return answer;
    } catch (error) {
      this.doubt(error);
      throw error;
    }
  }

  /** @throws what a deferred statement failed with; nothing is committed then */
  async commit(): Promise<void> {
    if (this.ended) throw transactionEnded();
    if (this.begun === undefined && this.waiting.length === 0) return this.leave();
    await this.begin();
    if (this.ended) throw transactionEnded(); // meanwhile, as it took too long
    const { command } = await this.end(() =>
      this.behindWaiting(() => this.client.query(this.failed === undefined ? 'COMMIT' : 'ROLLBACK')),
    );
    if (this.failed !== undefined) throw this.failed as Error;
    // Somebody went on after a failure: PostgreSQL answers such a COMMIT kindly, and undoes everything.
    if (command !== 'COMMIT') throw new Error('Nothing was committed, because a statement of the transaction had failed.');
  }

  async rollback(): Promise<void> {
    if (this.ended) return;
    if (this.begun === undefined) this.leave();
    else await this.end(() => this.client.query('ROLLBACK'));
  }

  /**
   * Sends BEGIN with the first statement. What changes anything waits for its answer: should BEGIN fail, it would be committed by itself.
   * A look goes out with it.
   */
  private begin(): Promise<unknown> | undefined {
    if (this.isOpen) return undefined;
    if (this.begun === undefined) {
      this.begun = this.inOnePacket(() => this.client.query('BEGIN')).then(
        () => (this.isOpen = true),
        (error: unknown) => {
          this.doubtful = true;
          throw error;
        },
      );
      this.begun.catch(() => undefined); // a look that went with it may fail first, and say so
    }
    return this.begun;
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

  private leave(): void {
    this.ended = true;
    this.client.release();
  }

  /** What PostgreSQL did not say comes from the driver, which may take a statement for prepared from then on that is not: nobody gets the connection again. */
  private doubt(error: unknown): void {
    if (!(error instanceof pg.DatabaseError)) this.doubtful = true;
  }

  private behindWaiting<T>(send: () => T): T {
    return this.inOnePacket(() => {
      // The driver may say at once that it cannot send one, so that it never reaches PostgreSQL: then there is no COMMIT.
      for (const sql of this.waiting.splice(0))
        this.client.query(prepared(sql, this.nameOf), (error?: Error | null) => {
          if (!error) return;
          this.failed ??= error;
          this.doubt(error);
        });
      return send();
    });
  }

  /** With whatever else is sent in this turn: a packet costs both sides more than many a statement. */
  private inOnePacket<T>(send: () => T): T {
    const { stream } = this.client.connection;
    if (!this.corked) {
      this.corked = true;
      stream.cork();
      process.nextTick(() => {
        this.corked = false;
        stream.uncork();
      });
    }
    return send();
  }
}

/** As Prisma says it of its own transactions. */
function transactionEnded(): Error {
  const message = 'The transaction has ended: it took too long, or something was done with it that nobody waited for.';
  return new Prisma.PrismaClientKnownRequestError(message, { code: 'P2028', clientVersion: Prisma.prismaVersion.client });
}
