import pg from 'pg';
import type { Prisma } from '../generated/client.js';

export type Result<Row extends object> = Pick<pg.QueryResult<Row>, 'rows' | 'rowCount'>;
/** How a statement is sent. */
export interface Manner {
  /** To be planned for these very values, as those without a name are. */
  anew?: boolean;
  /** It changes nothing that would stay, were there no transaction around it. */
  looks?: boolean;
}
/** Sends statements straight to the driver. */
export type Send = <Row extends object>(sql: Prisma.Sql, manner?: Manner) => Promise<Result<Row>>;
/** The name under which PostgreSQL keeps a statement; undefined for one that it is to forget. */
export type NameOf = (sql: string) => string | undefined;

const MOST_STATEMENTS = 500;

/**
 * Names for the statements this process repeats, so that PostgreSQL parses each once a connection: for 500 at a time. Of those that have one,
 * the first that was not sent again since it was last passed over loses it to a new one (the clock of page replacement), so statements
 * that somebody makes up by many filters take no name from those that are sent all the time.
 */
export class StatementNames {
  private readonly names = new Map<string, { name: string; isUsed: boolean }>();
  private readonly alive = new Set<string>();
  private made = 0;
  /** How often a name had been lost when a connection was last looked through. */
  private readonly seen = new WeakMap<object, number>();

  of(sql: string): string {
    const known = this.names.get(sql);
    if (known !== undefined) {
      known.isUsed = true;
      return known.name;
    }
    if (this.names.size >= MOST_STATEMENTS) this.lose();
    const name = `ashlar_${this.made++}`;
    this.names.set(sql, { name, isUsed: false });
    this.alive.add(name);
    return name;
  }

  /** Has a connection forget what has lost its name, before anything else is sent on it. */
  forgetLost(client: pg.PoolClient): void {
    const lost = this.made - this.alive.size;
    if ((this.seen.get(client) ?? 0) === lost) return;
    this.seen.set(client, lost);
    const { parsedStatements } = client.connection as unknown as { parsedStatements: Record<string, string> };
    for (const name of Object.keys(parsedStatements)) {
      if (this.alive.has(name)) continue;
      delete parsedStatements[name];
      client.query(`DEALLOCATE "${name}"`, () => undefined); // should it not be there any more, that is as wanted
    }
  }

  private lose(): void {
    for (const [sql, known] of this.names) {
      this.names.delete(sql);
      if (!known.isUsed) return void this.alive.delete(known.name);
      this.names.set(sql, { ...known, isUsed: false });
    }
  }
}

const INT8 = 20;
/** As Prisma reads them: a bigint is a BigInt, not a text. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): unknown => (oid === INT8 ? BigInt : pg.types.getTypeParser(oid, format)),
};

/** A statement as the driver takes it. */
export function prepared({ text, values }: Prisma.Sql, nameOf: NameOf, anew = false): pg.QueryConfig {
  return { name: anew ? undefined : nameOf(text), text, values, types };
}
