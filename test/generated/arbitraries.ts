import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc, { type Arbitrary } from 'fast-check';
import { WITH_ACME } from '../harness/identities.js';
import { type OpenApi, operationsOf, resolveIn, type Schema, validatorsOf } from '../contract/document.js';
import { INHERITED_NAMES } from '../harness/wire.js';

/** A value that breaks one rule of a schema; `pointer` names the member that does, null where no member can be named. */
interface Wrong {
  value: unknown;
  pointer: string | null;
}

/** A rule of a schema, and values that break it and no other. */
export interface Violation {
  rule: string;
  wrong: Arbitrary<Wrong>;
}

const document = JSON.parse(readFileSync(join(import.meta.dirname, '../../openapi.json'), 'utf8')) as OpenApi;
export const OPERATIONS = operationsOf(document);
export const validator = validatorsOf(document);
export const resolve = <T>(ref: string) => resolveIn<T>(document, ref);

/** `{{users}}` stands for something the test has; it is put in when the request is sent. */
export const known = (name: string) => `{{${name}}}`;
/** Stands for a number that JSON can write and no computer can hold. */
export const ENDLESS_NUMBER = '{{=1e400}}';

/** What a member ought to hold most of the time, if the call is to get anywhere; its schema cannot tell. */
const LIKELY: Record<string, Arbitrary<unknown>> = {
  postId: fc.constant(known('posts')),
  productId: fc.constant(known('products')),
  variantId: fc.constant(known('variants')),
  author: fc.constant(known('users')),
  owner: fc.constant(known('users')),
  coverFileId: fc.constant(known('images')),
  seriesId: fc.constant(known('series')),
  customer: fc.constant(known('users')),
  email: fc.constant(known('email')),
  password: fc.constant(known('password')),
  currentPassword: fc.constant(known('password')),
  newPassword: fc.constant('six yellow lanterns over water'),
  refreshToken: fc.constant(known('refreshToken')),
  locationId: fc.constant(known('locations')),
  cartId: fc.constant(known('carts')),
  // Where all that a variant of the test has lies.
  fromLocationId: fc.constant('01930000-0000-7000-8000-000000000001'),
  toLocationId: fc.constant(known('locations')),
  couponCode: fc.constant(known('couponCode')),
  cursor: fc.constant(known('cursor')),
  'Idempotency-Key': fc.constant(known('key')),
  'If-Match': fc.constantFrom('"1"', '"2"', '*'),
  permission: fc.constant('orders:read'),
  userId: fc.constant(known('users')),
  returnTo: fc.constant(WITH_ACME.OAUTH_RETURN_URLS),
  method: fc.constantFrom('sandbox:success', 'sandbox:decline'),
  consumer: fc.constant(known('consumer')),
  contentType: fc.constantFrom('text/plain', 'image/png'),
  token: fc.constant(known('token')),
  ticket: fc.constant(known('ticket')),
  expires: fc.constant(known('expires')),
  signature: fc.constant(known('signature')),
  'x-amz-checksum-sha256': fc.constant(known('checksum')),
  Range: fc.constantFrom('bytes=0-1', 'bytes=-2', 'bytes=9-', 'lines=1-2'),
};
/** Words of standards and of ours that are described, not listed. Each member takes those that its schema allows. */
const STANDARD: Record<string, readonly unknown[]> = {
  events: ['order.paid', 'order.*', 'post.published,session.*', ['post.trashed'], ['post.trashed', 'refund.*']],
  until: ['9999-12-30T00:00:00Z'],
  expiresAt: [new Date(Date.now() + 30 * 86_400_000).toISOString()],
  kind: ['free-shipping'],
  baseVersion: [1, 1, 2],
  against: [1],
  roles: [['customer'], ['editor'], ['support', 'customer']],
  country: ['GB', 'DE', 'JP', 'BR'],
  currency: ['EUR', 'EUR', 'EUR', 'JPY'],
  currencies: [[], ['EUR', 'JPY']],
  countries: [[], ['GB', 'DE']],
  timeZone: ['UTC', 'Europe/Amsterdam'],
  taxClass: ['standard', 'zero'],
  taxClasses: [
    ['standard', 'reduced', 'zero'],
    ['zero', 'standard'],
  ],
  url: ['https://hooks.invalid', 'https://hooks.invalid:8443/a?b=c', 'http://localhost/'],
};
/** Members that go with one value of another, which the schema does not tell. */
const ONLY_WITH: Record<string, [member: string, value: unknown]> = { percentage: ['kind', 'percentage'], amounts: ['kind', 'fixed'] };
/** Items of lists that are told apart by one of their members; JSON Schema cannot say so. */
const TOLD_APART_BY: Record<string, string> = { preferences: 'kind', amounts: 'currency', minimumSubtotals: 'currency' };

