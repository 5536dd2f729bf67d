import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ApiKeyList, ApiKeyResponse, ApiKeySecretResponse } from '../src/auth/api-keys.dto.js';
import type { NotificationList } from '../src/notifications/notifications.dto.js';
import { newApiKey } from '#security';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aPost, aSession, aUser, type Person } from './harness/people.js';
import { openStream } from './harness/stream.js';

const WITHIN_A_SECOND = 1_500; // the promise, and room for a slow machine

let app: TestApp;
/** Another process on the same database, as far as its memory goes. */
let other: TestApp;
let admin: Person;

beforeAll(async () => {
  const patience = { AUTH_LOGIN_FAILURES_PER_WINDOW: '100000' }; // with who asks again and again whether a key is dead
  app = await startApp(patience);
  other = await startApp({ DATABASE_URL: app.databaseUrl, ROLE: 'api', ...patience });
  admin = await anAdmin(app);
}, 60_000);

afterAll(async () => {
  await other.close();
  await app.close();
});

const sql = (text: string, ...values: unknown[]) => query(app.databaseUrl, text, values);
const make = (by: Person, body: object) => app.request<ApiKeySecretResponse>('POST', 'auth/api-keys', { token: by.accessToken, body });
const aKey = async (by: Person, scopes: string[] = [], more: object = {}) => (await make(by, { name: 'A scanner', scopes, ...more })).body;
const list = async (by: Person) => (await app.request<ApiKeyList>('GET', 'auth/api-keys', { token: by.accessToken })).body.items;
const me = (token: string, at: TestApp = app) => at.request<{ id: string }>('GET', 'users/me', { token });
const refusal = ({ status, body }: { status: number; body: unknown }) => [status, (body as { code: string }).code];
const suspend = (id: string, status = 'suspended') => app.request('PATCH', `users/${id}`, { token: admin.accessToken, body: { status } });

async function expectDead(key: string): Promise<void> {
  for (const at of [app, other]) await eventually(async () => (await me(key, at)).status === 401, WITHIN_A_SECOND);
  expect(refusal(await app.request('GET', 'users/me', { token: key }))).toEqual([401, 'auth/invalid-token']);
}

async function expectAlive(key: string): Promise<void> {
  for (const at of [app, other]) expect((await me(key, at)).status).toBe(200);
}

