import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer, Call } from './harness/client.js';
import { query } from './harness/database.js';
import { aUser, PASSWORD, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';

const LIMIT = 10; // the default of AUTH_LOGIN_FAILURES_PER_WINDOW
const WRONG = 'wrong for everybody here';

let app: TestApp;
let one: Product;
let two: Product;

beforeAll(async () => {
  app = await startApp();
  [one, two] = await Promise.all([startProcess({ databaseUrl: app.databaseUrl }), startProcess({ databaseUrl: app.databaseUrl })]);
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

const login = (at: Pick<TestApp, 'request'>, email: string, password: string, call: Call = {}) =>
  at.request('POST', 'auth/login', { body: { email, password }, ...call });
const bucketOf = (email: string) => `password ${createHash('sha256').update(email).digest('base64url')}`;
const budget = async (bucket: string) =>
  (
    await query<{ failures: number; leases: Date[] }>(app.databaseUrl, 'SELECT failures, leases FROM budgets WHERE bucket = $1', [bucket])
  )[0];
const buckets = async () => (await query<{ buckets: number }>(app.databaseUrl, 'SELECT count(*)::int AS buckets FROM budgets'))[0]!.buckets;
const tally = (answers: Answer<unknown>[]) =>
  answers.reduce<Record<number, number>>((counts, { status }) => ({ ...counts, [status]: (counts[status] ?? 0) + 1 }), {});

/** Fifty sockets that between them make so many attempts, in both processes. */
async function attempts(count: number, attempt: (at: Product) => Promise<Answer<unknown>>): Promise<Answer<unknown>[]> {
  const answers: Answer<unknown>[] = [];
  let left = count;
  const socket = async (at: Product) => {
    while (left-- > 0) answers.push(await attempt(at));
  };
  await Promise.all(Array.from({ length: 50 }, (_, place) => socket(place % 2 ? one : two)));
  return answers;
}

async function lockedOut(): Promise<Person> {
  const person = await aUser(app);
  for (let failure = 0; failure < LIMIT; failure++) expect((await login(one, person.email, WRONG)).status).toBe(401);
  return person;
}

describe('the budget of wrong passwords', () => {
  it('evaluates exactly ten of two hundred tried at once in two processes (Keycloak CVE-2024-4629)', async () => {
    const person = await aUser(app);
    const answers = await attempts(200, (at) => login(at, person.email, WRONG));
    expect(tally(answers)).toEqual({ 401: LIMIT, 429: 200 - LIMIT });
    expect(await budget(bucketOf(person.email))).toEqual({ failures: LIMIT, leases: [] });
    for (const { status, headers, body } of answers.filter(({ status }) => status === 429)) {
      expect({ status, ...(body as object) }).toMatchObject({ status: 429, code: 'auth/too-many-attempts' });
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(900);
    }
  });

  it('is spent for the right password, too, and in every process', async () => {
    const person = await lockedOut();
    for (const at of [one, two, app])
      expect(await login(at, person.email, person.password)).toMatchObject({
        status: 429,
        headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
      });
  });

  it('is the same for an address that nobody has', async () => {
    const email = `nobody-${unique()}@example.org`;
    const answers = [];
    for (let attempt = 0; attempt < LIMIT + 2; attempt++) answers.push(await login(attempt % 2 ? one : two, email, WRONG));
    expect(tally(answers)).toEqual({ 401: LIMIT, 429: 2 });
  });

  it('begins anew with the next window', async () => {
    const person = await lockedOut();
    await query(app.databaseUrl, 'UPDATE budgets SET window_ends_at = now() WHERE bucket = $1', [bucketOf(person.email)]);
    expect((await login(two, person.email, WRONG)).status).toBe(401);
    expect(await budget(bucketOf(person.email))).toMatchObject({ failures: 1 });
  });

  it('is one, however the attempt is spelt (Strapi CVE-2025-64526, better-auth GHSA-x732-6j76-qmhm)', async () => {
    const person = await lockedOut();
    const before = await buckets();
    const body = { email: person.email, password: person.password };
    const spellings: [string, string, Call][] = [
      ['POST', 'auth/login', { body: { ...body, email: person.email.toUpperCase() } }],
      ['POST', 'auth/login', { body: { ...body, email: ` ${person.email} ` } }],
      ['POST', 'auth/login', { body: { ...body, email: person.email.replace('@', '\u0000@') } }],
      ['POST', 'auth/login', { body: { ...body, email: [person.email] } }],
      ['POST', 'auth/login', { body: { ...body, device: 'x' } }],
      ['POST', 'auth/login', { body, headers: { 'x-forwarded-for': '203.0.113.7' } }],
      [
        'POST',
        'auth/login',
        { body, headers: { forwarded: 'for=203.0.113.7', 'x-real-ip': '203.0.113.7', 'true-client-ip': '203.0.113.7' } },
      ],
      ['POST', 'auth/login', { body, headers: { 'user-agent': unique() } }],
      ['POST', 'auth/login', { body, headers: { authorization: `Bearer ${person.accessToken}` } }],
      ['POST', 'auth/login', { body, headers: { 'content-type': 'application/json; charset=UTF-8' } }],
      ['POST', 'auth/login?again=1', { body }],
      ['POST', 'auth/login/', { body }],
      ['POST', '/api/v1//auth/login', { body }],
      ['POST', '//api/v1/auth/login', { body }],
      ['POST', '/api/v1/auth/%6cogin', { body }],
      ['POST', '/api/v1/auth%2flogin', { body }],
      ['POST', '/api/v1/auth/./login', { body }],
      ['POST', '/api/v1/auth/login;x', { body }],
      ['POST', '/API/v1/auth/LOGIN', { body }],
      ['HEAD', 'auth/login', {}],
      ['PUT', 'auth/login', { body }],
    ];
    for (const at of [one, two]) {
      for (const [method, path, call] of spellings) {
        const { status } = await at.request(method, path, call);
        expect({ method, path, status, refused: [400, 404, 405, 429].includes(status) }).toMatchObject({ refused: true });
      }
    }
    expect((await one.request('POST', 'auth/login', { body: { ...body, email: person.email.toUpperCase() } })).status).toBe(429);
    expect((await one.request('POST', 'auth/login', { body, headers: { 'x-forwarded-for': '203.0.113.7' } })).status).toBe(429);
    expect(await buckets()).toBe(before);
    expect(await budget(bucketOf(person.email))).toMatchObject({ failures: LIMIT });
  });

  it('is one with that of the password change (Keycloak CVE-2026-9798)', async () => {
    const person = await aUser(app);
    const change = (currentPassword: string) =>
      one.request('POST', 'auth/password/change', {
        token: person.accessToken,
        body: { currentPassword, newPassword: 'seven small boats in the rain' },
      });
    for (let failure = 0; failure < LIMIT; failure++) expect((await change(WRONG)).status).toBe(401);
    expect(await change(person.password)).toMatchObject({ status: 429, body: { code: 'auth/too-many-attempts' } });
    expect((await login(two, person.email, person.password)).status).toBe(429);
  });

  it('is not touched by right passwords, though thirty-two are tried at once (Directus 12.4)', async () => {
    const person = await aUser(app);
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, place) => login(place % 2 ? one : two, person.email, person.password)),
    );
    expect(tally(answers)).toEqual({ 200: 32 });
    expect(await budget(bucketOf(person.email))).toEqual({ failures: 0, leases: [] });
  });

  it('is full again after a right password', async () => {
    const person = await aUser(app);
    for (let round = 0; round < 2; round++) {
      for (let failure = 1; failure < LIMIT; failure++) expect((await login(one, person.email, WRONG)).status).toBe(401);
      expect((await login(two, person.email, PASSWORD)).status).toBe(200);
      expect(await budget(bucketOf(person.email))).toMatchObject({ failures: 0 });
    }
  });

  it('is not used up by what is no attempt', async () => {
    const person = await aUser(app);
    for (let attempt = 0; attempt <= LIMIT; attempt++)
      expect((await one.request('POST', 'auth/login', { body: { email: person.email } })).status).toBe(400);
    expect(await budget(bucketOf(person.email))).toBeUndefined();
  });
});

