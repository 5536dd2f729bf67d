import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { AppError } from '#errors';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsInt, IsString, Max, MaxLength, ValidateNested } from 'class-validator';
import { IdPipe, InputPipe, OneOfPipe } from './validation.pipe.js';

class Line {
  @IsInt()
  @Max(99)
  quantity: number;
}

class PlaceDto {
  @IsString()
  @MaxLength(20)
  note: string;

  @IsArray()
  @ArrayMaxSize(3)
  @ValidateNested({ each: true })
  @Type(() => Line)
  lines: Line[];
}

class ListQuery {
  @IsString()
  q: string;
}

const pipe = new InputPipe();
const body = (value: unknown) => pipe.transform(value, { type: 'body', metatype: PlaceDto });
const GOOD = { note: 'at noon', lines: [{ quantity: 2 }] };

/** What the refusal says of each member; fails when there is none. */
async function refused(attempt: Promise<unknown>): Promise<[pointer: string, code: string][]> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw new Error(`not refused: ${String(error)}`);
  expect(error).toMatchObject({ kind: 'invalid', code: 'http/validation-failed' });
  return (error.fields ?? []).map(({ pointer, code }) => [pointer, code]);
}

function nested(depth: number): unknown {
  return depth === 0 ? 'x' : { a: nested(depth - 1) };
}

describe('a body', () => {
  it('becomes an instance of its DTO, to the last member', async () => {
    const dto = (await body(GOOD)) as PlaceDto;
    expect(dto).toBeInstanceOf(PlaceDto);
    expect(dto.lines[0]).toBeInstanceOf(Line);
    expect(dto).toEqual(GOOD);
  });

  it('is refused member by member, by JSON Pointer', async () => {
    expect(await refused(body({ note: 'x'.repeat(21), lines: [{ quantity: 1 }, { quantity: 100 }] }))).toEqual([
      ['/note', 'maxLength'],
      ['/lines/1/quantity', 'max'],
    ]);
  });

  it('is refused with members nobody declared, nested ones too', async () => {
    expect(await refused(body({ ...GOOD, isAdmin: true }))).toEqual([['/isAdmin', 'unknown']]);
    expect(await refused(body({ ...GOOD, lines: [{ quantity: 1, price: 0 }] }))).toEqual([['/lines/0/price', 'unknown']]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('is refused with %s, which every object inherits', async (name) => {
    expect(await refused(body(JSON.parse(`{"note":"a","lines":[],"${name}":{"isAdmin":true}}`)))).toEqual([[`/${name}`, 'unknown']]);
  });

  it('is refused with an array where an item of an array is due', async () => {
    expect(await refused(body({ ...GOOD, lines: [[{ quantity: 1 }]] }))).toEqual([['/lines/0', 'isObject']]);
  });

  it('is not converted: a text is no number', async () => {
    expect(await refused(body({ ...GOOD, lines: [{ quantity: '1' }] }))).toHaveLength(1);
  });

  it.each([[null], [[]], ['text'], [7], [true]])('is an object, not %j', async (value) => {
    await refused(body(value));
  });

  it('that is missing is an empty one', async () => {
    expect((await refused(body(undefined))).map(([pointer]) => pointer)).toEqual(['/note', '/lines']);
  });

  it.each([
    ['NUL', 'a\0b'],
    ['half a character', 'a\ud800'],
  ])('holds no %s, in values or in names', async (_, text) => {
    expect(await refused(body({ ...GOOD, note: text }))).toEqual([['/note', 'isText']]);
    await refused(body({ ...GOOD, [text]: 1 }));
  });

  it('is nested 64 levels at most', async () => {
    expect(await refused(body({ ...GOOD, deep: nested(70) }))).toEqual([['', 'maxDepth']]);
    expect(await refused(body({ ...GOOD, deep: nested(60) }))).toEqual([['/deep', 'unknown']]);
  });

  it('is pointed into as RFC 6901 asks', async () => {
    expect(await refused(body({ ...GOOD, 'a/b~c': 1 }))).toEqual([['/a~1b~0c', 'unknown']]);
    expect(await refused(body({ ...GOOD, '': [[]] }))).toEqual([['//0', 'isObject']]);
  });
});

describe('a body that is one of several', () => {
  class Circle {
    @IsIn(['circle'])
    kind: 'circle';
    @IsInt()
    radius: number;
  }
  class Square {
    @IsIn(['square'])
    kind: 'square';
    @IsInt()
    side: number;
  }
  const oneOf = (value: unknown) => new OneOfPipe('kind', { circle: Circle, square: Square }).transform(value);

  it('is held against the class that it names, and is an instance of that', async () => {
    expect(await oneOf({ kind: 'square', side: 2 })).toBeInstanceOf(Square);
    expect(await refused(oneOf({ kind: 'square', side: 'x' }))).toEqual([['/side', 'isInt']]);
    expect(await refused(oneOf({ kind: 'square', side: 2, radius: 1 }))).toEqual([['/radius', 'unknown']]);
  });

  it.each([[{}], [{ kind: 'line' }], [{ kind: 7 }], [{ kind: 'constructor' }], [{ kind: ['circle'] }], [undefined]])(
    'names one of them: %j does not',
    async (value) => {
      expect(await refused(oneOf(value))).toEqual([['/kind', 'isIn']]);
    },
  );
});

describe('a query', () => {
  const query = (value: unknown) => pipe.transform(value, { type: 'query', metatype: ListQuery });

  it('is refused by ?name', async () => {
    expect(await refused(query({ q: ['a', 'b'] }))).toEqual([['?q', 'isString']]);
    expect(await refused(query({ q: 'a', limti: '1' }))).toEqual([['?limti', 'unknown']]);
  });
});

describe('an id in the path', () => {
  const id = (value: string) => new IdPipe().transform(value, { type: 'param', data: 'id' });

  it('is taken in either case, and goes on in lower case', () => {
    expect(id('0199F3A1-7c1e-7b3a-9a4e-0d6f1c2b3a49')).toBe('0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49');
  });

  it.each([
    '',
    '1',
    '0199f3a17c1e7b3a9a4e0d6f1c2b3a49',
    '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a4g',
    '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49\n',
    '{0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49}',
  ])('is refused: %j', (value) => {
    expect(() => id(value)).toThrow(
      expect.objectContaining({ code: 'http/validation-failed', fields: [expect.objectContaining({ pointer: '/id' })] }),
    );
  });
});
