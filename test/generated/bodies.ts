import fc, { type Arbitrary } from 'fast-check';
import type { Operation, Schema } from '../contract/document.js';
import { form, type Part } from '../harness/uploads.js';
import { valid, violations } from './arbitraries.js';
import type { Draft } from './requests.js';

/** The body of a request, and what its Content-Type says. */
export type Body = Pick<Draft, 'payload' | 'type'>;

/** Bodies that break one rule; `body` is one the operation allows, for those that are made by spoiling it. */
export interface WrongBody {
  rule: string;
  bodies: (body: Arbitrary<Body>) => Arbitrary<Body & { pointer: string | null }>;
  statuses: number[];
}

const JSON_TYPE = 'application/json';
/** What a body may be where none is read. */
const NO_BODY: Schema = { type: ['object', 'null'], additionalProperties: false };
const GARBAGE = ['\0', '\ufeff', '\u2028', '}', ',', '//', '"', 'NaN', '{}', '\\ud800'];
const PROTOTYPES = ['"__proto__":{"a":1}', '"constructor":{"prototype":{"a":1}}', '"a":{"__proto__":null}'];
const MEDIA = ['application/jsonp', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '*/*', 'json'];

/** JSON, with the numbers that stand for themselves. */
export const write = (body: unknown) => JSON.stringify(body).replaceAll(/"\{\{=(\S+?)\}\}"/g, '$1');

/** The kinds of bodies there are, told by what the document says. A file is the only part of its form; other forms and bytes are not read. */
function kindOf({ requestBody }: Operation): { kind: 'none' | 'json' | 'file' | 'form' | 'bytes'; schema: Schema; types: string[] } {
  const content = requestBody?.content ?? {};
  const types = Object.keys(content);
  const [first] = types;
  const schema = content[JSON_TYPE]?.schema ?? (first === undefined ? NO_BODY : content[first]!.schema);
  if (first === undefined) return { kind: 'none', schema: NO_BODY, types };
  if (types.includes(JSON_TYPE)) return { kind: 'json', schema, types };
  if (types.includes('*/*')) return { kind: 'bytes', schema, types };
  const isFile = Object.values(schema.properties ?? {}).some(({ format }) => format === 'binary');
  return isFile ? { kind: 'file', schema, types } : { kind: 'form', schema: NO_BODY, types };
}

/** Bodies the document allows. */
export function bodiesOf(operation: Operation): Arbitrary<Body> {
  const { kind, schema, types } = kindOf(operation);
  switch (kind) {
    case 'none':
      return fc.constant({});
    case 'json':
      return valid(schema).map((body) => ({ payload: write(body), type: JSON_TYPE }));
    case 'file':
      return files(fieldOf(schema)).map((part) => formOf([part]));
    case 'form':
      return fc.oneof(
        fc.constant({}),
        fc.record({ payload: fc.constantFrom('', 'List-Unsubscribe=One-Click', 'a=b&a=b', '%ff'), type: fc.constantFrom(...types) }),
      );
    case 'bytes':
      return fc.record({
        payload: fc.oneof({ weight: 5, arbitrary: fc.constant('text') }, fc.string()),
        type: fc.constantFrom('text/plain', 'text/plain', 'text/plain', 'application/octet-stream'),
      });
  }
}

/** Every way in which a body breaks one rule of the document, or of those that hold for all bodies. */
export function wrongBodiesOf(operation: Operation): WrongBody[] {
  const { kind, schema, types } = kindOf(operation);
  if (operation.method === 'GET' || kind === 'bytes') return [];
  const others = fc
    .oneof(fc.stringMatching(/^[a-z]{1,9}\/[a-z]{1,9}(\+json)?$/), fc.constantFrom(...MEDIA))
    .filter((type) => !types.includes(type.split(';', 1)[0]!));
  const ofAnotherType: WrongBody = {
    rule: 'a body of another type',
    bodies: (body) => fc.tuple(body, others).map(([{ payload = '{}' }, type]) => ({ payload, type, pointer: null })),
    statuses: [415],
  };
  return [...(kind === 'file' ? wrongForms(fieldOf(schema)) : wrongJson(schema)), ofAnotherType];
}

const fieldOf = (schema: Schema) => Object.keys(schema.properties!)[0]!;
const files = (field: string): Arbitrary<Part> =>
  fc.record({
    field: fc.constant(field),
    name: fc.constantFrom('a.txt', 'A.TXT', 'note', 'été 日.txt', 'a-post.md'),
    type: fc.constant('text/plain'),
    bytes: fc.string({ unit: 'grapheme-ascii', minLength: 1 }),
  });

function formOf(parts: Part[]): { payload: string; type: string } {
  const { type, body } = form(parts, 'the-boundary');
  return { payload: body.toString('utf8'), type };
}

function wrongForms(field: string): WrongBody[] {
  const wrong = (rule: string, bodies: Arbitrary<Body>, pointer: string | null = null): WrongBody => ({
    rule,
    bodies: () => bodies.map((body) => ({ ...body, pointer })),
    statuses: [400],
  });
  const one = files(field);
  return [
    wrong(
      'a part nobody declared',
      one.map((part) => formOf([{ ...part, field: 'other' }])),
      '/other',
    ),
    wrong(
      'a field that is no file',
      one.map((part) => formOf([{ ...part, name: null }])),
    ),
    wrong(
      'two parts',
      fc.tuple(one, one).map((parts) => formOf(parts)),
    ),
    wrong('no part', fc.constant(formOf([]))),
    wrong(
      'a form cut off',
      fc.tuple(one, fc.nat()).map(([part, n]) => {
        const { payload, type } = formOf([part]);
        return { payload: payload.slice(0, n % (payload.length - 4)), type };
      }),
    ),
    wrong(
      'a form without a boundary',
      one.map((part) => ({ ...formOf([part]), type: 'multipart/form-data' })),
    ),
  ];
}

function wrongJson(schema: Schema): WrongBody[] {
  const spoilt = <T>(rule: string, wrong: Arbitrary<T>, spoil: (json: string, wrong: T) => string): WrongBody => ({
    rule,
    bodies: (body) =>
      fc.tuple(body, wrong).map(([{ payload, type }, wrong]) => ({
        payload: spoil(type === JSON_TYPE ? payload! : '{}', wrong),
        type: JSON_TYPE,
        pointer: null,
      })),
    statuses: [400],
  });
  const withMember = (json: string, member: string) => `${json.slice(0, -1)}${json === '{}' ? '' : ','}${member}}`;
  const notAnObject = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.jsonValue()));
  const depth = fc.integer({ min: 66, max: 20_000 });
  return [
    ...violations(schema).map(({ rule, wrong }): WrongBody => ({
      rule: `body, ${rule}`,
      bodies: () => wrong.map(({ value, pointer }) => ({ payload: write(value), type: JSON_TYPE, pointer: pointer || null })),
      statuses: [400],
    })),
    spoilt('a body cut off', fc.nat(), (json, n) => json.slice(0, 1 + (n % (json.length - 1)))),
    spoilt('a body with garbage after it', fc.constantFrom(...GARBAGE), (json, garbage) => json + garbage),
    spoilt('a body that is no object', notAnObject, (_, value) => JSON.stringify(value)),
    spoilt('a body nested too deeply', depth, (json, depth) => withMember(json, `"a":${'['.repeat(depth)}${']'.repeat(depth)}`)),
    spoilt('a body with a prototype', fc.constantFrom(...PROTOTYPES), withMember),
  ];
}
