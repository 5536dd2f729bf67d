import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import type { SessionList, TokensResponse } from '../src/auth/auth.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer, Call } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { aSession, aUser, anAdmin, PASSWORD, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import { signingKey } from './harness/run.js';

/** What a change must reach everywhere: a second, and what a busy machine adds to a request. */
const WITHIN_A_SECOND = 2_000;

let app: TestApp;
let other: Product;

beforeAll(async () => {
  app = await startApp();
  other = await startProcess({ databaseUrl: app.databaseUrl });
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

const post = (path: string, body: unknown, call: Call = {}) => app.request<TokensResponse>('POST', `auth/${path}`, { body, ...call });
const refusal = (path: string, body: unknown, call: Call = {}) => app.request('POST', `auth/${path}`, { body, ...call });
const refresh = (refreshToken: string, at: Pick<TestApp, 'request'> = app) =>
  at.request<TokensResponse>('POST', 'auth/refresh', { body: { refreshToken } });
const me = (token: string, at: Pick<TestApp, 'request'> = app) => at.request('GET', 'users/me', { token });
const newcomer = () => ({ email: `n-${unique()}@example.org`, name: 'Grace Hopper', password: 'six yellow lanterns over water' });
const sql = (text: string, ...values: unknown[]) => query(app.databaseUrl, text, values);

async function expectDead(token: string): Promise<void> {
  for (const at of [app, other]) await eventually(async () => (await me(token, at)).status === 401, WITHIN_A_SECOND);
}

async function expectAlive(token: string): Promise<void> {
  for (const at of [app, other]) expect((await me(token, at)).status).toBe(200);
}

describe('registering', () => {
  it('makes a customer and logs them in', async () => {
    const person = newcomer();
    const { status, headers, body } = await post('register', person);
    expect(status).toBe(201);
    expect(headers).toMatchObject({ location: 'http://localhost/api/v1/users/me', 'cache-control': 'no-store' });
    expect(Object.keys(body).sort()).toEqual(['accessToken', 'expiresIn', 'refreshToken', 'user']);
    expect(body).toMatchObject({
      expiresIn: 600,
      user: { email: person.email, name: person.name, roles: ['customer'], emailVerified: false, mfaEnabled: false, version: 1 },
    });
    expect((await app.request('GET', 'users/me', { token: body.accessToken })).body).toEqual({ ...body.user, impersonatedBy: null });
  });

  it('keeps no password in a form that can be read', async () => {
    const person = newcomer();
    const { body } = await post('register', person);
    const [row] = await sql('SELECT hash FROM passwords WHERE user_id = $1', body.user.id);
    expect(row).toEqual({ hash: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/) });
  });

  it('is refused for an address that has an account, however it is spelt', async () => {
    const person = newcomer();
    await post('register', person);
    for (const email of [person.email, person.email.toUpperCase(), `  ${person.email} `]) {
      expect(await refusal('register', { ...person, email })).toMatchObject({ status: 409, body: { code: 'auth/email-taken' } });
    }
  });

  it('makes one account of one address, however many try at once', async () => {
    const person = newcomer();
    const answers = await Promise.all(
      [app, other, app, other, app, other].map((at) => at.request('POST', 'auth/register', { body: person })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
  });

  it.each([
    ['short', 'too short', 'use at least 15'],
    ['long', 'ab cd ef gh '.repeat(11), '128 are the most'],
    ['of few characters', 'abababababababab', 'repeats very few characters'],
    ['the name', 'Grace Hopper Grace', 'made of your own name'],
    ['the product', 'ashlar-Ashlar-ASHLAR', 'made of your own name or address, or of our name'],
  ])('refuses a password that is too easy with advice: %s', async (_, password, advice) => {
    const { status, body } = await refusal('register', { ...newcomer(), password });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'auth/weak-password', detail: expect.stringContaining(advice), errors: [{ pointer: '/password' }] });
    expect(JSON.stringify(body)).not.toContain(password);
  });

  it('refuses a password made of the address', async () => {
    const person = newcomer();
    expect(await refusal('register', { ...person, password: `${person.email} 1` })).toMatchObject({
      status: 400,
      body: { code: 'auth/weak-password' },
    });
  });

  it('takes passwords of 128 characters in any script, all of which count', async () => {
    const person = { ...newcomer(), password: '𝔞βγ語🌊é ж'.repeat(16) };
    expect([...person.password]).toHaveLength(128);
    expect((await post('register', person)).status).toBe(201);
    expect((await post('login', { email: person.email, password: person.password })).status).toBe(200);
    // Strapi CVE-2025-25298: bcrypt took only the first 72 bytes for the password.
    expect((await post('login', { email: person.email, password: `${[...person.password].slice(0, 127).join('')}x` })).status).toBe(401);
  });

  it('does not care in which Unicode form a password is typed', async () => {
    const person = { ...newcomer(), password: 'Crème brûlée à la façon Zoë'.normalize('NFD') };
    expect((await post('register', person)).status).toBe(201);
    expect((await post('login', { email: person.email, password: person.password.normalize('NFC') })).status).toBe(200);
    expect((await post('login', { email: person.email, password: person.password })).status).toBe(200);
  });

  it.each([
    ['no address', { email: undefined }, '/email'],
    ['no address at all', { email: 'ada' }, '/email'],
    ['two addresses', { email: ['a@example.org', 'b@example.org'] }, '/email'],
    ['an object for an address', { email: { contains: '@' } }, '/email'],
    ['a look-alike of @', { email: 'ada＠example.org' }, '/email'], // Auth.js GHSA-7rqj-j65f-68wh
    ['two at signs', { email: 'a@example.org@example.com' }, '/email'],
    ['an address that is too long', { email: `${'a'.repeat(250)}@example.org` }, '/email'],
    ['a number for a password', { password: 123456789012345 }, '/password'],
    ['no name', { name: ' ' }, '/name'],
    ['a name of two lines', { name: 'Ada\r\nBcc: all@example.org' }, '/name'],
    ['a role', { roles: ['admin'] }, '/roles'],
    ['an id', { id: randomUUID() }, '/id'],
    ['a verified address', { emailVerified: true }, '/emailVerified'],
  ])('is refused with %s', async (_, change, pointer) => {
    const { status, body } = await refusal('register', { ...newcomer(), ...change });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'http/validation-failed', errors: [{ pointer }] });
  });

  it('does not look at a token that is sent along', async () => {
    expect((await post('register', newcomer(), { token: 'stale' })).status).toBe(201);
  });
});

