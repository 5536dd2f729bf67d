import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc, { type Arbitrary } from 'fast-check';
import { startApp, type TestApp } from '../harness/app.js';
import type { Answer } from '../harness/client.js';
import { aPost, aProduct, aSession, aUser, PASSWORD, type Person, unique } from '../harness/people.js';
import { type Product, startProcess, stopProcesses } from '../harness/product.js';
import type { UploadResponse } from '../../src/files/uploads.dto.js';
import { exchange, sha256, upload } from '../harness/uploads.js';
import { resolve, validator } from './arbitraries.js';
import { allowed, type Caller, type Draft, forbidden, type Operation, OPERATIONS, type Wrongdoing } from './requests.js';

const SEED = 20_260_101;
const RUNS_OF_WHAT_IS_ALLOWED = 60;
const RUNS_OF_EACH_RULE = 5;
const MOST_SHRINKING = 150;

let app: TestApp;
let product: Product;
let people: Record<Exclude<Caller, 'anonymous'>, Person>;

beforeAll(async () => {
  app = await startApp();
  product = await startProcess({ databaseUrl: app.databaseUrl, env: { RATE_LIMIT: 'off', JWT_ACCESS_TTL_SECONDS: '3600' } });
  people = { customer: await aUser(app), admin: await aUser(app, { roles: ['admin'] }) };
  for (const by of [people.customer, people.admin, people.customer, people.admin])
    for (const name of ['posts', 'orders']) await THINGS[name]!(by, NO_CALL);
});

afterAll(async () => {
  await stopProcesses();
  await app?.close();
});

/** The call a thing is made for. */
interface Purpose {
  operationId: string;
  target: string;
  query: Draft['query'];
}
const NO_CALL: Purpose = { operationId: '', target: '', query: [] };

type Thing = (by: Person, purpose: Purpose) => Promise<string> | string;

/** What paths and members name, made for whoever calls. A noun in a path that has no line here fails its operation. */
const THINGS: Record<string, Thing> = {
  users: async () => (await aUser(app)).id,
  sessions: async (by) => (await aSession(app, by.id)).sessionId,
  posts: async (by, { operationId }) => {
    const { id } = await aPost(app, by, { published: true, tags: ['engines'] });
    if (operationId === 'posts.restore') await product.request('DELETE', `posts/${id}`, { token: by.accessToken });
    return id;
  },
  products: async () => (await aProduct(app, { by: people.admin })).id,
  variants: async () => (await aProduct(app, { stock: 1_000_000_000, by: people.admin })).variants[0]!.id,
  orders: async (by) => {
    const body = { items: [{ variantId: await THINGS['variants']!(by, NO_CALL), quantity: 1 }] };
    const headers = { 'idempotency-key': unique() };
    return (await product.request<{ id: string }>('POST', 'orders', { token: by.accessToken, headers, body })).body.id;
  },
  files: async (by) => (await upload(product, by, { name: 'a.txt', type: 'text/plain', bytes: 'text' })).body.id,
  uploads: async (by) => {
    const body = { name: 'a.txt', contentType: 'text/plain', size: 4, sha256: sha256('text') };
    const begun = await product.request<UploadResponse>('POST', 'files/uploads', { token: by.accessToken, body });
    await exchange(product, 'PUT', begun.body.url, { body: Buffer.from('text'), headers: begun.body.headers });
    return begun.body.id;
  },
  endpoints: async ({ accessToken: token }) => {
    const body = { url: 'https://hooks.invalid/', events: ['*'] };
    return (await product.request<{ id: string }>('POST', 'webhooks/endpoints', { token, body })).body.id;
  },
  deliveries: async (by) => {
    const { accessToken: token } = by;
    const path = `webhooks/endpoints/${await THINGS['endpoints']!(by, NO_CALL)}/test`;
    return (await product.request<{ delivery: { id: string } }>('POST', path, { token, body: {} })).body.delivery.id;
  },
  'api-keys': async ({ accessToken: token }) =>
    (await product.request<{ id: string }>('POST', 'auth/api-keys', { token, body: { name: 'x', scopes: [] } })).body.id,
  name: async () => {
    const body = { name: `r-${unique()}`, permissions: [] };
    return (await product.request<{ name: string }>('POST', 'roles', { token: people.admin.accessToken, body })).body.name;
  },
  module: () => 'products',
  what: () => 'out-of-stock',
  key: () => unique(),
  email: ({ email }, { operationId }) => (operationId === 'auth.register' ? `n-${unique()}@example.org` : email),
  password: () => PASSWORD,
  refreshToken: ({ refreshToken }) => refreshToken,
  cursor: async ({ accessToken: token }, { target, query }) => {
    const search = new URLSearchParams([['limit', '1'], ...query.filter(([name]) => name === 'sort')]);
    const page = await product.request<{ nextCursor?: string | null }>('GET', `${target}?${search.toString()}`, { token });
    return page.body.nextCursor ?? 'none';
  },
};
const kept = new Map<string, Promise<string> | string>();

