import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newApiKey } from '#security';
import type { ApiKeySecretResponse } from '../src/auth/api-keys.dto.js';
import type { CsrfResponse } from '../src/auth/auth.dto.js';
import type { ImpersonationResponse } from '../src/auth/impersonations.dto.js';
import type { TicketResponse } from '../src/streams/tickets.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { aSession, aUser, type Person } from './harness/people.js';

/** The global guards, rule by rule, in one application: few enough to be run for every mutant of theirs. */
let app: TestApp;
let customer: Person;
let admin: Person;
let key: string;

beforeAll(async () => {
  app = await startApp({ AUTH_MFA_REQUIRED_ROLES: 'support', AUTH_LOGIN_FAILURES_PER_WINDOW: '1' });
  [customer, admin] = await Promise.all([aUser(app), aUser(app, { roles: ['admin'] })]);
  const made = await app.request<ApiKeySecretResponse>('POST', 'auth/api-keys', {
    token: customer.accessToken,
    body: { name: 'k', scopes: [] },
  });
  key = made.body.key;
}, 60_000);

afterAll(() => app.close());

const JUNK = 'a.b.c';
const sql = (text: string, ...values: unknown[]) => query<Record<string, unknown>>(app.databaseUrl, text, values);

/** The status, and the code of a refusal. */
async function answerTo(method: string, path: string, call: Parameters<TestApp['request']>[2] = {}): Promise<[number, string | undefined]> {
  const { status, body } = await app.request<{ code?: string } | undefined>(method, path, call);
  return [status, status >= 400 ? body?.code : undefined];
}
const by = (authorization: string) => ({ headers: { authorization } });

describe('who calls', () => {
  it('is told by a token or a key behind "Bearer", in any case and with any space between', async () => {
    for (const token of [customer.accessToken, key])
      for (const scheme of ['Bearer ', 'bearer ', 'BEARER ', 'Bearer   ', 'Bearer\t'])
        expect([scheme, ...(await answerTo('GET', 'users/me', by(scheme + token)))]).toEqual([scheme, 200, undefined]);
  });

  it.each([
    'Basic KEY',
    'KEY',
    'xBearer KEY',
    'x Bearer KEY',
    'Bearer KEY more',
    'BearerKEY',
    'Bearer',
    `Bearer ${JUNK}`,
    'Bearer ash_nothing',
  ])('is not told by %j, which is refused rather than overlooked', async (header) => {
    const call = by(header.replace('KEY', key));
    expect(await answerTo('GET', 'users/me', call)).toEqual([401, 'auth/invalid-token']);
    expect(await answerTo('GET', 'posts', call)).toEqual([401, 'auth/invalid-token']);
  });

  it('is nobody without any', async () => {
    expect(await answerTo('GET', 'users/me')).toEqual([401, 'auth/unauthenticated']);
    expect(await answerTo('GET', 'posts')).toEqual([200, undefined]);
  });

  it('is not asked where somebody is about to log in', async () => {
    const { email, password } = customer;
    for (const header of [`Bearer ${JUNK}`, 'Bearer ash_nothing', 'Basic eA=='])
      expect(await answerTo('POST', 'auth/login', { ...by(header), body: { email, password } })).toEqual([200, undefined]);
  });

  it('is counted before a refusal', async () => {
    const { status, headers } = await app.request('GET', 'users/me', { token: JUNK });
    expect([status, headers['ratelimit']]).toEqual([401, expect.stringMatching(/^"default";r=\d+;t=\d+$/)]);
  });

  it('is answered as a failure of ours when the database cannot tell', async () => {
    for (const [table, token] of [
      ['sessions', (await aSession(app, customer.id)).accessToken],
      [
        'api_keys',
        (await app.request<ApiKeySecretResponse>('POST', 'auth/api-keys', { token: customer.accessToken, body: { name: 'k', scopes: [] } }))
          .body.key,
      ],
    ] as const) {
      await sql(`ALTER TABLE ${table} RENAME TO hidden`);
      try {
        const { status } = await app.request('GET', 'users/me', { token });
        expect(status).toBeGreaterThanOrEqual(500);
      } finally {
        await sql(`ALTER TABLE hidden RENAME TO ${table}`);
      }
      expect(await answerTo('GET', 'users/me', { token })).toEqual([200, undefined]);
    }
  });
});