describe('the budget of a client address', () => {
  let proxied: TestApp;

  beforeAll(async () => {
    proxied = await startApp({ TRUSTED_PROXIES: '127.0.0.1', AUTH_LOGIN_FAILURES_PER_WINDOW: '1', AUTH_REGISTRATIONS_PER_HOUR: '2' });
  });

  afterAll(() => proxied.close());

  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
  const guess = (address: string) => login(proxied, `nobody-${unique()}@example.org`, WRONG, from(address));
  // What is registered is refused before anything is hashed, and counts all the same.
  const register = (address: string) => proxied.request('POST', 'auth/register', { body: {}, ...from(address) });

  it('is ten times that of an account, for wrong passwords on whatever accounts', async () => {
    const answers = await Promise.all(Array.from({ length: 14 }, () => guess('198.51.100.1')));
    expect(tally(answers)).toEqual({ 401: 10, 429: 4 });
    expect(Number((await guess('198.51.100.1')).headers['retry-after'])).toBeGreaterThan(0);
    expect((await guess('198.51.100.2')).status).toBe(401);
  });

  it('does not refund its failures for a right password', async () => {
    const person = await aUser(proxied);
    for (let failure = 0; failure < 9; failure++) await guess('198.51.100.3');
    expect((await login(proxied, person.email, person.password, from('198.51.100.3'))).status).toBe(200);
    expect([(await guess('198.51.100.3')).status, (await guess('198.51.100.3')).status]).toEqual([401, 429]);
  });

  it('lets it register only so often in an hour', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => register('198.51.100.4')));
    expect(tally(answers)).toEqual({ 400: 2, 429: 4 });
    const refused = await register('198.51.100.4');
    expect(refused).toMatchObject({ status: 429, body: { code: 'auth/too-many-attempts' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3_500);
    expect((await register('198.51.100.5')).status).toBe(400);
  });

  it('is that of the whole network for IPv6 (better-auth CVE-2026-45364)', async () => {
    for (const host of ['2001:db8:1:2::1', '2001:db8:1:2:ffff::2']) expect((await register(host)).status).toBe(400);
    expect((await register('2001:db8:1:2:8000::3')).status).toBe(429);
    expect((await register('2001:db8:1:3::1')).status).toBe(400);
  });

  it('is that of the IPv4 address for one in IPv6 clothes', async () => {
    for (const host of ['198.51.100.6', '::ffff:198.51.100.6']) expect((await register(host)).status).toBe(400);
    expect((await register('::ffff:c633:6406')).status).toBe(429);
  });

  it('does not believe more of the chain than our own proxy said', async () => {
    for (const spoofed of ['203.0.113.1', '203.0.113.2']) expect((await register(`${spoofed}, 198.51.100.7`)).status).toBe(400);
    expect((await register('203.0.113.3, 198.51.100.7')).status).toBe(429);
  });
});

describe('RATE_LIMIT=off', () => {
  it('lifts the budgets and their headers', async () => {
    const unlimited = await startApp({
      RATE_LIMIT: 'off',
      RATE_LIMIT_REQUESTS_PER_MINUTE: '1',
      AUTH_LOGIN_FAILURES_PER_WINDOW: '1',
      AUTH_REGISTRATIONS_PER_HOUR: '1',
    });
    try {
      const person = await aUser(unlimited);
      for (let attempt = 0; attempt < 3; attempt++) {
        expect((await login(unlimited, person.email, WRONG)).status).toBe(401);
        expect((await unlimited.request('POST', 'auth/register', { body: {} })).status).toBe(400);
      }
      const { status, headers } = await login(unlimited, person.email, person.password);
      expect(status).toBe(200);
      expect(Object.keys(headers).filter((name) => name.startsWith('ratelimit'))).toEqual([]);
    } finally {
      await unlimited.close();
    }
  });
});
