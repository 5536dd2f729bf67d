// Not by #database and #jobs: what migrates needs no client generated from the schema.
import { applyMigrations } from '../libs/database/src/migrations.js';
import { migrateWorker } from '../libs/jobs/src/schema.js';

/**
 * Brings a database to what this build needs: our migrations, and the schema of graphile-worker, which has migrations of its own. Returns
 * the names of what was applied. `url` must lead to PostgreSQL directly; several processes may do it at once. Throws MigrationError.
 */
export async function migrateDatabase(url: string): Promise<string[]> {
  const applied = await applyMigrations(url);
  return (await migrateWorker(url)) ? [...applied, 'graphile_worker'] : applied;
}
