import type { Readable } from 'node:stream';
import type { Db, Tx } from '#database';

/** Somebody who is about to be erased: the address is known for the last time. */
export interface Person {
  id: string;
  email: string;
}

/** One file of somebody's export: rows become a JSON array, bytes stay what they are. */
export type ExportedFile = { name: string; about: string } & ({ rows: AsyncIterable<object> } | { bytes: Readable });

/**
 * What a feature holds about a person. A provider that extends this class is found at the start: it needs no registration beyond its
 * module's `providers`. Every table that points at a person belongs to exactly one.
 */
export abstract class PersonalData {
  /** What it is called in the progress of an erasure; never changes. */
  abstract readonly name: string;
  /** The tables it answers for, as the database calls them. */
  abstract readonly tables: readonly string[];

  /** All of it for the person: everything but secrets and what can be computed from the rest. */
  abstract export(userId: string, db: Db): AsyncIterable<ExportedFile>;

  /**
   * Removes or anonymises it, soon after the request, in a transaction of its own; called again until it no longer answers `more`, and once
   * more later, for what was still being written meanwhile. May be repeated at any time: what is gone stays gone.
   */
  abstract erase(userId: string, db: Tx): Promise<'more' | void>;

  /** What cannot wait, in the transaction of the request: whatever lets the person in, or keeps a name from being used again. */
  close?(person: Person, db: Tx): Promise<void>;
}

/** Rows that may be many, read page by page: each begins after the `last` of the one before. */
export async function* paged<Row extends object>(page: (last: Row | undefined) => Promise<Row[]>): AsyncGenerator<Row> {
  let last: Row | undefined;
  do {
    const rows = await page(last);
    yield* rows;
    last = rows.at(-1);
  } while (last !== undefined);
}

/** Rows that are few, as they are. */
export async function* few<Row extends object>(rows: Promise<Row[]>): AsyncGenerator<Row> {
  yield* await rows;
}