/** Members that may be left out in a case the schema does not tell: where the tokens are in cookies, say. */
const ALWAYS_GIVEN = ['refreshToken'];

const MADE_FOR = new Set(
  `$ref anyOf allOf not type enum format pattern minLength maxLength minimum maximum minItems maxItems uniqueItems maxProperties items
  properties required additionalProperties propertyNames description example default`.split(/\s+/),
);

/** A schema without references and choices; `null` is its own question. A keyword nobody thought of would go untested, and is refused. */
function plain(schema: Schema): Schema & { nullable: boolean } {
  const unknown = Object.keys(schema).filter((keyword) => !MADE_FOR.has(keyword));
  if (unknown.length > 0)
    throw new Error(`Nothing is generated for ${unknown.join()} in ${JSON.stringify(schema)}: teach it to this file.`);
  if (schema.$ref !== undefined) return plain(resolve(schema.$ref));
  const choices = schema.anyOf?.filter(({ type }) => type !== 'null') ?? schema.allOf;
  if (choices !== undefined) {
    if (choices.length > 1 && choices.every(({ type }) => type === 'string')) return { ...schema, type: 'string', nullable: false };
    if (choices.length !== 1) throw new Error(`Nothing is generated for the choice in ${JSON.stringify(schema)}: teach it to this file.`);
    return { ...plain(choices[0]!), ...(schema.anyOf && { nullable: schema.anyOf.length > 1 }) };
  }
  const types = [schema.type ?? 'object'].flat();
  return { ...schema, type: types.find((type) => type !== 'null')!, nullable: types.includes('null') };
}

const MOST_MISSES = 100_000;

/** `filter`, which goes on for ever where nothing passes: this says so instead. */
export function only<T>(values: Arbitrary<T>, passes: (value: T) => boolean, of: unknown): Arbitrary<T> {
  let misses = 0;
  return values.filter((value) => {
    misses = passes(value) ? 0 : misses + 1;
    if (misses > MOST_MISSES) throw new Error(`Nothing that is made passes for ${JSON.stringify(of)}: teach it to this file.`);
    return misses === 0;
  });
}

/** Values the schema allows; `name` is the member they are for. */
export function valid(schema: Schema, name = ''): Arbitrary<unknown> {
  if (schema.oneOf !== undefined) return fc.oneof(...schema.oneOf.map((choice) => valid(choice, name)));
  const rules = plain(schema);
  const [standard = [], likely] = [
    STANDARD[name]?.filter((value) => validator(schema)(value)),
    rules.type === 'string' ? LIKELY[name] : undefined,
  ];
  const any = standard.length > 0 ? fc.constantFrom(...standard) : ofType(rules, name);
  const value = likely === undefined ? any : fc.oneof({ weight: 7, arbitrary: likely }, { weight: 1, arbitrary: any });
  return rules.nullable ? fc.option(value, { freq: 4 }) : value;
}

function ofType(rules: Schema, name = ''): Arbitrary<unknown> {
  if (rules.enum !== undefined) return fc.constantFrom(...rules.enum.filter((value) => value !== null));
  const { minimum: min = -(2 ** 31), maximum: max = 2 ** 31, minItems: minLength = 0, maxItems = 100 } = rules;
  if (rules.anyOf !== undefined) return fc.oneof(...rules.anyOf.map((choice) => valid(choice)));
  const accepts = validator(rules);
  switch (rules.type) {
    case 'string':
      return only(text(rules), accepts, rules);
    case 'integer':
      return only(fc.oneof(fc.integer({ min, max }), fc.integer({ min, max: Math.min(max, min + 9) })), accepts, rules);
    case 'number':
      return only(fc.double({ min, max, noNaN: true }), accepts, rules);
    case 'boolean':
      return fc.boolean();
    case 'array':
      return distinct(rules.items!, minLength, Math.min(maxItems, minLength + 3), TOLD_APART_BY[name]);
    default:
      return object(rules);
  }
}