describe('a browser that shows a cookie', () => {
  it('reads with it, and changes something with the CSRF token of its session only', async () => {
    const { email, password } = customer;
    const { headers } = await app.request('POST', 'auth/login', { body: { email, password, transport: 'cookie' } });
    const cookie = headers['set-cookie']!.split(/,(?=__Host-)/)
      .map((line) => line.split(';')[0]!)
      .join('; ');
    const token = (await app.request<CsrfResponse>('GET', 'auth/csrf', { headers: { cookie } })).body.csrfToken;
    const rename = (more: Record<string, string>) => answerTo('PATCH', 'users/me', { headers: { cookie, ...more }, body: { name: 'Ada' } });
    expect(await answerTo('GET', 'users/me', { headers: { cookie } })).toEqual([200, undefined]);
    expect(await rename({})).toEqual([403, 'auth/csrf-token-invalid']);
    expect(await rename({ 'x-csrf-token': token.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) })).toEqual([
      403,
      'auth/csrf-token-invalid',
    ]);
    expect(await rename({ 'x-csrf-token': token })).toEqual([200, undefined]);
    expect(await rename({ authorization: `Bearer ${customer.accessToken}` })).toEqual([200, undefined]);
    expect(await answerTo('PATCH', 'users/me', { headers: { cookie: '__Host-ashlar-access=junk' }, body: { name: 'x' } })).toEqual([
      401,
      'auth/invalid-token',
    ]);
  });
});

describe('a ticket', () => {
  const aTicket = async () => (await app.request<TicketResponse>('POST', 'events/tickets', { token: customer.accessToken })).body.ticket;

  it('opens a stream once, and nothing else', async () => {
    const ticket = await aTicket();
    expect(await answerTo('GET', `users/me?ticket=${ticket}`)).toEqual([401, 'auth/unauthenticated']);
    expect(await answerTo('GET', `events/stream?ticket=${ticket}`)).toEqual([200, undefined]);
    expect(await answerTo('GET', `events/stream?ticket=${ticket}`)).toEqual([401, 'auth/invalid-ticket']);
    expect(await answerTo('GET', 'events/stream')).toEqual([401, 'auth/unauthenticated']);
    expect(await answerTo('GET', `events/stream?ticket=${ticket}&ticket=${ticket}`)).toEqual([401, 'auth/unauthenticated']);
  });

  it('is not looked at beside a token', async () => {
    const ticket = await aTicket();
    expect(await answerTo('GET', `events/stream?ticket=${ticket}`, { token: JUNK })).toEqual([401, 'auth/invalid-token']);
    expect(await answerTo('GET', `events/stream?ticket=${ticket}`)).toEqual([200, undefined]);
  });
});

describe('a route', () => {
  it('of a permission is for who has it', async () => {
    expect(await answerTo('GET', 'users?limit=1', { token: admin.accessToken })).toEqual([200, undefined]);
    expect(await answerTo('GET', 'users?limit=1', { token: customer.accessToken })).toEqual([403, 'auth/forbidden']);
    expect(await answerTo('GET', 'users?limit=1')).toEqual([401, 'auth/unauthenticated']);
  });

  it('of a permission asks whom it needs a second factor of for that, and nobody else', async () => {
    const support = await aUser(app, { roles: ['support'] });
    expect(await answerTo('GET', 'users?limit=1', { token: support.accessToken })).toEqual([403, 'auth/mfa-required']);
    expect(await answerTo('GET', 'users/me', { token: support.accessToken })).toEqual([200, undefined]);
  });

  it.each([
    ['GET', 'auth/sessions'],
    ['POST', 'auth/logout'],
    ['POST', 'auth/mfa/totp'],
  ])('for sessions is closed to keys: %s %s', async (method, path) => {
    expect(await answerTo(method, path, { token: key })).toEqual([403, 'auth/session-required']);
  });

  it('for sessions is closed to who acts as somebody else, unless it says otherwise', async () => {
    const begun = await app.request<ImpersonationResponse>('POST', `users/${customer.id}/impersonation`, { token: admin.accessToken });
    const token = begun.body.accessToken;
    expect(await answerTo('GET', 'users/me', { token })).toEqual([200, undefined]);
    expect(await answerTo('GET', 'auth/sessions', { token })).toEqual([403, 'auth/impersonating']);
    expect(await answerTo('POST', 'auth/mfa/totp', { token })).toEqual([403, 'auth/impersonating']);
    expect(await answerTo('POST', 'auth/logout', { token })).toEqual([204, undefined]);
  });

  it.each([
    [590, 200],
    [610, 403],
  ])('for fresh sessions, %d seconds after the proof, answers %d', async (seconds, status) => {
    const session = await aSession(app, customer.id);
    await sql(`UPDATE sessions SET proven_at = now() - make_interval(secs => $1) WHERE id = $2`, seconds, session.sessionId);
    const code = status === 403 ? 'auth/step-up-required' : undefined;
    expect(await answerTo('POST', 'auth/passkeys/registration/options', { token: session.accessToken })).toEqual([status, code]);
    expect(await answerTo('GET', 'auth/sessions', { token: session.accessToken })).toEqual([200, undefined]);
  });
});

