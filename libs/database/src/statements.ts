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

/** Names for the statements this process repeats, so that PostgreSQL parses each once a connection. What comes after the first 500 has none. */
export function statementNames(): NameOf {
  const names = new Map<string, string>();
  return (sql) => {
    const known = names.get(sql);
    if (known !== undefined || names.size >= MOST_STATEMENTS) return known;
    const name = `ashlar_${names.size}`;
    names.set(sql, name);
    return name;
  };
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
