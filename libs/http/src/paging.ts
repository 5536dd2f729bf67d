import { Prisma } from '#database';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { invalidCursor } from './http.errors.js';
import { isId } from './validation.pipe.js';

/** A whole number as it stands in a query; anything else is left for the rule to refuse (`Number('')` would be 0). */
export const readInt = (value: unknown) =>
  typeof value === 'string' && /^-?\d{1,16}$/.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : value;

export const QueryInt = () => Transform(({ value }: { value: unknown }) => readInt(value));

/** What every list takes. */
export class ListQuery {
  /** How many items a page holds. */
  @ApiProperty({ required: false, type: 'integer', minimum: 1, maximum: 100, default: 20, description: 'How many items a page holds.' })
  @IsOptional()
  @QueryInt()
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 20;

  /** `nextCursor` of the page before. */
  @ApiProperty({ required: false, type: 'string', maxLength: 1000, description: '`nextCursor` of the page before, with the same `sort`.' })
  @IsOptional()
  @IsString()
  @MaxLength(1_000)
  cursor?: string;
}

/** A page of a list; `nextCursor` is null on the last one. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** A column to page by. `field` is the member the client names, ties are broken by id in the same direction. */
export interface Sort {
  field: string;
  descending: boolean;
}

/** Where a page begins: after the row with this value and id. */
export interface Position {
  value: string | number | Date;
  id: string;
}

/** `-createdAt` → by `createdAt`, descending. */
export function parseSort(sort: string): Sort {
  return sort.startsWith('-') ? { field: sort.slice(1), descending: true } : { field: sort, descending: false };
}

/**
 * The position a cursor names. Cursors are plain, not signed: their values are bound as parameters, and they show nothing the caller has
 * not been shown. `isOurs` knows the ids of the list's rows. @throws http/invalid-cursor
 */
export function readCursor(
  cursor: string | undefined,
  sort: string,
  kind: 'time' | 'text' | 'number',
  isOurs: (id: string) => boolean = isId,
): Position | null {
  if (cursor === undefined) return null;
  const refused = invalidCursor('The cursor is not one of this list with this sort; leave it out to begin again.');
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw refused;
  }
  if (!Array.isArray(parts) || parts.length !== 3) throw refused;
  const [of, value, id] = parts as unknown[];
  if (of !== sort || typeof id !== 'string' || !isOurs(id)) throw refused;
  if (kind === 'number' && typeof value === 'number' && Number.isSafeInteger(value)) return { value, id };
  if (kind === 'text' && typeof value === 'string' && !value.includes('\0') && value.isWellFormed()) return { value, id };
  if (kind === 'time' && typeof value === 'string' && isOurTime(value)) return { value: new Date(value), id };
  throw refused;
}

/** A time as we write them; PostgreSQL has no year 0. */
function isOurTime(text: string): boolean {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text && time.getUTCFullYear() > 0;
}

/** Cuts `limit + 1` rows to a page; the row too many tells that there is a next one. */
export function toPage<Row extends { id: string }, Item>(
  rows: Row[],
  query: { limit: number; sort: string },
  at: (row: Row) => Position['value'],
  shape: (row: Row) => Item,
): Page<Item> {
  const items = rows.slice(0, query.limit);
  const last = items.at(-1);
  const nextCursor =
    rows.length > query.limit && last ? Buffer.from(JSON.stringify([query.sort, at(last), last.id])).toString('base64url') : null;
  return { items: items.map(shape), nextCursor };
}

/** `where` and `orderBy` of a keyset page for Prisma's own queries; ask for `limit + 1` rows. */
export function keyset(sort: Sort, position: Position | null) {
  const beyond = sort.descending ? 'lt' : 'gt';
  const order = sort.descending ? ('desc' as const) : ('asc' as const);
  return {
    // The outer bound is implied by the alternatives; it lets PostgreSQL begin at the right place of the index.
    where: position
      ? {
          [sort.field]: { [`${beyond}e`]: position.value },
          OR: [{ [sort.field]: { [beyond]: position.value } }, { [sort.field]: position.value, id: { [beyond]: position.id } }],
        }
      : {},
    orderBy: [{ [sort.field]: order }, { id: order }],
  };
}

/** The same for SQL: a row comparison on `(column, id)` and the order. `column` and `id` are trusted SQL, never input. */
export function keysetSql(
  column: Prisma.Sql,
  id: Prisma.Sql,
  sort: Sort,
  position: Position | null,
): { after: Prisma.Sql; order: Prisma.Sql } {
  const direction = sort.descending ? Prisma.sql`DESC` : Prisma.sql`ASC`;
  const after = position
    ? Prisma.sql`AND (${column}, ${id}) ${sort.descending ? Prisma.sql`<` : Prisma.sql`>`} (${position.value}, ${position.id}::uuid)`
    : Prisma.empty;
  return { after, order: Prisma.sql`ORDER BY ${column} ${direction}, ${id} ${direction}` };
}