describe('logging in', () => {
  it('opens another session', async () => {
    const person = await aUser(app);
    const { status, headers, body } = await post('login', { email: person.email, password: person.password });
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toMatchObject({ user: { id: person.id }, expiresIn: 600 });
    await expectAlive(body.accessToken);
    await expectAlive(person.accessToken);
  });

  it('takes the address in any case and with spaces around it', async () => {
    const person = await aUser(app);
    for (const email of [person.email.toUpperCase(), `\t${person.email}\n`])
      expect((await post('login', { email, password: person.password })).status).toBe(200);
  });

  it('does not look at a token that is sent along', async () => {
    const person = await aUser(app);
    expect((await post('login', { email: person.email, password: person.password }, { token: 'stale' })).status).toBe(200);
  });

  it('answers alike whether the address is unknown, the password wrong or the account suspended', async () => {
    const person = await aUser(app);
    const suspended = await aUser(app);
    await sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, suspended.id);
    const answers = [
      await refusal('login', { email: `nobody-${unique()}@example.org`, password: PASSWORD }),
      await refusal('login', { email: person.email, password: `${PASSWORD}!` }),
      await refusal('login', { email: suspended.email, password: suspended.password }),
    ].map(withoutOccurrence);
    expect(answers[0]).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer' },
      body: { code: 'auth/invalid-credentials' },
    });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  it('does the same work for an unknown address as for a known one', async () => {
    const person = await aUser(app);
    const took: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
    for (let round = 0; round < 7; round++) {
      for (const [who, email] of [
        ['known', person.email],
        ['unknown', `nobody-${unique()}@example.org`],
      ] as const) {
        const began = performance.now();
        await refusal('login', { email, password: 'wrong for everybody here' });
        took[who].push(performance.now() - began);
      }
    }
    // Without the verification an unknown address is some ten times as fast; half leaves room for a busy machine.
    expect(Math.min(...took.unknown)).toBeGreaterThan(Math.min(...took.known) / 2);
  });

  it.each([
    ['no password', { password: undefined }, '/password'],
    ['an empty password', { password: '' }, '/password'],
    ['a password that is an object', { password: { startsWith: 'a' } }, '/password'],
    ['a password of a megabyte', { password: 'a'.repeat(1_025) }, '/password'],
    ['no address', { email: 'ada' }, '/email'],
    ['a member it does not know', { remember: true }, '/remember'],
  ])('is refused with %s', async (_, change, pointer) => {
    const { email, password } = newcomer();
    expect(await refusal('login', { email, password, ...change })).toMatchObject({
      status: 400,
      body: { code: 'http/validation-failed', errors: [{ pointer }] },
    });
  });
});

