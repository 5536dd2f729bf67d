import fc, { type Arbitrary } from 'fast-check';
import { INHERITED_NAMES } from '../harness/wire.js';
import { document, known, type Schema, valid, violations } from './arbitraries.js';

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}

export interface Operation {
  method: string;
  path: string;
  operationId: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: Schema; examples?: object }> }>;
}

const paths = document.paths as Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;

/** All there are. */
export const OPERATIONS: Operation[] = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    ...operation,
    method: method.toUpperCase(),
    path,
    parameters: operation.parameters ?? [],
  })),
);

export type Caller = 'anonymous' | 'customer' | 'admin';

/** A request before the names of what the test has (`{{users}}`) are replaced. */
export interface Draft {
  by: Caller;
  path: Record<string, string>;
  query: [string, string][];
  headers: Record<string, string>;
  /** What is sent as JSON. */
  payload?: string;
}

/** A request that is to be refused. */
export interface Wrongdoing {
  draft: Draft;
  /** The member at fault, as `errors` ought to name it; null where no member can be named. */
  pointer: string | null;
  statuses: number[];
}

/** A rule, and requests that break it and no other. */
export interface Offence {
  rule: string;
  requests: Arbitrary<Wrongdoing>;
}

/** Administrators come often: they may do everything, so that the input alone decides. */
const callers = fc.constantFrom<Caller>('anonymous', 'customer', 'customer', 'admin', 'admin', 'admin');
const bodyOf = ({ requestBody }: Operation): Schema | undefined => requestBody?.content['application/json']?.schema;
const write = (body: unknown) => JSON.stringify(body).replaceAll(/"\{\{=(\S+?)\}\}"/g, '$1');

/** `{id}` in `/posts/{id}` is a post; other parameters speak for themselves. */
const thingIn = (path: string, { name }: Parameter) => (/^id/.test(name) ? path.split(`/{${name}}`)[0]!.split('/').at(-1)! : name);
const isHeader = (text: string) => /^([!-~\xa1-\xff]([ -~\xa0-\xff]*[!-~\xa1-\xff])?)?$/.test(text);
/** Clients resolve the dots, an empty segment is another path, and beyond 500 characters the router knows none. */
const isSegment = (text: string) => !/^\.{0,2}$/.test(text) && encodeURIComponent(text).length <= 500;

/** Requests the document allows. */
export function allowed(operation: Operation): Arbitrary<Draft> {
  const of = (where: Parameter['in'], values: (parameter: Parameter) => Arbitrary<unknown>) => {
    const parameters = operation.parameters.filter((parameter) => parameter.in === where);
    const requiredKeys = parameters.filter(({ required }) => required).map(({ name }) => name);
    const record = Object.fromEntries(parameters.map((parameter) => [parameter.name, values(parameter)]));
    return fc
      .record(record, { requiredKeys })
      .map((members) => Object.entries(members).map(([name, value]) => [name, String(value)] as const));
  };
  const path = of('path', (parameter) => {
    const thing = fc.constant(known(thingIn(operation.path, parameter)));
    return fc.oneof({ weight: 9, arbitrary: thing }, { weight: 1, arbitrary: valid(parameter.schema) });
  });
  const query = of('query', ({ name, schema }) => valid(schema, name));
  const headers = of('header', ({ name, schema }) => valid({ pattern: '^[!-~]*$', ...schema }, name));
  const schema = bodyOf(operation);
  const body = schema === undefined ? fc.constant(undefined) : valid(schema);
  return fc.tuple(callers, path, query, headers, body).map(([by, path, query, headers, body]) => ({
    by,
    path: Object.fromEntries(path),
    query: query.map(([name, value]) => [name, value]),
    headers: Object.fromEntries(headers),
    ...(body !== undefined && { payload: write(body) }),
  }));
}

/** Turns allowed requests into offences. What `expected` does not say: the status is 400, and no member can be named. */
function offender(operation: Operation) {
  const drafts = allowed(operation);
  return <T>(
    rule: string,
    wrong: Arbitrary<T>,
    change: (draft: Draft, wrong: T) => Partial<Draft>,
    { at = () => null, statuses = [400] }: { at?: (wrong: T) => string | null; statuses?: number[] } = {},
  ): Offence => ({
    rule,
    requests: fc
      .tuple(drafts, wrong)
      .map(([draft, wrong]) => ({ draft: { ...draft, ...change(draft, wrong) }, pointer: at(wrong), statuses })),
  });
}

/** Every way of breaking one rule of the document, or of those that hold for all input. */
export function forbidden(operation: Operation): Offence[] {
  return [
    ...operation.parameters.flatMap((parameter) => wrongParameter(operation, parameter)),
    strangeQuery(operation),
    ...wrongBody(operation),
  ];
}