/** Items that stay different when case, space and composition are evened out; `by` is the member that tells them apart. */
const distinct = (items: Schema, minLength: number, maxLength: number, by?: string) => {
  const even = (_: string, value: unknown) =>
    typeof value === 'string' ? value.normalize('NFC').toLowerCase().replaceAll(/\s/g, '') : value;
  const identity = (item: unknown) => (by === undefined ? item : (item as Record<string, unknown>)[by]);
  return fc.uniqueArray(valid(items), { minLength, maxLength, selector: (item) => JSON.stringify(identity(item), even) });
};

function object({ properties = {}, required = [], additionalProperties = true, propertyNames, maxProperties }: Schema) {
  const members = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valid(schema, name)]));
  const given = ALWAYS_GIVEN.filter((name) => name in properties);
  const described = fc
    .record(members, { requiredKeys: [...new Set([...required, ...given])], noNullPrototype: true })
    .map((members: Record<string, unknown>) => Object.fromEntries(Object.entries(members).filter(([name]) => fits(name, members))));
  if (additionalProperties === false) return described;
  const other = typeof additionalProperties === 'object' ? valid(additionalProperties) : fc.string();
  const name = valid({ type: 'string', ...propertyNames }).filter((name) => !INHERITED_NAMES.includes(name as string)) as Arbitrary<string>;
  const more = fc.dictionary(name, other, { maxKeys: Math.min(3, maxProperties ?? 3), noNullPrototype: true });
  return fc.tuple(more, described).map(([more, described]) => ({ ...more, ...described }));
}

function fits(name: string, members: Record<string, unknown>): boolean {
  const [other, value] = ONLY_WITH[name] ?? [];
  return other === undefined || !(other in members) || members[other] === value;
}