describe('refreshing', () => {
  it('gives the next pair of the same session', async () => {
    const person = await aUser(app);
    const { status, headers, body } = await refresh(person.refreshToken);
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toMatchObject({ user: { id: person.id }, expiresIn: 600 });
    expect(body.refreshToken).not.toBe(person.refreshToken);
    expect(body.refreshToken.slice(0, 36)).toBe(person.sessionId);
    await expectAlive(body.accessToken);
    expect((await refresh(body.refreshToken)).status).toBe(200);
  });

  it('gives the same successor for a token that is used again at once, in whichever process', async () => {
    const person = await aUser(app);
    const first = await refresh(person.refreshToken);
    const again = [await refresh(person.refreshToken), await refresh(person.refreshToken, other)];
    for (const { status, body } of again) {
      expect(status).toBe(200);
      expect(body.refreshToken).toBe(first.body.refreshToken);
    }
    expect((await refresh(first.body.refreshToken)).status).toBe(200);
  });

  it('leaves one successor when fifty use a token at once in two processes (better-auth CVE-2026-53517)', async () => {
    const person = await aUser(app);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, place) => refresh(person.refreshToken, place % 2 ? app : other)));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(50).fill(200));
    const successors = [...new Set(answers.map(({ body }) => body.refreshToken))];
    expect(successors).toHaveLength(1);
    expect((await refresh(successors[0]!)).status).toBe(200);
  });

  it('ends the whole session when a used token turns up after the grace period', async () => {
    const person = await aUser(app);
    const next = await refresh(person.refreshToken);
    await expectAlive(next.body.accessToken);
    await sql(`UPDATE sessions SET rotated_at = rotated_at - interval '11 seconds' WHERE id = $1`, person.sessionId);
    expect(await refresh(person.refreshToken)).toMatchObject({ status: 401, body: { code: 'auth/invalid-refresh-token' } });
    expect((await refresh(next.body.refreshToken)).status).toBe(401);
    await expectDead(next.body.accessToken);
    await expectDead(person.accessToken);
  });

  it('ends the session when a token turns up whose successor was used already', async () => {
    const person = await aUser(app);
    const next = await refresh(person.refreshToken);
    const last = await refresh(next.body.refreshToken);
    expect((await refresh(person.refreshToken)).status).toBe(401);
    expect((await refresh(last.body.refreshToken)).status).toBe(401);
    await expectDead(last.body.accessToken);
  });

  it('ends no session on a token that we did not make', async () => {
    const person = await aUser(app);
    const stranger = await aUser(app);
    const [id, secret, mac] = person.refreshToken.split('.') as [string, string, string];
    const flipped = (text: string) => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
    const forged = [
      'garbage',
      `${id}.${secret}`,
      `${id}.${flipped(secret)}.${mac}`,
      `${id}.${secret}.${flipped(mac)}`,
      `${id}.${'A'.repeat(43)}.${'A'.repeat(22)}`,
      `${stranger.sessionId}.${secret}.${mac}`,
      `${id.toUpperCase()}.${secret}.${mac}`,
      `${person.refreshToken} `,
      person.accessToken,
    ];
    for (const token of forged) expect(await refresh(token)).toMatchObject({ status: 401, body: { code: 'auth/invalid-refresh-token' } });
    await expectAlive(person.accessToken);
    expect((await refresh(person.refreshToken)).status).toBe(200);
    expect((await refresh(stranger.refreshToken)).status).toBe(200);
  });

  it.each([
    ['has lasted too long', `UPDATE sessions SET expires_at = now() WHERE id = $1`],
    ['was not used for too long', `UPDATE sessions SET rotated_at = now() - interval '31 days' WHERE id = $1`],
    ['belongs to somebody suspended', `UPDATE users SET status = 'suspended' WHERE id = (SELECT user_id FROM sessions WHERE id = $1)`],
  ])('is refused when the session %s', async (_, ageing) => {
    const person = await aUser(app);
    await sql(ageing, person.sessionId);
    expect(await refresh(person.refreshToken)).toMatchObject({ status: 401, body: { code: 'auth/invalid-refresh-token' } });
    await expectDead(person.accessToken);
  });

  it.each([
    ['nothing', {}],
    ['an empty token', { refreshToken: '' }],
    ['a list of tokens', { refreshToken: ['a'] }],
    ['a token without end', { refreshToken: 'a'.repeat(513) }],
  ])('is refused with %s', async (_, body) => {
    expect(await refusal('refresh', body)).toMatchObject({ status: 400, body: { errors: [{ pointer: '/refreshToken' }] } });
  });
});

