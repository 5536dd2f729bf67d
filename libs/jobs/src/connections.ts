import { setTimeout as sleep } from 'node:timers/promises';
import { isRetryable, isUnavailable } from '#database';
import pg from 'pg';

const CONNECTIONS = 4; // graphile-worker listens on one, and fetches, reports and schedules on the others
const ASK_AGAIN_AFTER_MS = [50, 200, 1_000, 4_000];
const NOTHING = { command: '', rowCount: 0, oid: 0, fields: [], rows: [] } satisfies pg.QueryResult;

/**
 * The connections of one pool of workers. graphile-worker 0.18 does not survive one that breaks: it forgets the jobs whose fetch nobody
 * answered, gives up at the first report that it cannot write, does not always say that it has, and ends the process when what it had
 * fetched cannot be given back. So it never hears of it: what it asks is asked again, in the end answered with nothing, and `broken` is
 * resolved, for what it holds to be given back as a whole. Nor does it survive that PostgreSQL chooses one of its statements as the victim of
 * a deadlock with a transaction that enqueues jobs by their keys: that statement is asked again, too.
 */
export class WorkerConnections extends pg.Pool {
  /** Resolves when a connection has broken. */
  readonly broken: Promise<void>;
  private readonly tell: () => void;
  private opened: Promise<unknown> | undefined;

  constructor(url: string | undefined) {
    super({
      connectionString: url,
      application_name: 'ashlar-jobs',
      max: CONNECTIONS,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      statement_timeout: 30_000,
      query_timeout: 35_000,
      // Who has which job, and that one is done, need not outlive a crash of PostgreSQL: such a job runs again, as after any other crash.
      options: '-c synchronous_commit=off',
    });
    const broken = Promise.withResolvers<void>();
    [this.broken, this.tell] = [broken.promise, broken.resolve];
    // Unheard, the event would end the process.
    this.on('error', this.tell);
    this.on('connect', (client) => client.on('error', this.tell));
  }

  /** From now on graphile-worker's statements wait until `opened` has resolved; that it has not counts as a connection that broke. */
  hold(opened: Promise<unknown>): void {
    this.opened = opened;
    void opened.catch(this.tell);
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(then: (error: Error | undefined, client: pg.PoolClient | undefined, done: (release?: unknown) => void) => void): void;
  override connect(then?: Parameters<pg.Pool['connect']>[0]): Promise<pg.PoolClient> | void {
    if (then) return super.connect(then); // to listen, and for `query`
    if (!this.opened) return super.connect();
    // Nothing that it asks from then on needs more than one statement.
    const line = { query: (...query: [string]) => this.ask(query), release: () => undefined } as unknown as pg.PoolClient;
    return Promise.resolve(line);
  }

  private async ask(query: [string]): Promise<pg.QueryResult> {
    for (const ms of ASK_AGAIN_AFTER_MS) {
      try {
        await this.opened;
        return await this.query(...query);
      } catch (error) {
        if (this.ending) return NOTHING;
        if (!isUnavailable(error) && !isRetryable(error)) throw error;
        if (isUnavailable(error)) this.tell();
        await sleep(ms);
      }
    }
    this.tell();
    return NOTHING;
  }
}
