import pg from 'pg';

/** The last migration of the graphile-worker this build was made with; a test compares. */
export const WORKER_SCHEMA = 20;

const LOCK = 72707370;
const THERE = `SELECT to_regclass('graphile_worker.migrations') IS NOT NULL AS there`;
const STATE = `SELECT coalesce(max(id), 0) AS newest, coalesce(max(id) FILTER (WHERE breaking), 0) AS breaking FROM graphile_worker.migrations`;

/**
 * graphile-worker's functions call pg_notify in the caller's transaction, which makes PostgreSQL commit such transactions one after
 * another. They keep their own text but find, by their search path, a pg_notify that says nothing; workers are woken by a signal
 * after the commit instead (see `enqueue`).
 */
const NOISY = `pronamespace = 'graphile_worker'::regnamespace AND prosrc LIKE '%pg_notify(%' AND proname <> 'pg_notify'`;
const QUIET = `
CREATE OR REPLACE FUNCTION graphile_worker.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
DO $$
DECLARE noisy regprocedure;
BEGIN
  FOR noisy IN SELECT oid FROM pg_proc WHERE ${NOISY} LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = graphile_worker, pg_catalog, pg_temp', noisy);
  END LOOP;
END $$;`;

/** Runs one SQL text. */
type Query = <Row extends object>(sql: string) => Promise<Row[]>;

/** What keeps this build's workers from running on a database; undefined when nothing does. */
export async function workerSchemaFault(query: Query): Promise<'missing' | 'older' | 'newer' | undefined> {
  const [answer] = await query<{ there: boolean }>(THERE);
  if (!answer?.there) return 'missing';
  const [state] = await query<{ newest: number; breaking: number }>(STATE);
  if (state!.newest < WORKER_SCHEMA) return 'older';
  return state!.breaking > WORKER_SCHEMA ? 'newer' : undefined;
}

/**
 * Brings graphile-worker's own schema up to date, and says whether there was anything to do. Several processes may call it at once.
 * `url` must lead to PostgreSQL directly, not to a transaction pooler.
 */
export async function migrateWorker(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, application_name: 'ashlar migrations', connectionTimeoutMillis: 10_000 });
  // A lost connection also fails the statement that runs, and there it is reported.
  client.on('error', () => undefined);
  await client.connect();
  const query: Query = async <Row extends object>(sql: string) => (await client.query<Row>(sql)).rows;
  const outdated = async () => {
    const fault = await workerSchemaFault(query);
    if (fault === 'missing' || fault === 'older') return true;
    return (await query(`SELECT FROM pg_proc WHERE ${NOISY} AND proconfig IS NULL`)).length > 0;
  };
  try {
    if (!(await outdated())) return false;
    await client.query('SET statement_timeout = 0');
    await client.query(`SELECT pg_advisory_lock(${LOCK})`);
    if (!(await outdated())) return false;
    const { Logger, runMigrations } = await import('graphile-worker');
    await runMigrations({ connectionString: url, logger: new Logger(() => () => undefined) });
    await client.query(QUIET);
    return true;
  } finally {
    await client.end();
  }
}