describe('logging out', () => {
  it('ends this session and no other, in every process', async () => {
    const person = await aUser(app);
    const elsewhere = await aSession(app, person.id);
    await expectAlive(person.accessToken);
    const { status, text } = await app.request('POST', 'auth/logout', { token: person.accessToken });
    expect([status, text]).toEqual([204, '']);
    await expectDead(person.accessToken);
    expect((await refresh(person.refreshToken)).status).toBe(401);
    await expectAlive(elsewhere.accessToken);
  });

  it('needs a login', async () => {
    expect(await app.request('POST', 'auth/logout')).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer' },
      body: { code: 'auth/unauthenticated' },
    });
  });

  it('takes no body', async () => {
    const person = await aUser(app);
    expect(await refusal('logout', { userId: randomUUID() }, { token: person.accessToken })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/userId' }] },
    });
    await expectAlive(person.accessToken);
  });
});

describe('my sessions', () => {
  const list = (token?: string) => app.request<SessionList>('GET', 'auth/sessions', { token });

  it('are listed with where they came from, and without secrets', async () => {
    const person = await aUser(app);
    await aUser(app);
    const login = await post('login', { email: person.email, password: person.password }, { headers: { 'user-agent': 'Lynx/2.9' } });
    const { status, body, text } = await list(login.body.accessToken);
    expect(status).toBe(200);
    const known = {
      id: expect.any(String),
      createdAt: expect.stringMatching(/Z$/),
      lastUsedAt: expect.stringMatching(/Z$/),
      ip: '127.0.0.1',
      impersonatedBy: null,
    };
    expect(body).toEqual({
      items: [
        { ...known, id: login.body.refreshToken.slice(0, 36), userAgent: 'Lynx/2.9', current: true },
        { ...known, id: person.sessionId, userAgent: 'harness', current: false },
      ],
      nextCursor: null,
    });
    expect(text).not.toMatch(/hash/i);
  });

  it('are listed only while they live', async () => {
    const person = await aUser(app);
    const ended = await aSession(app, person.id);
    await app.request('POST', 'auth/logout', { token: ended.accessToken });
    expect((await list(person.accessToken)).body.items.map(({ id }) => id)).toEqual([person.sessionId]);
  });

  it('can be ended one by one', async () => {
    const person = await aUser(app);
    const lost = await aSession(app, person.id);
    await expectAlive(lost.accessToken);
    expect((await app.request('DELETE', `auth/sessions/${lost.sessionId}`, { token: person.accessToken })).status).toBe(204);
    await expectDead(lost.accessToken);
    await expectAlive(person.accessToken);
    expect(await app.request('DELETE', `auth/sessions/${lost.sessionId}`, { token: person.accessToken })).toMatchObject({
      status: 404,
      body: { code: 'auth/session-not-found' },
    });
  });

  it('can all be ended but the one that asks', async () => {
    const person = await aUser(app);
    const others = [await aSession(app, person.id), await aSession(app, person.id)];
    expect((await app.request('DELETE', 'auth/sessions', { token: person.accessToken })).status).toBe(204);
    for (const { accessToken } of others) await expectDead(accessToken);
    await expectAlive(person.accessToken);
  });

  it('are nobody else’s to end, who is told no more than that there is none', async () => {
    const [person, stranger] = [await aUser(app), await anAdmin(app)];
    const theirs = await app.request('DELETE', `auth/sessions/${person.sessionId}`, { token: stranger.accessToken });
    const nobodys = await app.request('DELETE', `auth/sessions/${randomUUID()}`, { token: stranger.accessToken });
    expect(theirs).toMatchObject({ status: 404, body: { code: 'auth/session-not-found' } });
    const { instance: _theirs, ...one } = withoutOccurrence(theirs).body;
    const { instance: _nobodys, ...two } = withoutOccurrence(nobodys).body;
    expect(one).toEqual(two);
    await app.request('DELETE', 'auth/sessions', { token: stranger.accessToken });
    await expectAlive(person.accessToken);
  });

  it('need a login, and an id that is one', async () => {
    const person = await aUser(app);
    for (const [method, path] of [
      ['GET', 'auth/sessions'],
      ['DELETE', 'auth/sessions'],
      ['DELETE', `auth/sessions/${person.sessionId}`],
    ] as const)
      expect((await app.request(method, path)).status).toBe(401);
    expect((await app.request('DELETE', 'auth/sessions/mine', { token: person.accessToken })).status).toBe(400);
    expect((await app.request('GET', 'auth/sessions?userId=1', { token: person.accessToken })).status).toBe(400);
  });
});

