import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { templateUrl } from './run.js';

export interface TestDatabase {
  url: string;
  /** Ends its connections and removes it. */
  drop(): Promise<void>;
}

/** A migrated, empty database of one's own. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  const template = new URL(templateUrl()).pathname.slice(1);
  await administer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  return { url: named(name), drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** Runs one statement on a database, past the application. */
export async function query<Row extends object>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

async function administer(sql: string): Promise<void> {
  await query(named('postgres'), sql);
}

function named(database: string): string {
  const url = new URL(templateUrl());
  url.pathname = `/${database}`;
  return url.href;
}