describe('an API key', () => {
  it('is shown once, to who makes it, and kept as a hash', async () => {
    const person = await aUser(app);
    const { status, headers, body } = await make(person, {
      name: 'A scanner',
      scopes: ['orders:place'],
      expiresAt: '2099-01-01T00:00:00Z',
    });
    expect([status, headers.location]).toEqual([201, `http://localhost/api/v1/auth/api-keys/${body.id}`]);
    const { key, ...rest } = body;
    expect(key).toMatch(/^ash_[0-9A-Za-z]{49}$/);
    expect(rest).toEqual({
      id: expect.any(String),
      name: 'A scanner',
      prefix: key.slice(0, 10),
      scopes: ['orders:place'],
      expiresAt: '2099-01-01T00:00:00.000Z',
      lastUsedAt: null,
      rotatedAt: null,
      formerUntil: null,
      createdAt: expect.any(String),
    });
    expect(await list(person)).toEqual([rest]);
    expect((await app.request('GET', `auth/api-keys/${rest.id}`, { token: person.accessToken })).body).toEqual(rest);
    const everything = JSON.stringify([
      await sql('SELECT a::text FROM api_keys a'),
      await sql('SELECT a::text FROM audit_entries a'),
      await sql('SELECT e::text FROM events e'),
    ]);
    expect(everything).not.toContain(key.slice(10));
  });

  it('works wherever an access token does, in every process, and says when it was last used', async () => {
    const person = await aUser(app);
    const { key, id } = await aKey(person, ['posts:write']);
    await expectAlive(key);
    expect((await me(key)).body.id).toBe(person.id);
    expect((await app.request('GET', 'users/me', { headers: { authorization: `bearer ${key}` } })).status).toBe(200);
    expect((await app.request('POST', 'posts', { token: key, body: { title: 'By a machine', body: 'x' } })).status).toBe(201);
    const [{ lastUsedAt }] = (await list(person)) as [ApiKeyResponse];
    expect(Date.now() - new Date(lastUsedAt!).getTime()).toBeLessThan(60_000);
    await sql(`UPDATE api_keys SET last_used_at = now() - interval '30 seconds' WHERE id = $1`, id);
    const before = (await list(person))[0]!.lastUsedAt;
    await sql(`SELECT pg_notify('ashlar', 'session ' || $1)`, id);
    await me(key);
    expect((await list(person))[0]!.lastUsedAt).toEqual(before); // once a minute is enough
  });

  it('counts as a bearer token in the Authorization header, and nowhere else', async () => {
    const { key } = await aKey(await aUser(app));
    for (const headers of [
      { authorization: key },
      { authorization: `ApiKey ${key}` },
      { authorization: `Basic ${key}` },
      { 'x-api-key': key },
    ])
      expect((await app.request('GET', 'users/me', { headers: headers as unknown as Record<string, string> })).status).toBe(401);
  });

  it('may do what its scopes name of what its owner may, at the time', async () => {
    const support = await aUser(app, { roles: ['support'] });
    const { key } = await aKey(support, ['users:read']);
    const none = await aKey(support, []);
    const read = (token: string, path = 'users') => app.request('GET', path, { token });
    expect((await read(key)).status).toBe(200);
    expect(refusal(await read(none.key))).toEqual([403, 'auth/forbidden']);
    expect(refusal(await app.request('POST', 'posts', { token: key, body: { title: 'x', body: 'y' } }))).toEqual([403, 'auth/forbidden']);
    const roles = (names: string[]) => app.request('PATCH', `users/${support.id}`, { token: admin.accessToken, body: { roles: names } });
    await roles(['customer']);
    await eventually(async () => (await read(key)).status === 403, WITHIN_A_SECOND);
    await roles(['admin']);
    await eventually(async () => (await read(key)).status === 200, WITHIN_A_SECOND);
    expect((await read(key, 'roles')).status).toBe(403); // the owner may, the key was not made for it
  });

  it('cannot be made with what its owner may not do, or nobody, or too late', async () => {
    const person = await aUser(app);
    const refused = await make(person, { name: 'x', scopes: ['orders:place', 'users:manage', 'nobody:knows'] });
    expect(refused).toMatchObject({
      status: 422,
      body: {
        code: 'auth/scope-refused',
        errors: [
          { pointer: '/scopes/1', code: 'beyond-yours' },
          { pointer: '/scopes/2', code: 'unknown' },
        ],
      },
    });
    expect(refusal(await make(person, { name: 'x', scopes: [], expiresAt: '2020-01-01T00:00:00Z' }))).toEqual([422, 'auth/expiry-passed']);
    for (const body of [
      {},
      { name: 'x' },
      { name: '', scopes: [] },
      { name: 'x', scopes: 'all' },
      { name: 'x', scopes: ['*'] },
      { name: 'x', scopes: [], userId: admin.id },
    ])
      expect((await make(person, body)).status).toBe(400);
    expect(await list(person)).toEqual([]);
  });

  it('never manages how somebody logs in', async () => {
    const person = await aUser(app);
    const { key, id } = await aKey(person, ['posts:write']);
    for (const [method, path, body] of [
      ['GET', 'auth/api-keys'],
      ['POST', 'auth/api-keys', { name: 'x', scopes: [] }],
      ['POST', `auth/api-keys/${id}/rotation`, {}],
      ['DELETE', `auth/api-keys/${id}`],
      ['GET', 'auth/sessions'],
      ['DELETE', 'auth/sessions'],
      ['DELETE', `auth/sessions/${person.sessionId}`],
      ['POST', 'auth/logout'],
      ['POST', 'auth/step-up', { password: person.password }],
      ['POST', 'auth/password/change', { currentPassword: person.password, newPassword: 'six yellow lanterns over water' }],
      ['DELETE', 'users/me'],
      ['POST', 'events/tickets'],
    ] as const)
      expect([method, path, ...refusal(await app.request(method, path, { token: key, body }))]).toEqual([
        method,
        path,
        403,
        'auth/session-required',
      ]);
    await expectAlive(key);
  });

  it('is made, rotated and deleted only by who has just proven who they are', async () => {
    const person = await aUser(app);
    const { id } = await aKey(person);
    await sql(`UPDATE sessions SET proven_at = now() - interval '11 minutes' WHERE user_id = $1`, person.id);
    await sql(`SELECT pg_notify('ashlar', 'session ' || $1)`, person.sessionId);
    await eventually(
      async () => (await app.request('DELETE', 'users/me', { token: person.accessToken, headers: { 'if-match': '"99"' } })).status === 403,
      WITHIN_A_SECOND,
    );
    expect(refusal(await make(person, { name: 'x', scopes: [] }))).toEqual([403, 'auth/step-up-required']);
    for (const [method, path] of [
      ['POST', `auth/api-keys/${id}/rotation`],
      ['DELETE', `auth/api-keys/${id}`],
    ] as const)
      expect(refusal(await app.request(method, path, { token: person.accessToken }))).toEqual([403, 'auth/step-up-required']);
    expect(await list(person)).toHaveLength(1);
  });

  it('is nobody else’s to see, to rotate or to delete', async () => {
    const [person, stranger] = [await aUser(app), await aUser(app)];
    const { id, key } = await aKey(person);
    for (const by of [stranger, admin])
      for (const [method, path] of [
        ['GET', `auth/api-keys/${id}`],
        ['POST', `auth/api-keys/${id}/rotation`],
        ['DELETE', `auth/api-keys/${id}`],
      ] as const)
        expect(refusal(await app.request(method, path, { token: by.accessToken }))).toEqual([404, 'auth/api-key-not-found']);
    expect(await list(stranger)).toEqual([]);
    await expectAlive(key);
  });

  it('is told of by a notification that nobody can turn off, and leaves entries in the audit log', async () => {
    const person = await aUser(app);
    const { id } = await aKey(person);
    await app.request('POST', `auth/api-keys/${id}/rotation`, { token: person.accessToken });
    const told = async () =>
      (await app.request<NotificationList>('GET', 'notifications', { token: person.accessToken })).body.items.map(({ kind }) => kind);
    await eventually(async () => (await told()).length === 2);
    expect((await told()).sort()).toEqual(['api-key.created', 'api-key.rotated']);
    await app.request('DELETE', `auth/api-keys/${id}`, { token: person.accessToken });
    const entries = await sql('SELECT action, actor_id FROM audit_entries WHERE resource_id = $1 ORDER BY id', id);
    expect(entries).toEqual(
      ['auth.api-key-created', 'auth.api-key-rotated', 'auth.api-key-deleted'].map((action) => ({ action, actor_id: person.id })),
    );
  });

  it('cannot be had in any number', async () => {
    const few = await startApp({ DATABASE_URL: app.databaseUrl, ROLE: 'api', AUTH_API_KEYS_PER_USER: '3' });
    try {
      const person = await aUser(app);
      const call = { token: person.accessToken, body: { name: 'x', scopes: [] } };
      const answers = await Promise.all(Array.from({ length: 12 }, () => few.request('POST', 'auth/api-keys', call)));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
      for (const answer of answers.filter(({ status }) => status !== 201)) expect(refusal(answer)).toEqual([409, 'auth/too-many-api-keys']);
    } finally {
      await few.close();
    }
  });
});