describe('changing the password', () => {
  const change = (person: Person, body: object) => refusal('password/change', body, { token: person.accessToken });
  const newPassword = 'seven small boats in the rain';

  it('ends the other sessions in every process, and keeps this one (Strapi CVE-2026-22706)', async () => {
    const person = await aUser(app);
    const elsewhere = await aSession(app, person.id);
    await expectAlive(elsewhere.accessToken);
    expect((await change(person, { currentPassword: person.password, newPassword })).status).toBe(204);
    await expectDead(elsewhere.accessToken);
    expect((await refresh(elsewhere.refreshToken)).status).toBe(401);
    await expectAlive(person.accessToken);
    expect((await refresh(person.refreshToken)).status).toBe(200);
    expect((await post('login', { email: person.email, password: person.password })).status).toBe(401);
    expect((await post('login', { email: person.email, password: newPassword })).status).toBe(200);
  });

  it('needs the current password, and changes nothing without it', async () => {
    const person = await aUser(app);
    const elsewhere = await aSession(app, person.id);
    expect(await change(person, { currentPassword: 'not the password at all', newPassword })).toMatchObject({
      status: 401,
      body: { code: 'auth/invalid-credentials' },
    });
    await expectAlive(elsewhere.accessToken);
    expect((await post('login', { email: person.email, password: person.password })).status).toBe(200);
  });

  it('refuses a new password that is too easy, and says which member that is', async () => {
    const person = await aUser(app);
    expect(await change(person, { currentPassword: person.password, newPassword: 'short' })).toMatchObject({
      status: 400,
      body: { code: 'auth/weak-password', errors: [{ pointer: '/newPassword' }] },
    });
  });

  it('needs a login, and takes no other’s account', async () => {
    const [person, stranger] = [await aUser(app), await aUser(app)];
    expect((await refusal('password/change', { currentPassword: person.password, newPassword })).status).toBe(401);
    expect(await change(stranger, { currentPassword: PASSWORD, newPassword, userId: person.id })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/userId' }] },
    });
  });
});

