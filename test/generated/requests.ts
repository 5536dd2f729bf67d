import fc, { type Arbitrary } from 'fast-check';
import type { Operation, Parameter } from '../contract/document.js';
import { INHERITED_NAMES } from '../harness/wire.js';
import { known, valid, violations } from './arbitraries.js';
import { bodiesOf, wrongBodiesOf } from './bodies.js';

export type Caller = 'anonymous' | 'customer' | 'admin';

/** A request before the names of what the test has (`{{users}}`) are replaced. */
export interface Draft {
  by: Caller;
  path: Record<string, string>;
  query: [string, string][];
  headers: Record<string, string>;
  payload?: string;
  /** The Content-Type of the payload. */
  type?: string;
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

/** `{id}` in `/posts/{id}` is a post; other parameters speak for themselves. */
const nounOf = (path: string, { name }: Parameter) => (/^id/.test(name) ? path.split(`/{${name}}`)[0]!.split('/').at(-1)! : name);
/** What has to be there before an operation can be called. */
export const nounsIn = ({ path, parameters }: Operation): string[] =>
  parameters.filter((parameter) => parameter.in === 'path').map((parameter) => nounOf(path, parameter));
const isHeader = (text: string) => /^([!-~\xa1-\xff]([ -~\xa0-\xff]*[!-~\xa1-\xff])?)?$/.test(text);
/** Clients resolve the dots, an empty segment is another path, and beyond 500 characters the router knows none. */
const isSegment = (text: string) => !/^\.{0,2}$/.test(text) && encodeURIComponent(text).length <= 500;

/** Members of a query that are given together or not at all, which OpenAPI cannot say. */
const TOGETHER = [['position', 'head']];
const whole = (query: (readonly [string, string])[]) => {
  const has = (name: string) => query.some(([other]) => other === name);
  return query.filter(([name]) => TOGETHER.every((names) => !names.includes(name) || names.every(has)));
};

/** Requests the document allows. */
export function allowed(operation: Operation): Arbitrary<Draft> {
  const of = (where: Parameter['in'], values: (parameter: Parameter) => Arbitrary<unknown>) => {
    const parameters = operation.parameters.filter((parameter) => parameter.in === where);
    const requiredKeys = parameters.filter(({ required }) => required).map(({ name }) => name);
    const record = Object.fromEntries(parameters.map((parameter) => [parameter.name, values(parameter)]));
    // Half of them have all there are: some go together.
    return fc
      .oneof(fc.record(record), fc.record(record, { requiredKeys }))
      .map((members) => Object.entries(members).map(([name, value]) => [name, String(value)] as const));
  };
  const path = of('path', (parameter) => {
    const thing = fc.constant(known(nounOf(operation.path, parameter)));
    return fc.oneof({ weight: 9, arbitrary: thing }, { weight: 1, arbitrary: valid(parameter.schema) });
  });
  const query = of('query', ({ name, schema }) => valid(schema, name));
  const headers = of('header', ({ name, schema }) => valid({ pattern: '^[!-~]*$', ...schema }, name));
  return fc.tuple(callers, path, query, headers, bodiesOf(operation)).map(([by, path, query, headers, body]) => ({
    by,
    path: Object.fromEntries(path),
    query: whole(query).map(([name, value]) => [name, value]),
    headers: Object.fromEntries(headers),
    ...body,
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
    // The key is looked at first, and must not be that of another call.
    const inPath = ({ path, headers }: Draft, value: string) => ({
      path: { ...path, [name]: value },
      headers: { ...headers, ...('Idempotency-Key' in headers && { 'Idempotency-Key': known('key') }) },
    });
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

function wrongBody(operation: Operation): Offence[] {
  const offence = offender(operation);
  const body = bodiesOf(operation);
  return wrongBodiesOf(operation).map(({ rule, bodies, statuses }) =>
    offence(rule, bodies(body), (_, { payload, type }) => ({ payload, type }), { at: ({ pointer }) => pointer, statuses }),
  );
}
