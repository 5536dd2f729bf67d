import { describe, expect, it } from '@jest/globals';
import { keyset, keysetSql, parseSort, readCursor, readInt, toPage } from './paging.js';
import { Prisma } from '#database';

const ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
const TIME = new Date('2026-03-01T10:00:00.000Z');
const cursorOf = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');
const rows = (count: number) => Array.from({ length: count }, (_, n) => ({ id: ID.slice(0, -1) + n, at: new Date(TIME.getTime() - n) }));
const page = (count: number, limit: number) =>
  toPage(
    rows(count),
    { limit, sort: '-createdAt' },
    ({ at }) => at,
    ({ id }) => id,
  );

describe('a page', () => {
  it('holds as many items as were asked for, and leads to the next', () => {
    const { items, nextCursor } = page(4, 3);
    expect(items).toEqual(rows(3).map(({ id }) => id));
    expect(readCursor(nextCursor!, '-createdAt', 'time')).toEqual({ value: rows(3)[2]!.at, id: rows(3)[2]!.id });
  });

  it('is the last when no row is too many', () => {
    expect(page(3, 3).nextCursor).toBeNull();
    expect(page(0, 3)).toEqual({ items: [], nextCursor: null });
  });
});

describe('a whole number in a query', () => {
  it.each(['0', '-7', '9007199254740991'])('is %s', (text) => expect(readInt(text)).toBe(Number(text)));

  it.each(['', ' ', '1.5', '1e3', '0x1', '9007199254740993', '99999999999999999999'])('is not %j', (text) =>
    expect(readInt(text)).toBe(text),
  );
});

describe('a cursor', () => {
  it('is not needed to begin', () => {
    expect(readCursor(undefined, '-createdAt', 'time')).toBeNull();
  });

  it.each([
    ['time', TIME.toISOString(), TIME],
    ['text', 'Ünïcode "quoted"', 'Ünïcode "quoted"'],
    ['number', 1999, 1999],
  ] as const)('keeps a %s', (kind, written, value) => {
    expect(readCursor(cursorOf(['name', written, ID]), 'name', kind)).toEqual({ value, id: ID });
  });

  it.each([
    ['no base64', '%%%'],
    ['no JSON', Buffer.from('[1,').toString('base64url')],
    ['no list', cursorOf({ id: ID })],
    ['too short', cursorOf(['-createdAt', TIME])],
    ['too long', cursorOf(['-createdAt', TIME, ID, ID])],
    ['of another sort', cursorOf(['createdAt', TIME, ID])],
    ['without an id', cursorOf(['-createdAt', TIME, 'x'])],
    ['with an object for an id', cursorOf(['-createdAt', TIME, { not: ID }])],
    ['with an object for a value', cursorOf(['-createdAt', { gt: TIME }, ID])],
    ['with a number for a time', cursorOf(['-createdAt', 0, ID])],
    ['with a time that is none', cursorOf(['-createdAt', '2026-13-01T00:00:00.000Z', ID])],
    ['with a year PostgreSQL does not know', cursorOf(['-createdAt', '0000-01-01T00:00:00.000Z', ID])],
  ])('is refused when it is %s', (_, cursor) => {
    expect(() => readCursor(cursor, '-createdAt', 'time')).toThrow(expect.objectContaining({ code: 'http/invalid-cursor' }));
  });

  it.each([
    ['text', 'a\0b'],
    ['text', '\ud800'],
    ['text', 7],
    ['number', '7'],
    ['number', 0.5],
    ['number', 2 ** 60],
  ] as const)('is refused when it holds no %s: %j', (kind, value) => {
    expect(() => readCursor(cursorOf(['name', value, ID]), 'name', kind)).toThrow(expect.objectContaining({ code: 'http/invalid-cursor' }));
  });
});

describe('a keyset', () => {
  const position = { value: TIME, id: ID };

  it('reads the direction from the sort', () => {
    expect(parseSort('-createdAt')).toEqual({ field: 'createdAt', descending: true });
    expect(parseSort('name')).toEqual({ field: 'name', descending: false });
  });

  it('begins at the first row, and orders ties by id in the same direction', () => {
    expect(keyset(parseSort('-createdAt'), null)).toEqual({ where: {}, orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] });
    expect(keyset(parseSort('name'), null)).toEqual({ where: {}, orderBy: [{ name: 'asc' }, { id: 'asc' }] });
  });

  it('goes on after the row of the cursor, not with it', () => {
    expect(keyset(parseSort('-createdAt'), position).where).toEqual({
      createdAt: { lte: TIME },
      OR: [{ createdAt: { lt: TIME } }, { createdAt: TIME, id: { lt: ID } }],
    });
    expect(keyset(parseSort('createdAt'), position).where).toEqual({
      createdAt: { gte: TIME },
      OR: [{ createdAt: { gt: TIME } }, { createdAt: TIME, id: { gt: ID } }],
    });
  });

  it('binds the values of the cursor in SQL', () => {
    const columns = [Prisma.sql`p.created_at`, Prisma.sql`p.id`] as const;
    const { after, order } = keysetSql(...columns, parseSort('-createdAt'), position);
    expect(after.sql.replace(/\s+/g, ' ')).toBe('AND (p.created_at, p.id) < (?, ?::uuid)');
    expect(after.values).toEqual([TIME, ID]);
    expect(order.sql).toBe('ORDER BY p.created_at DESC, p.id DESC');
    expect(keysetSql(...columns, parseSort('createdAt'), position).after.sql).toContain('(p.created_at, p.id) > (');
    expect(keysetSql(...columns, parseSort('createdAt'), null).after.sql).toBe('');
  });
});
