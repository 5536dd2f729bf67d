import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc, { type Arbitrary } from 'fast-check';
import { startApp, type TestApp } from '../harness/app.js';
import type { Answer } from '../harness/client.js';
import { WITH_ACME } from '../harness/identities.js';
import { aUser, type Person } from '../harness/people.js';
import { type Product, startProcess, stopProcesses } from '../harness/product.js';
import { seedOfGeneratedTests } from '../harness/run.js';
import type { Operation } from '../contract/document.js';
import { OPERATIONS, resolve, validator } from './arbitraries.js';
import { allowed, type Caller, type Draft, forbidden, nounsIn, type Wrongdoing } from './requests.js';
import { NEVER_KEPT, type Purpose, thingsOf } from './things.js';

const SEED = seedOfGeneratedTests();
const RUNS_OF_WHAT_IS_ALLOWED = 30;
const RUNS_OF_EACH_RULE = 4;
const MOST_SHRINKING = 100;
/** How many rules of an operation are broken at once. What is refused changes nothing, so they do not meet. */
const LANES = 4;

/** Operations that take what only a person, a provider or an authenticator has: made-up requests are refused, and so far as that is documented. */
const NEEDS_A_PROOF: Record<string, string> = {
  'factors.stepUp': 'exactly one proof',
  'factors.finishLogin': 'exactly one proof, beside the token of a log-in',
  'factors.confirmTotp': 'a code of the secret that was just given',
  'factors.removeTotp': 'a caller who has a second factor',
  'factors.renewRecoveryCodes': 'a caller who has a second factor',
  'passkeys.register': 'a signature of an authenticator',
  'passkeys.login': 'a signature of an authenticator',
  'oauth.finish': 'the state of a sign-in, and its cookie',
  'oauth.exchange': 'a code, and the verifier that belongs to it',
  'paymentWebhooks.receive': 'a signature of the provider',
  'identities.link': 'a code, and the verifier that belongs to it',
  'priceLists.setPrices': 'another variant for each price',
};

/** Operations of which few random combinations of members are right, and why: what they do is proven elsewhere. */
const SELDOM_RIGHT: Record<string, string> = {
  'orders.place': 'either items or a cart, and an address where nobody is logged in, and only there',
};

/** Operations that take whatever comes, and why. */
const LENIENT: Record<string, string> = { 'oauth.finish': 'a client ignores what a provider adds to its answer (RFC 6749, 4.1.2)' };

let app: TestApp;
let product: Product;
let people: Record<Exclude<Caller, 'anonymous'>, Person>;
let things: ReturnType<typeof thingsOf>;

beforeAll(async () => {
  app = await startApp({ ROLE: 'api' });
  product = await startProcess({
    databaseUrl: app.databaseUrl,
    env: { ...WITH_ACME, AUTH_API_KEYS_PER_USER: '1000', RATE_LIMIT: 'off', JWT_ACCESS_TTL_SECONDS: '3600', AUTH_STEP_UP_SECONDS: '3600' },
  });
  people = { customer: await aUser(app), admin: await aUser(app, { roles: ['admin'] }) };
  things = thingsOf({ app, product }, people.admin);
  for (const by of Object.values(people))
    for (const name of ['posts', 'orders', 'notifications', 'endpoints', 'job', 'events', 'posts', 'orders', 'notifications', 'events'])
      if (by === people.admin || name !== 'endpoints') await make(name, by, purposeOf(by, '', '', []));
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app?.close();
});

function make(name: string, by: Person, purpose: Purpose): Promise<string> | string {
  const thing = things[name];
  if (thing === undefined) throw new Error(`${purpose.operationId} ${missing(name)}`);
  return thing(by, purpose);
}

const missing = (name: string) =>
  `names "${name}", and nobody knows how one is made: say it in THINGS of test/generated/things.ts, in a line that makes one by whoever calls and returns its id.`;

const kept = new Map<string, Promise<string>>();

/** What one call is about; the things it names are made once, and `keep`s them for the next call of this operation. */
function purposeOf(by: Person, operationId: string, target: string, query: Draft['query'], keep = false): Purpose {
  const own = new Map<string, Promise<string>>();
  const purpose: Purpose = {
    operationId,
    target,
    query,
    the: (name) => {
      const [made, key] = keep && !NEVER_KEPT.includes(name) ? [kept, `${operationId} ${name} ${by.id}`] : [own, name];
      const thing = made.get(key) ?? Promise.resolve(make(name, by, purpose));
      made.set(key, thing);
      return thing;
    },
  };
  return purpose;
}

/** Puts in what a draft names. */
async function fillIn(text: string, purpose: Purpose): Promise<string> {
  let filled = text;
  for (const [placeholder, name] of text.matchAll(/\{\{([\w-]+)\}\}/g)) {
    const thing = await purpose.the(name!);
    filled = filled.replace(placeholder, () => thing);
  }
  return filled;
}