function wrongParameter(operation: Operation, { in: where, name, schema, required }: Parameter): Offence[] {
  const offence = offender(operation);
  const broken = violations(schema, true).map(({ rule, wrong }) => ({
    rule: `${where} ${name}: ${rule}`,
    text: wrong.map(({ value }) => String(value)),
  }));
  if (where === 'path') {
    const inPath = ({ path }: Draft, value: string) => ({ path: { ...path, [name]: value } });
    return broken
      .filter(({ rule }) => !rule.endsWith('too short'))
      .map(({ rule, text }) => offence(rule, text.filter(isSegment), inPath, { statuses: [400, 404] }));
  }
  if (where === 'header') {
    const inHeaders = ({ headers }: Draft, value: string) => ({ headers: { ...headers, [name]: value } });
    const missing = offence(`without ${name}`, fc.constant(name), ({ headers: { [name]: _, ...headers } }) => ({ headers }));
    return [
      ...broken.filter(({ rule }) => !rule.endsWith('no Unicode')).map(({ rule, text }) => offence(rule, text.filter(isHeader), inHeaders)),
      ...(required ? [missing] : []),
    ];
  }
  const inQuery = ({ query }: Draft, ...values: string[]) => ({
    query: [...query.filter(([other]) => other !== name), ...values.map((value): [string, string] => [name, value])],
  });
  const at = () => `?${name}`;
  const twice = fc.tuple(valid(schema), valid(schema));
  return [
    ...broken.map(({ rule, text }) => offence(rule, text, inQuery, { at })),
    offence(`query ${name}: twice`, twice, (draft, values) => inQuery(draft, ...values.map(String)), { at }),
  ];
}

function strangeQuery(operation: Operation): Offence {
  const declared = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const strange = fc
    .oneof(fc.stringMatching(/^[a-z]{1,9}(\[[a-z]{0,3}\])?$/), fc.constantFrom(...INHERITED_NAMES))
    .filter((name) => !declared.includes(name));
  return offender(operation)('a query member nobody declared', strange, ({ query }, name) => ({ query: [...query, [name, '1']] }), {
    at: (name) => `?${name}`,
  });
}

/** What a body may be where none is read. */
const NO_BODY: Schema = { type: ['object', 'null'], additionalProperties: false };
const GARBAGE = ['\0', '\ufeff', '\u2028', '}', ',', '//', '"', 'NaN', '{}', '\\ud800'];
const PROTOTYPES = ['"__proto__":{"a":1}', '"constructor":{"prototype":{"a":1}}', '"a":{"__proto__":null}'];
const MEDIA = ['application/jsonp', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '*/*', 'json'];

function wrongBody(operation: Operation): Offence[] {
  if (operation.method === 'GET') return [];
  const offence = offender(operation);
  const body = bodyOf(operation) ?? NO_BODY;
  const spoilt = <T>(rule: string, wrong: Arbitrary<T>, spoil: (json: string, wrong: T) => string) =>
    offence(rule, wrong, ({ payload = '{}' }, wrong) => ({ payload: spoil(payload, wrong) }));
  const withMember = (json: string, member: string) => `${json.slice(0, -1)}${json === '{}' ? '' : ','}${member}}`;
  const notAnObject = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.jsonValue()));
  const media = fc.oneof(fc.stringMatching(/^[a-z]{1,9}\/[a-z]{1,9}(\+json)?$/), fc.constantFrom(...MEDIA));
  const depth = fc.integer({ min: 66, max: 20_000 });
  return [
    ...violations(body).map(({ rule, wrong }) =>
      offence(`body, ${rule}`, wrong, (_, { value }) => ({ payload: write(value) }), { at: ({ pointer }) => pointer || null }),
    ),
    spoilt('a body cut off', fc.nat(), (json, n) => json.slice(0, 1 + (n % (json.length - 1)))),
    spoilt('a body with garbage after it', fc.constantFrom(...GARBAGE), (json, garbage) => json + garbage),
    spoilt('a body that is no object', notAnObject, (_, value) => JSON.stringify(value)),
    spoilt('a body nested too deeply', depth, (json, depth) => withMember(json, `"a":${'['.repeat(depth)}${']'.repeat(depth)}`)),
    spoilt('a body with a prototype', fc.constantFrom(...PROTOTYPES), withMember),
    offence(
      'a body of another type',
      media,
      ({ payload = '{}', headers }, type) => ({ payload, headers: { ...headers, 'content-type': type } }),
      {
        statuses: [415],
      },
    ),
  ];
}