describe('proving once more who one is', () => {
  const stale = ({ sessionId }: Person) => sql(`UPDATE sessions SET proven_at = now() - interval '11 minutes' WHERE id = $1`, sessionId);
  const erase = (token: string, at: Pick<TestApp, 'request'> = app) => at.request('DELETE', 'users/me', { token });
  const stepUp = (token: string, password: string) => app.request('POST', 'auth/step-up', { token, body: { password } });

  it('is asked for when the last proof is old, and holds in every process', async () => {
    const person = await aUser(app);
    await stale(person);
    expect(await erase(person.accessToken)).toMatchObject({ status: 403, body: { code: 'auth/step-up-required' } });
    expect((await me(person.accessToken, other)).status).toBe(200); // now it is remembered there as stale
    expect((await stepUp(person.accessToken, PASSWORD)).status).toBe(204);
    await eventually(async () => (await erase(person.accessToken, other)).status === 204, WITHIN_A_SECOND);
  });

  it('takes the right password, and only that makes the session fresh', async () => {
    const person = await aUser(app);
    await stale(person);
    expect(await stepUp(person.accessToken, 'seven wrong words in a row')).toMatchObject({
      status: 401,
      body: { code: 'auth/invalid-credentials' },
    });
    expect((await erase(person.accessToken)).status).toBe(403);
    expect((await me(person.accessToken)).status).toBe(200);
  });

  it('concerns this session only', async () => {
    const person = await aUser(app);
    const second = await aSession(app, person.id);
    await stale(person);
    await stale({ ...person, ...second });
    await stepUp(person.accessToken, PASSWORD);
    expect((await erase(second.accessToken)).status).toBe(403);
    expect((await erase(person.accessToken)).status).toBe(204);
  });
});

describe('a live session', () => {
  const update = (admin: Person, id: string, body: object) => app.request('PATCH', `users/${id}`, { token: admin.accessToken, body });

  it('dies within a second in every process when its user is suspended', async () => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    await expectAlive(person.accessToken);
    expect((await update(admin, person.id, { status: 'suspended' })).status).toBe(200);
    await expectDead(person.accessToken);
    expect((await refresh(person.refreshToken)).status).toBe(401);
  });

  it('dies within a second even when nobody signals it', async () => {
    const person = await aUser(app);
    await expectAlive(person.accessToken);
    await sql('UPDATE sessions SET ended_at = now() WHERE id = $1', person.sessionId);
    await expectDead(person.accessToken);
  });

  it('gains and loses permissions within a second in every process', async () => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    const reads = (status: number) =>
      Promise.all(
        [app, other].map((at) =>
          eventually(async () => (await at.request('GET', 'users', { token: person.accessToken })).status === status, WITHIN_A_SECOND),
        ),
      );
    await reads(403);
    await update(admin, person.id, { roles: ['support'] });
    await reads(200);
    await update(admin, person.id, { roles: ['customer'] });
    await reads(403);
  });
});