/** Puts in what a draft names; `anew` what the call may change or end. */
async function fillIn(text: string, by: Person, purpose: Purpose, anew: boolean): Promise<string> {
  let filled = text;
  for (const [placeholder, name] of text.matchAll(/\{\{(\w+)\}\}/g)) {
    const make = THINGS[name!];
    if (make === undefined)
      throw new Error(`The test has no "${name}" to put into a call of ${purpose.operationId}: say in THINGS how one is made.`);
    const key = `${purpose.operationId} ${name} ${by.id}`;
    const thing = (anew || name === 'cursor' ? undefined : kept.get(key)) ?? make(by, purpose);
    kept.set(key, thing);
    filled = filled.replace(placeholder, await thing);
  }
  return filled;
}

interface Exchange {
  answer: Answer<unknown>;
  /** The request, as a command that repeats it. */
  curl: string;
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** `anew`: on people and things of its own. */
async function send(operation: Operation, { by, path, query, headers, payload }: Draft, anew: boolean): Promise<Exchange> {
  const personal = anew && /^\/api\/v1\/(auth|users\/me)\b/.test(operation.path);
  const roles = by === 'admin' ? ['admin' as const] : undefined;
  const person = personal ? await aUser(app, { roles }) : people[by === 'anonymous' ? 'customer' : by];
  const purpose = { operationId: operation.operationId, target: operation.path, query };
  const put = (text: string) => fillIn(text, person, purpose, anew);
  for (const [name, value] of Object.entries(path))
    purpose.target = purpose.target.replace(`{${name}}`, encodeURIComponent(await put(value)));
  const search = await Promise.all(query.map(async ([name, value]) => [name, await put(value)].map(encodeURIComponent).join('=')));
  const target = search.length > 0 ? `${purpose.target}?${search.join('&')}` : purpose.target;
  const body = payload === undefined ? undefined : await put(payload);
  const sent: Record<string, string> = {
    ...(by !== 'anonymous' && { authorization: `Bearer ${person.accessToken}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  for (const [name, value] of Object.entries(headers)) sent[name] = await put(value);
  const answer = await product.request<unknown>(operation.method, target, { body, headers: sent });
  const options = Object.entries(sent).map(([name, value]) => ` -H ${quoted(`${name}: ${value.replace(/^Bearer .*/, `Bearer <${by}>`)}`)}`);
  const data = body === undefined ? '' : ` --data-binary ${quoted(body.slice(0, 2_000))}`;
  return { answer, curl: `curl -X ${operation.method} ${quoted(product.url + target)}${options.join('')}${data}` };
}

/** What is wrong with an answer, whatever was asked. */
function faultsOf(operation: Operation, { status, headers, body, text }: Answer<unknown>): string[] {
  const response = operation.responses[String(status)];
  if (response === undefined) return [`the status ${status} is not documented`];
  const { content } = response.$ref === undefined ? response : resolve<typeof response>(response.$ref);
  const faults = status >= 500 ? ['it broke'] : [];
  if (content === undefined) return text === '' ? faults : [...faults, 'it says what is not documented'];
  const type = headers['content-type'];
  const media = Object.keys(content).find((media) => type === media || type?.startsWith(`${media};`));
  if (media === undefined) return [...faults, `the media type ${type} is not documented`];
  const { schema, examples = {} } = content[media]!;
  const validate = validator(schema, true);
  if (media.endsWith('json') && !validate(body)) faults.push(`the body is not as documented: ${JSON.stringify(validate.errors)}`);
  if (status < 400) return faults;
  const { code, status: own } = body as { code: string; status: number };
  if (media !== 'application/problem+json') faults.push('it is no problem document');
  if (!Object.keys(examples).includes(code)) faults.push(`the code ${code} is not documented for it`);
  if (own !== status) faults.push(`it gives its own status as ${own}`);
  return faults;
}

const REFUSALS_OF_INPUT = ['http/validation-failed', 'http/malformed-body', 'idempotency/key-malformed', 'idempotency/key-required'];

/** What is wrong with the answer to an allowed request. */
function faultsOfGrant(operation: Operation, answer: Answer<unknown>): string[] {
  const { code } = (answer.body ?? {}) as { code?: string };
  return [...faultsOf(operation, answer), ...(REFUSALS_OF_INPUT.includes(code!) ? ['it refuses what the document allows'] : [])];
}

/** What is wrong with the answer to a forbidden request. Only to an administrator nothing else can be refused. */
function faultsOfRefusal(operation: Operation, answer: Answer<unknown>, { draft, pointer, statuses }: Wrongdoing): string[] {
  const { code, errors = [] } = (answer.body ?? {}) as { code?: string; errors?: { pointer: string }[] };
  const faults = faultsOf(operation, answer);
  if (answer.status < 400) faults.push('it accepts what the document forbids');
  else if (draft.by === 'admin' && !statuses.includes(answer.status))
    faults.push(`it is refused with ${answer.status} ${code}, not ${statuses.join(' or ')}`);
  const names = (named: string) =>
    named === pointer || (named !== '' && (pointer?.startsWith(`${named}/`) || named.startsWith(`${pointer}/`)));
  if (code === 'http/validation-failed' && pointer !== null && !errors.some((error) => names(error.pointer)))
    faults.push(`its errors do not name ${pointer}`);
  return faults;
}

/** The smallest request found that is answered wrongly, told so that it can be repeated; nothing when all are answered rightly. */
async function counterexample<T>(
  rule: string,
  requests: Arbitrary<T>,
  numRuns: number,
  ask: (request: T) => Promise<Exchange & { faults: string[] }>,
): Promise<string[]> {
  let left = Infinity;
  const property = fc.asyncProperty(requests, async (request) => {
    if (left-- <= 0) return;
    const { answer, curl, faults } = await ask(request);
    if (faults.length === 0) return;
    left = Math.min(left, MOST_SHRINKING);
    throw new Error(`${faults.join('; ')}\n  ${curl}\n  ${answer.status} ${answer.text.slice(0, 1_000)}`);
  });
  const run = await fc.check(property, { seed: SEED, numRuns });
  if (!run.failed) return [];
  const { message } = run.errorInstance as Error;
  return [`${rule}: ${message}\n  (seed ${run.seed}, path ${run.counterexamplePath}, shrunk ${run.numShrinks} times)`];
}

/** Sends what the document allows. @returns the answers that are wrong, and how many requests were granted */
async function askAllowed(operation: Operation): Promise<{ wrong: string[]; granted: number }> {
  let granted = 0;
  const wrong = await counterexample('allowed', allowed(operation), RUNS_OF_WHAT_IS_ALLOWED, async (draft) => {
    const exchange = await send(operation, draft, operation.method !== 'GET');
    if (exchange.answer.status < 400) granted += 1;
    return { ...exchange, faults: faultsOfGrant(operation, exchange.answer) };
  });
  return { wrong, granted };
}

/** Breaks every rule in turn. @returns the answers that are wrong */
async function askForbidden(operation: Operation): Promise<string[]> {
  const wrong: string[] = [];
  for (const { rule, requests } of forbidden(operation))
    wrong.push(
      ...(await counterexample(rule, requests, RUNS_OF_EACH_RULE, async (wrongdoing) => {
        const exchange = await send(operation, wrongdoing.draft, false);
        return { ...exchange, faults: faultsOfRefusal(operation, exchange.answer, wrongdoing) };
      })),
    );
  return wrong;
}

/** In an error of its own, because Jest's differences of texts of several lines cannot be copied. */
function expectNone(wrong: string[]): void {
  if (wrong.length > 0) throw new Error(wrong.join('\n\n'));
}

describe.each(OPERATIONS.map((operation) => ({ title: `${operation.method} ${operation.path}`, operation })))('$title', ({ operation }) => {
  it('answers what the document allows as the document says', async () => {
    const { wrong, granted } = await askAllowed(operation);
    expectNone(wrong);
    expect(granted).toBeGreaterThan(0);
  });

  it('refuses what the document forbids, and names the member at fault', async () => {
    expectNone(await askForbidden(operation));
  });
});
