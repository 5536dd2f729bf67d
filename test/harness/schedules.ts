import { query } from './database.js';

/** Has a schedule fire now, as if its time had come. */
export async function fire(databaseUrl: string, name: string): Promise<void> {
  await query(databaseUrl, 'SELECT graphile_worker.add_job($1, queue_name => $1, job_key => $1)', [name]);
}