interface Exchange {
  answer: Answer<unknown>;
  /** The request, as a command that repeats it. */
  curl: string;
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** `anew`: on people and things of its own, since the call may change or end them. */
async function send(operation: Operation, { by, path, query, headers, payload, type }: Draft, anew: boolean): Promise<Exchange> {
  const personal = anew && /^\/api\/v1\/(auth|users\/me|webhooks)\b/.test(operation.path);
  const roles = by === 'admin' ? ['admin' as const] : undefined;
  const person = personal ? await aUser(app, { roles }) : people[by === 'anonymous' ? 'customer' : by];
  const purpose = purposeOf(person, operation.operationId, operation.path, query, !anew);
  for (const [name, value] of Object.entries(path))
    purpose.target = purpose.target.replace(`{${name}}`, encodeURIComponent(await fillIn(value, purpose)));
  const put = (text: string) => fillIn(text, purpose);
  const search = await Promise.all(query.map(async ([name, value]) => [name, await put(value)].map(encodeURIComponent).join('=')));
  const target = search.length > 0 ? `${purpose.target}?${search.join('&')}` : purpose.target;
  const body = payload === undefined ? undefined : await put(payload);
  const sent: Record<string, string> = {
    ...(by !== 'anonymous' && { authorization: `Bearer ${person.accessToken}` }),
    ...(body !== undefined && { 'content-type': type!, 'content-length': String(Buffer.byteLength(body)) }),
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
  const media = Object.keys(content).find((media) => media === '*/*' || type === media || type?.startsWith(`${media};`));
  if (media === undefined) return [...faults, `the media type ${type} is not documented`];
  const { schema, examples = {} } = content[media]!;
  const validate = validator(schema, true);
  if (media.endsWith('json') && !validate(body)) faults.push(`the body is not as documented: ${JSON.stringify(validate.errors)}`);
  if (status < 400) return faults;
  if (media !== 'application/problem+json') return [...faults, 'it is no problem document'];
  const { code, status: own } = body as { code: string; status: number };
  if (!Object.keys(examples).includes(code)) faults.push(`the code ${code} is not documented for it`);
  if (own !== status) faults.push(`it gives its own status as ${own}`);
  return faults;
}

const REFUSALS_OF_INPUT = ['http/validation-failed', 'http/malformed-body', 'idempotency/key-malformed', 'idempotency/key-required'];

/** What is wrong with the answer to an allowed request. */
function faultsOfGrant(operation: Operation, answer: Answer<unknown>): string[] {
  const { code } = (answer.body ?? {}) as { code?: string };
  return [
    ...faultsOf(operation, answer),
    ...(REFUSALS_OF_INPUT.includes(code!) && !(operation.operationId in NEEDS_A_PROOF) ? ['it refuses what the document allows'] : []),
  ];
}

/** Who lets themselves in by a ticket is asked for a good one first. */
const hasTicket = ({ query }: Draft) => query.some(([name]) => name === 'ticket');

/** What is wrong with the answer to a forbidden request. Only to an administrator nothing else can be refused. */
function faultsOfRefusal(operation: Operation, answer: Answer<unknown>, { draft, pointer, statuses }: Wrongdoing): string[] {
  const { code, errors = [] } = (answer.body ?? {}) as { code?: string; errors?: { pointer: string }[] };
  const faults = faultsOf(operation, answer);
  if (answer.status < 400) faults.push('it accepts what the document forbids');
  else if (draft.by === 'admin' && !statuses.includes(answer.status) && !(answer.status === 401 && hasTicket(draft)))
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
  return [`${rule}: ${message}`];
}

/** Sends what the document allows. @returns the answers that are wrong, and how each was answered */
async function askAllowed(operation: Operation): Promise<{ wrong: string[]; statuses: number[] }> {
  const statuses: number[] = [];
  const wrong = await counterexample('allowed', allowed(operation), RUNS_OF_WHAT_IS_ALLOWED, async (draft) => {
    const exchange = await send(operation, draft, operation.method !== 'GET');
    statuses.push(exchange.answer.status);
    return { ...exchange, faults: faultsOfGrant(operation, exchange.answer) };
  });
  return { wrong, statuses };
}

/** Breaks every rule. @returns the answers that are wrong */
async function askForbidden(operation: Operation): Promise<string[]> {
  if (operation.operationId in LENIENT) return [];
  const wrong: string[] = [];
  const offences = forbidden(operation).values();
  const lane = async () => {
    for (const { rule, requests } of offences)
      wrong.push(
        ...(await counterexample(rule, requests, RUNS_OF_EACH_RULE, async (wrongdoing) => {
          const exchange = await send(operation, wrongdoing.draft, false);
          return { ...exchange, faults: faultsOfRefusal(operation, exchange.answer, wrongdoing) };
        })),
      );
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return wrong;
}

/** In an error of its own, because Jest's differences of texts of several lines cannot be copied. */
function expectNone({ method, path }: Operation, wrong: string[]): void {
  if (wrong.length === 0) return;
  const again = `Again: CONTRACT_SEED=${SEED} npm run test:full -- test/generated -t '${method} ${path} '`;
  throw new Error([...wrong, again].join('\n\n'));
}

describe(`Requests made up from openapi.json (seed ${SEED})`, () => {
  it('have all they need', () => {
    const unknown = OPERATIONS.flatMap((operation) =>
      nounsIn(operation)
        .filter((noun) => things[noun] === undefined)
        .map((noun) => `${operation.method} ${operation.path} ${missing(noun)}`),
    );
    expect(unknown).toEqual([]);
  });

  describe.each(OPERATIONS.map((operation) => ({ title: `${operation.method} ${operation.path}`, operation })))(
    '$title',
    ({ operation }) => {
      it('answers what the document allows as the document says', async () => {
        const { wrong, statuses } = await askAllowed(operation);
        if (!(operation.operationId in { ...NEEDS_A_PROOF, ...SELDOM_RIGHT }) && !statuses.some((status) => status < 400))
          wrong.push(`It did nothing of what the document allows, but answered ${[...new Set(statuses)].join()}: a member needs a value that is
  likely to be right (LIKELY of test/generated/arbitraries.ts), or a thing is not made as this operation needs it (THINGS of test/generated/things.ts).`);
        expectNone(operation, wrong);
      });

      it('refuses what the document forbids, and names the member at fault', async () => {
        expectNone(operation, await askForbidden(operation));
      });
    },
  );
});