describe('the published keys', () => {
  it('are public halves that verify our access tokens', async () => {
    const person = await aUser(app);
    const { status, headers, body } = await app.request<JSONWebKeySet>('GET', '/.well-known/jwks.json');
    expect(status).toBe(200);
    expect(headers['cache-control']).toMatch(/^public/);
    expect(body.keys).toEqual([
      { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: decodeProtectedHeader(person.accessToken).kid, alg: 'EdDSA', use: 'sig' },
    ]);
    const { payload } = await jwtVerify(person.accessToken, createLocalJWKSet(body), {
      issuer: 'http://localhost',
      audience: 'ashlar',
      typ: 'at+jwt',
    });
    expect(payload).toMatchObject({ sub: person.id, sid: person.sessionId });
    expect(payload.exp! - payload.iat!).toBe(600);
    expect((await other.request<JSONWebKeySet>('GET', '/.well-known/jwks.json')).body).toEqual(body);
  });
});

describe('an access token', () => {
  interface Forgery {
    header?: Record<string, unknown>;
    claims?: Record<string, unknown>;
    key?: Parameters<SignJWT['sign']>[0];
  }

  /** A token as we make them, signed with our own key, but for what the forgery changes. */
  async function forge(person: Person, { header = {}, claims = {}, key = createPrivateKey(signingKey()) }: Forgery): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const { kid } = decodeProtectedHeader(person.accessToken);
    const token = new SignJWT({
      sub: person.id,
      sid: person.sessionId,
      iss: 'http://localhost',
      aud: 'ashlar',
      iat: now,
      exp: now + 600,
      ...claims,
    });
    const given = { alg: 'EdDSA', kid, typ: 'at+jwt', ...header };
    return token.setProtectedHeader(given).sign(key, { crit: { 'x-test': true } });
  }
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const publicKey = () => createPublicKey(signingKey());
  const past = () => Math.floor(Date.now() / 1_000) - 60;

  it('that is made as ours are is taken', async () => {
    const person = await aUser(app);
    expect((await me(await forge(person, {}))).status).toBe(200);
    expect((await app.request('GET', 'users/me', { headers: { authorization: `bearer ${person.accessToken}` } })).status).toBe(200);
  });

  const forgeries: [string, (person: Person, stranger: Person) => Promise<string> | string][] = [
    [
      'is not signed (alg none)',
      (person) =>
        `${encode({ alg: 'none', kid: decodeProtectedHeader(person.accessToken).kid, typ: 'at+jwt' })}.${person.accessToken.split('.')[1]}.`,
    ],
    ['lost its signature', (person) => person.accessToken.replace(/[^.]*$/, '')],
    [
      'is signed by HMAC with our public key in PEM',
      (person) => forge(person, { header: { alg: 'HS256' }, key: Buffer.from(publicKey().export({ format: 'pem', type: 'spki' })) }),
    ],
    [
      'is signed by HMAC with our public key in DER',
      (person) => forge(person, { header: { alg: 'HS256' }, key: publicKey().export({ format: 'der', type: 'spki' }) }),
    ],
    [
      'is signed by HMAC with our raw public key',
      (person) => forge(person, { header: { alg: 'HS256' }, key: Buffer.from(publicKey().export({ format: 'jwk' }).x!, 'base64url') }),
    ],
    ['is signed by another key under our kid', (person) => forge(person, { key: generateKeyPairSync('ed25519').privateKey })],
    [
      'is signed by a P-256 key under our kid',
      (person) => forge(person, { header: { alg: 'ES256' }, key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }),
    ],
    [
      'brings its own key along',
      async (person) => {
        const { privateKey, publicKey: own } = generateKeyPairSync('ed25519');
        return forge(person, { header: { jwk: own.export({ format: 'jwk' }), kid: undefined }, key: privateKey });
      },
    ],
    ['names a key that is not ours', (person) => forge(person, { header: { kid: 'other' } })],
    ['names no key', (person) => forge(person, { header: { kid: undefined } })],
    ['names a file as its key', (person) => forge(person, { header: { kid: '../../../../dev/null' } })],
    ['is for another audience', (person) => forge(person, { claims: { aud: 'elsewhere' } })],
    ['is for no audience', (person) => forge(person, { claims: { aud: undefined } })],
    ['comes from another issuer', (person) => forge(person, { claims: { iss: 'http://localhost:3000' } })],
    ['is of another type', (person) => forge(person, { header: { typ: 'JWT' } })],
    ['is of no type', (person) => forge(person, { header: { typ: undefined } })],
    ['has expired', (person) => forge(person, { claims: { iat: past() - 600, exp: past() } })],
    ['never expires', (person) => forge(person, { claims: { exp: undefined } })],
    ['is not valid yet', (person) => forge(person, { claims: { nbf: past() + 3_600 } })],
    [
      'demands an extension nobody knows (fast-jwt CVE-2026-35042)',
      (person) => forge(person, { header: { crit: ['x-test'], 'x-test': 1 } }),
    ],
    ['names no session', (person) => forge(person, { claims: { sid: undefined } })],
    ['names a list of sessions', (person) => forge(person, { claims: { sid: [person.sessionId] } })],
    ['names a session that never was', (person) => forge(person, { claims: { sid: randomUUID() } })],
    ['names a session that is no id', (person) => forge(person, { claims: { sid: `' OR true --` } })],
    ['names the session of somebody else', (person, stranger) => forge(person, { claims: { sid: stranger.sessionId } })],
    ['names another user in our session', (person, stranger) => forge(person, { claims: { sub: stranger.id } })],
    ['was given another payload', (person, stranger) => person.accessToken.replace(/\.[^.]*\./, `.${stranger.accessToken.split('.')[1]}.`)],
    ['was given a byte more', (person) => `${person.accessToken}A`],
    ['is a refresh token', (person) => person.refreshToken],
    ['is garbage', () => 'garbage'],
    ['is three dots', () => '...'],
  ];

  it.each(forgeries)('is refused when it %s', async (_, make) => {
    const [person, stranger] = [await aUser(app), await aUser(app)];
    const token = await make(person, stranger);
    expect(await me(token)).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
      body: { code: 'auth/invalid-token' },
    });
    expect((await app.request('GET', 'posts', { token })).status).toBe(401);
  });

  it('counts only in the Authorization header, as a bearer token', async () => {
    const { accessToken } = await aUser(app);
    const attempts: Call[] = [
      { headers: { authorization: accessToken } },
      { headers: { authorization: `Basic ${accessToken}` } },
      { headers: { authorization: 'Bearer' } },
      { headers: { cookie: `accessToken=${accessToken}` } },
      { headers: { 'x-access-token': accessToken } },
    ];
    for (const attempt of attempts) expect((await app.request('GET', 'users/me', attempt)).status).toBe(401);
    expect([400, 401]).toContain((await app.request('GET', `users/me?access_token=${accessToken}`)).status);
  });
});

describe('two applications in one process', () => {
  it('know their own people only', async () => {
    const second = await startApp();
    try {
      const [ours, theirs] = [await aUser(app), await aUser(second)];
      expect([(await me(ours.accessToken)).status, (await me(theirs.accessToken)).status]).toEqual([200, 401]);
      expect([(await me(ours.accessToken, second)).status, (await me(theirs.accessToken, second)).status]).toEqual([401, 200]);
    } finally {
      await second.close();
    }
    expect((await me((await aUser(app)).accessToken)).status).toBe(200);
  });
});

/** An answer without what differs from one occurrence to the next. */
function withoutOccurrence<Body extends object>({ status, headers, body }: Answer<Body>) {
  const { 'x-request-id': _id, date: _date, ratelimit: _left, ...same } = headers;
  const { requestId: _requestId, ...rest } = body as Body & { requestId?: string; instance?: string };
  return { status, headers: same, body: rest as Record<string, unknown> };
}