/** Any code point that is a character; fast-check's own unit `binary` takes half a minute to set up. */
const character = fc
  .oneof(fc.integer({ min: 1, max: 0xff }), fc.integer({ min: 0x100, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((point) => String.fromCodePoint(point));
const texts = new Map<string, Arbitrary<string>>();

/** Unicode without NUL and lone surrogates, which no operation takes. */
function text(rules: Schema): Arbitrary<string> {
  const { format, pattern, minLength = 0, maxLength = 1_000 } = rules;
  if (format === 'uuid') return fc.uuid();
  if (format === 'email') return fc.emailAddress();
  if (format === 'date-time') return time;
  const key = `${pattern} ${minLength} ${maxLength}`;
  const made = texts.get(key);
  if (made !== undefined) return made;
  const accepts = validator({ type: 'string', pattern: pattern ?? '', minLength, maxLength });
  // Deep inside a body hardly anything but the shortest text is made.
  const shortest = Math.max(minLength, accepts('') ? 0 : 1);
  const lengths = { minLength: shortest, maxLength: Math.min(maxLength, shortest + 40) };
  const ways = ['grapheme' as const, character].map((unit) => ({ weight: 4, arbitrary: fc.string({ unit, ...lengths }) }));
  // fast-check knows neither lookaheads nor classes of Unicode; what is made without them is looked at again.
  const simpler = (pattern ?? '')
    .replace(/\(\?!.*?\)/g, '')
    .replaceAll('\\p{L}', 'a-zé日')
    .replace(/\\p\{[MN]\}/g, '0-9');
  const matching = new RegExp(simpler, 'u');
  if (pattern !== undefined) ways.push({ weight: 4, arbitrary: fc.stringMatching(matching, { maxLength }) });
  const longest = fc.constantFrom('x', 'x', 'é', '日', '😀').map((letter) => letter.repeat(maxLength));
  if (maxLength <= 2_000) ways.push({ weight: 1, arbitrary: longest });
  // A pattern that random text hardly ever matches is left to what is made from it.
  const hits = (way: Arbitrary<string>) => fc.sample(way, { numRuns: 20, seed: 1 }).filter((value) => accepts(value)).length;
  const likely = ways.filter(({ arbitrary }) => hits(arbitrary) > 5);
  const any = fc.oneof(...likely.map(({ weight, arbitrary }) => ({ weight, arbitrary: only(arbitrary, accepts, rules) })));
  texts.set(key, any);
  return any;
}

const date = fc.date({ min: new Date('0100-01-02'), max: new Date('9999-12-30'), noInvalidDate: true });
const time = fc
  .tuple(date, fc.constantFrom('Z', '+05:30', '-12:00'))
  .map(([date, offset]) => date.toISOString().replace('.000Z', 'Z').replace('Z', offset));

/** What may be written where a number is due, in a query. */
const NO_NUMBERS = ['', 'x', '1.5', '1e1', '0x1', 'NaN', 'Infinity', '1e400', '٣', '1,0', '--1', 'null', 'true', '99999999999999999999'];
const NO_TIMES = ['2030-02-30T00:00:00Z', '2030-01-01', '2030-01-01T08:00:00', '2030-01-01T24:00:01Z', '2030-13-01T00:00:00Z', 'now', '0'];
const NO_URLS = [
  '',
  '/',
  'example.org',
  '//example.org/',
  'ftp://example.org/',
  'javascript:alert(1)',
  'https://exämple.org/',
  'https://a b/',
];
const NO_ADDRESSES = ['ada', 'ada@', '@example.org', 'ada@example..org', 'ada lovelace@example.org', 'a@b@example.org', 'ada@exam_ple.org'];

/** The product's own rule for all text, NUL being what PostgreSQL cannot hold. */
const NO_TEXT = 'no Unicode';

/** The rules of a schema, each with values that break it. `asText`: for queries, headers and paths, which hold nothing but text. */
export function violations(schema: Schema, asText = false): Violation[] {
  if (schema.oneOf !== undefined) return schema.oneOf.flatMap((choice) => ofChoice(schema, choice));
  const rules = plain(schema);
  const accepts = validator(schema);
  const breaks = (rule: string, values: Arbitrary<unknown>): Violation => ({
    rule,
    wrong: only(values, (value) => asText || rule === NO_TEXT || !accepts(value), { breaking: rule, of: schema }).map((value) => ({
      value,
      pointer: '',
    })),
  });
  const { type, minItems = 0, maxItems, uniqueItems, minimum, maximum } = rules;
  const numeric = type === 'integer' || type === 'number';
  const found: Violation[] = [];
  const oddities = fc.constantFrom([[]], [{}], {}, '', 0.5, numeric ? ENDLESS_NUMBER : 1e308);
  if (!asText) found.push(breaks('another type', fc.oneof(fc.jsonValue(), oddities)));
  if (!asText && !rules.nullable) found.push(breaks('null', fc.constant(null)));
  if (asText && numeric) found.push(breaks('no number', fc.constantFrom(...NO_NUMBERS)));
  if (minimum !== undefined) found.push(breaks('too small', fc.integer({ min: minimum - 1e6, max: minimum - 1 })));
  if (maximum !== undefined) found.push(breaks('too large', fc.integer({ min: maximum + 1, max: maximum + 1e6 })));
  if (type === 'string') found.push(...textViolations(rules, asText).map(([rule, values]) => breaks(rule, values)));
  if (rules.not?.enum) found.push(breaks('excluded', fc.constantFrom(...rules.not.enum)));
  if (rules.items !== undefined) {
    const [item, few] = [valid(rules.items), distinct(rules.items, 0, 2)];
    const twins = item.map((item) => [item, item]);
    if (minItems > 0) found.push(breaks('too few', distinct(rules.items, 0, minItems - 1)));
    if (maxItems !== undefined) found.push(breaks('too many', distinct(rules.items, maxItems + 1, maxItems + 2)));
    if (uniqueItems) found.push(breaks('not unique', twins));
    for (const { rule, wrong } of violations(rules.items)) {
      const among = fc.tuple(wrong, few).map(([item, rest]) => within(item, '0', [item.value, ...rest]));
      found.push({ rule: `an item: ${rule}`, wrong: among });
    }
  }
  return type === 'object' ? [...found, ...memberViolations(rules)] : found;
}

/** What breaks one of several bodies, and is none of the others, either; a member that tells them apart names another when it is broken. */
function ofChoice(schema: Schema, choice: Schema): Violation[] {
  const accepts = validator(schema);
  const { required = [], properties = {} } = plain(choice);
  const apart = required.find((name) => properties[name]?.enum?.length === 1);
  return violations(choice).map(({ rule, wrong }) => ({
    rule: `${JSON.stringify(properties[apart!]?.enum)}: ${rule}`,
    wrong: only(wrong, ({ value }) => rule.endsWith(NO_TEXT) || !accepts(value), { breaking: rule, of: choice }),
  }));
}

const within = ({ pointer }: Wrong, name: string, value: unknown): Wrong => ({
  value,
  pointer: pointer === null ? null : `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}${pointer}`,
});

function textViolations(rules: Schema, asText: boolean): [string, Arbitrary<string>][] {
  const { minLength = 0, maxLength, pattern, format } = rules;
  const accepts = validator(rules);
  const spoilt = fc.constantFrom('\0', ...(asText ? [] : ['\ud800', '\udfff']));
  const any = fc.oneof(fc.string(), fc.string({ unit: character }), fc.constantFrom('', ' ', ...INHERITED_NAMES));
  const refused = only(any, (value) => !accepts(value), { breaking: rules });
  const found: [string, Arbitrary<string>][] = [];
  if (minLength > 0) found.push(['too short', fc.constantFrom('x', '日').map((letter) => letter.repeat(minLength - 1))]);
  if (maxLength !== undefined)
    found.push(['too long', fc.constantFrom('x', 'é', '1\ufe0f').map((letter) => letter.repeat(maxLength).slice(0, maxLength) + 'x')]);
  if (rules.enum ?? rules.anyOf) return [['none of the choices', refused], ...found];
  if (pattern !== undefined) found.push(['not of the pattern', refused]);
  if (format === 'uuid') found.push(['no id', refused]);
  if (format === 'email') found.push(['no address', fc.constantFrom(...NO_ADDRESSES)]);
  if (format === 'uri') found.push(['no URL', fc.constantFrom(...NO_URLS)]);
  if (format === 'date-time') found.push(['no time', fc.oneof(fc.constantFrom(...NO_TIMES), refused)]);
  return [...found, [NO_TEXT, fc.tuple(fc.string(), spoilt, fc.string()).map((parts) => parts.join(''))]];
}

const STRANGE_NAMES = ['', ...INHERITED_NAMES.filter((name) => name !== '__proto__')];

function memberViolations({ properties = {}, ...rules }: Schema): Violation[] {
  const whole = object({ properties, ...rules }) as Arbitrary<Record<string, unknown>>;
  const found: Violation[] = [];
  const add = (rule: string, name: Arbitrary<string>, wrong: Arbitrary<Wrong>) => {
    const among = fc.tuple(whole, name, wrong).map(([whole, name, wrong]) => within(wrong, name, { ...whole, [name]: wrong.value }));
    found.push({ rule, wrong: among });
  };
  for (const name of rules.required ?? [])
    found.push({ rule: `without ${name}`, wrong: whole.map(({ [name]: _, ...rest }) => ({ value: rest, pointer: `/${name}` })) });
  for (const [name, schema] of Object.entries(properties))
    for (const { rule, wrong } of violations(schema)) add(`${name}: ${rule}`, fc.constant(name), wrong);
  if (rules.additionalProperties === false) {
    const strange = fc.oneof(fc.stringMatching(/^[a-z][a-zA-Z~/_-]{0,9}$/), fc.constantFrom(...STRANGE_NAMES));
    const anything = fc.jsonValue().map((value) => ({ value, pointer: '' }));
    const undeclared = strange.filter((name) => !Object.hasOwn(properties, name));
    add('a member nobody declared', undeclared, anything);
  } else if (typeof rules.additionalProperties === 'object')
    for (const { rule, wrong } of violations(rules.additionalProperties)) add(`a member: ${rule}`, fc.constantFrom('a', 'b.c'), wrong);
  for (const { rule, wrong } of rules.propertyNames ? violations({ type: 'string', ...rules.propertyNames }, true) : []) {
    const among = fc.tuple(whole, wrong).map(([whole, { value }]) => ({ value: { ...whole, [value as string]: 'x' }, pointer: '' }));
    found.push({ rule: `a name: ${rule}`, wrong: among });
  }
  if (rules.maxProperties !== undefined) {
    const many = Object.fromEntries(Array.from({ length: rules.maxProperties + 1 }, (_, index) => [`m${index}`, 'x']));
    found.push({ rule: 'too many members', wrong: fc.constant({ value: many, pointer: '' }) });
  }
  return found;
}