describe('an API key ends', () => {
  it('everywhere within a second when it is deleted', async () => {
    const person = await aUser(app);
    const { id, key } = await aKey(person);
    await expectAlive(key);
    expect((await app.request('DELETE', `auth/api-keys/${id}`, { token: person.accessToken })).status).toBe(204);
    await expectDead(key);
    expect((await app.request('DELETE', `auth/api-keys/${id}`, { token: person.accessToken })).status).toBe(404);
  });

  it('everywhere within a second even when nobody signals it', async () => {
    const { id, key } = await aKey(await aUser(app));
    await expectAlive(key);
    await sql('DELETE FROM api_keys WHERE id = $1', id);
    await expectDead(key);
  });

  it('while its owner is suspended, and for good when they are deleted', async () => {
    const person = await aUser(app);
    const { key } = await aKey(person);
    await expectAlive(key);
    expect((await suspend(person.id)).status).toBe(200);
    await expectDead(key);
    await suspend(person.id, 'active');
    await eventually(async () => (await me(key)).status === 200, WITHIN_A_SECOND);
    const { accessToken } = await aSession(app, person.id);
    expect((await app.request('DELETE', 'users/me', { token: accessToken })).status).toBe(204);
    await expectDead(key);
    expect(await sql('SELECT id FROM api_keys WHERE user_id = $1', person.id)).toEqual([]);
  });

  it('when it expires', async () => {
    const person = await aUser(app);
    const { key, id } = await aKey(person, [], { expiresAt: '2099-01-01T00:00:00Z' });
    await expectAlive(key);
    await sql('UPDATE api_keys SET expires_at = now() WHERE id = $1', id);
    await expectDead(key);
    expect((await app.request('POST', `auth/api-keys/${id}/rotation`, { token: person.accessToken })).status).toBe(404);
    expect(await list(person)).toHaveLength(1); // to be seen and deleted
  });

  it('with the event stream it has opened', async () => {
    const person = await aUser(app);
    const { key, id } = await aKey(person);
    const stream = await openStream(app.url, { token: key });
    expect(stream.status).toBe(200);
    expect((await app.request('DELETE', `auth/api-keys/${id}`, { token: person.accessToken })).status).toBe(204);
    await eventually(() => stream.over(), 3_000);
  });

  it('after its overlap when it is rotated, or at once', async () => {
    const person = await aUser(app);
    const first = await aKey(person, ['posts:write']);
    const rotate = async (body: object) =>
      (await app.request<ApiKeySecretResponse>('POST', `auth/api-keys/${first.id}/rotation`, { token: person.accessToken, body })).body;
    const second = await rotate({ overlapSeconds: 60 });
    expect(second).toMatchObject({
      id: first.id,
      name: first.name,
      scopes: first.scopes,
      rotatedAt: expect.any(String),
      formerUntil: expect.any(String),
    });
    expect(second.key).not.toBe(first.key);
    await expectAlive(first.key);
    await expectAlive(second.key);
    await sql('UPDATE api_keys SET former_until = now() WHERE id = $1', first.id);
    await expectDead(first.key);
    await expectAlive(second.key);
    const third = await rotate({ overlapSeconds: 0 });
    expect(third.formerUntil).toBeNull();
    await expectDead(second.key);
    await expectAlive(third.key);
  });
});