describe('the rate limit', () => {
  it('counts every request but those of probes', async () => {
    for (const path of ['posts', 'users/me'])
      expect([path, (await app.request('GET', path)).headers]).toEqual([path, expect.objectContaining({ ratelimit: expect.any(String) })]);
    for (const path of ['/health/live', '/health/ready']) {
      const { status, headers } = await app.request('GET', path);
      expect([path, status, headers['ratelimit']]).toEqual([path, 200, undefined]);
    }
  });
});

describe('what a route does not read', () => {
  interface Refusal {
    code: string;
    errors?: { pointer: string; code: string; detail: string }[];
  }
  const read = (path: string) => app.request<Refusal>('GET', path, { token: customer.accessToken });
  const act = async (body: unknown) =>
    app.request<Refusal>('POST', 'auth/logout', { token: (await aSession(app, customer.id)).accessToken, body });
  const unknown = (pointer: string) => ({ pointer, code: 'unknown', detail: 'is not a member of this operation' });

  it('is refused in its query, member by member', async () => {
    const { status, body } = await read('auth/csrf?limit=1&a~b%2Fc=2');
    expect([status, body.code, body.errors]).toEqual([400, 'http/validation-failed', [unknown('?limit'), unknown('?a~0b~1c')]]);
    expect((await read('auth/sessions')).status).toBe(200);
    expect((await read('users/me?x=')).status).toBe(400);
  });

  it('is refused in its body, member by member', async () => {
    const { status, body } = await act({ all: true, 'a~b/c': 2 });
    expect([status, body.code, body.errors]).toEqual([400, 'http/validation-failed', [unknown('/all'), unknown('/a~0b~1c')]]);
  });

  it.each([['[]'], ['[1]'], ['"text"'], ['7'], ['null'], ['true']])('is refused when its body is %s', async (text) => {
    const { status, body } = await act(text);
    expect([status, body.code]).toEqual([400, 'http/validation-failed']);
    expect(body.errors ?? []).toEqual([]);
  });

  it.each([[undefined], [{}]])('may be %j', async (body) => {
    expect((await act(body)).status).toBe(204);
  });

  it('is named twenty times at most', async () => {
    const members = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`m${n}`, n]));
    const { body } = await act(members);
    expect(body.errors!.map(({ pointer }) => pointer)).toEqual(Array.from({ length: 20 }, (_, n) => `/m${n}`));
  });

  it('is refused of one, while the other is read', async () => {
    const { email, password } = customer;
    expect((await app.request('POST', 'auth/login?x=1', { body: { email, password } })).status).toBe(400);
    expect((await app.request('PATCH', 'users/me?x=1', { token: customer.accessToken, body: { name: 'Ada' } })).status).toBe(400);
  });
});

describe('a key that nobody has', () => {
  it('is refused without a look once its network has tried ten, counted all the same, and no other key for it', async () => {
    const answers = [];
    for (let n = 0; n < 11; n++) answers.push(await app.request('GET', 'users/me', { token: newApiKey() }));
    expect(answers.map(({ status }) => status)).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    const { headers, body } = answers.at(-1)!;
    expect([body.code, headers['ratelimit'] !== undefined]).toEqual(['auth/too-many-attempts', true]);
    expect(await answerTo('GET', 'users/me', { token: key })).toEqual([200, undefined]);
    expect(await answerTo('GET', 'posts', { token: newApiKey() })).toEqual([429, 'auth/too-many-attempts']);
  });
});
