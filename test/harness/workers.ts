import { join } from 'node:path';
import { createDatabase, query } from './database.js';
import { type Product, startProcess } from './product.js';

const PROGRAM = join(import.meta.dirname, 'jobs.program.ts');

/** What a job of jobs.program.ts did. */
export interface EffectRow {
  number: number;
  pid: number;
  what: string;
}

/** A database with the jobs of jobs.program.ts, and processes that do them. */
export interface Workshop {
  sql<Row extends object = Record<string, unknown>>(text: string, ...values: unknown[]): Promise<Row[]>;
  start(env?: Record<string, string>): Promise<Product>;
  /** Enqueues this many jobs of a kind, numbered from 1. */
  add(name: string, count: number, ms: number, options?: { maxAttempts?: number }): Promise<void>;
  effects(): Promise<EffectRow[]>;
  /** How many jobs are in the queue. */
  left(): Promise<number>;
  drop: () => Promise<void>;
}

export async function aWorkshop(): Promise<Workshop> {
  const database = await createDatabase();
  const sql: Workshop['sql'] = (text, ...values) => query(database.url, text, values);
  await sql('CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, number int, pid int, what text)');
  await sql('CREATE TABLE ticks (at timestamptz DEFAULT now())');
  return {
    sql,
    start: (env = {}) => startProcess({ databaseUrl: database.url, program: PROGRAM, env }),
    add: async (name, count, ms, { maxAttempts = 12 } = {}) => {
      await sql(
        `SELECT count(*) FROM generate_series(1, $2::int) AS number,
          LATERAL graphile_worker.add_job($1, json_build_object('payload', json_build_object('number', number, 'ms', $3::int)), max_attempts => $4)`,
        name,
        count,
        ms,
        maxAttempts,
      );
    },
    effects: () => sql<EffectRow>('SELECT number, pid, what FROM effects ORDER BY id'),
    left: async () => (await sql<{ count: number }>('SELECT count(*)::int FROM graphile_worker.jobs'))[0]!.count,
    drop: () => database.drop(),
  };
}