describe('guessing API keys', () => {
  it('costs a budget of the address, over all processes; what was mistyped costs nothing, and a good key goes on', async () => {
    const settings = { DATABASE_URL: app.databaseUrl, ROLE: 'api', AUTH_LOGIN_FAILURES_PER_WINDOW: '1' };
    const limited = await Promise.all([startApp(settings), startApp(settings)]);
    try {
      const { key } = await aKey(await aUser(app));
      await sql(`DELETE FROM budgets WHERE bucket LIKE 'api-key-from%'`);
      for (let n = 0; n < 30; n++) expect((await me(`${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`, limited[0])).status).toBe(401);
      const guesses = await Promise.all(Array.from({ length: 40 }, (_, n) => me(newApiKey(), limited[n % 2])));
      expect(guesses.filter(({ status }) => status === 401)).toHaveLength(10);
      for (const guess of guesses.filter(({ status }) => status !== 401)) {
        expect(refusal(guess)).toEqual([429, 'auth/too-many-attempts']);
        expect(Number(guess.headers['retry-after'])).toBeGreaterThan(0);
      }
      for (const at of limited) expect((await me(key, at)).status).toBe(200);
    } finally {
      await Promise.all(limited.map((at) => at.close()));
    }
  });
});

describe('what is held about somebody', () => {
  it('names their API keys without the hashes', async () => {
    const person = await aUser(app);
    const { key, id } = await aKey(person, ['posts:write']);
    await aPost(app, person);
    const { ApiKeysPrivacy } = await import('../src/auth/api-keys.privacy.js');
    const files = [];
    for await (const file of app.get(ApiKeysPrivacy).export(person.id, app.prisma)) files.push(file);
    const rows = [];
    for await (const row of (files[0] as { rows: AsyncIterable<object> }).rows) rows.push(row);
    expect(rows).toMatchObject([{ id, prefix: key.slice(0, 10), scopes: ['posts:write'] }]);
    expect(Object.keys(rows[0]!).filter((name) => /hash/i.test(name))).toEqual([]);
  });
});
