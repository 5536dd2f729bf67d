import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { ApiKeySecretResponse } from '../src/auth/api-keys.dto.js';
import type { SessionList } from '../src/auth/auth.dto.js';
import type { ImpersonationResponse } from '../src/auth/impersonations.dto.js';
import type { MeResponse } from '../src/users/users.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aSession, aUser, type Person, unique } from './harness/people.js';

const WITHIN_A_SECOND = 1_500; // the promise, and room for a slow machine

let app: TestApp;
let other: TestApp;
let admin: Person;

beforeAll(async () => {
  app = await startApp();
  other = await startApp({ DATABASE_URL: app.databaseUrl, ROLE: 'api' });
  admin = await anAdmin(app);
}, 60_000);

afterAll(async () => {
  await other.close();
  await app.close();
});

const sql = (text: string, ...values: unknown[]) => query(app.databaseUrl, text, values);
const begin = (user: { id: string }, by: { accessToken: string } = admin) =>
  app.request<ImpersonationResponse>('POST', `users/${user.id}/impersonation`, { token: by.accessToken });
const me = (token: string, at: TestApp = app) => at.request<MeResponse>('GET', 'users/me', { token });
const refusal = ({ status, body }: { status: number; body: unknown }) => [status, (body as { code: string }).code];
const update = (id: string, body: object) => app.request('PATCH', `users/${id}`, { token: admin.accessToken, body });

async function expectDead(token: string): Promise<void> {
  for (const at of [app, other]) await eventually(async () => (await me(token, at)).status === 401, WITHIN_A_SECOND);
}

describe('acting as somebody', () => {
  it('is a short session that cannot be refreshed, and says who acts: in the token, of me, and to the user', async () => {
    const person = await aUser(app);
    const { status, body } = await begin(person);
    expect(status).toBe(201);
    expect(Object.keys(body)).toEqual(['sessionId', 'user', 'accessToken', 'expiresIn']);
    expect(body).toMatchObject({ user: { id: person.id }, expiresIn: 900 });
    const claims = decodeJwt(body.accessToken);
    expect(claims).toMatchObject({ sub: person.id, sid: body.sessionId, act: { sub: admin.id } });
    expect(claims.exp! - claims.iat!).toBe(900);
    expect((await me(body.accessToken, other)).body).toMatchObject({ id: person.id, impersonatedBy: admin.id });
    expect((await me(person.accessToken)).body.impersonatedBy).toBeNull();
    const { items } = (await app.request<SessionList>('GET', 'auth/sessions', { token: person.accessToken })).body;
    expect(items.find(({ id }) => id === body.sessionId)).toMatchObject({
      impersonatedBy: admin.id,
      ip: '',
      userAgent: '',
      current: false,
    });
    expect((await app.request('DELETE', `auth/sessions/${body.sessionId}`, { token: person.accessToken })).status).toBe(204);
    await expectDead(body.accessToken);
  });

  it('does what the user may, in the audit log under the name of who does it', async () => {
    const person = await aUser(app);
    const { accessToken, sessionId } = (await begin(person)).body;
    const post = await app.request<{ id: string; author: { id: string } }>('POST', 'posts', {
      token: accessToken,
      body: { title: 'By somebody else', body: 'x' },
    });
    expect([post.status, post.body.author.id]).toEqual([201, person.id]);
    expect((await app.request('GET', 'users', { token: accessToken })).status).toBe(403); // the administrator may, the user may not
    expect(
      await sql(
        `SELECT actor_id, subject_id, after->>'actingAs' AS acting FROM audit_entries WHERE action = 'posts.created' AND resource_id = $1`,
        post.body.id,
      ),
    ).toEqual([{ actor_id: admin.id, subject_id: person.id, acting: person.id }]);
    expect(await sql(`SELECT actor_id, subject_id FROM events WHERE resource_id = $1`, post.body.id)).toMatchObject([
      { actor_id: admin.id },
    ]);
    expect(await sql(`SELECT action, actor_id, subject_id FROM audit_entries WHERE resource_id = $1`, sessionId)).toEqual([
      { action: 'auth.impersonated', actor_id: admin.id, subject_id: person.id },
    ]);
    const verification = await app.request<{ breaches?: unknown[] }>('GET', 'audit/verification', { token: admin.accessToken });
    expect(verification.status).toBe(200);
  });

  it('cannot manage how the user logs in, nor act on', async () => {
    const person = await aUser(app);
    const { id: keyId } = (
      await app.request<ApiKeySecretResponse>('POST', 'auth/api-keys', { token: person.accessToken, body: { name: 'x', scopes: [] } })
    ).body;
    const { accessToken: token } = (await begin(person)).body;
    for (const [method, path, body] of [
      ['GET', 'auth/api-keys'],
      ['POST', 'auth/api-keys', { name: 'x', scopes: [] }],
      ['POST', `auth/api-keys/${keyId}/rotation`, {}],
      ['DELETE', `auth/api-keys/${keyId}`],
      ['GET', 'auth/sessions'],
      ['DELETE', 'auth/sessions'],
      ['DELETE', `auth/sessions/${person.sessionId}`],
      ['POST', 'auth/step-up', { password: person.password }],
      ['POST', 'auth/password/change', { currentPassword: person.password, newPassword: 'six yellow lanterns over water' }],
      ['DELETE', 'users/me'],
    ] as const)
      expect([path, ...refusal(await app.request(method, path, { token, body }))]).toEqual([path, 403, 'auth/impersonating']);
    const name = `helper-${unique()}`;
    const permissions = ['users:impersonate', 'posts:write', 'posts:publish', 'comments:write', 'orders:place', 'files:write'];
    await app.request('POST', 'roles', { token: admin.accessToken, body: { name, permissions } });
    await update(person.id, { roles: ['customer', name] });
    await eventually(
      async () => (await app.request('POST', `users/${admin.id}/impersonation`, { token })).body.code === 'auth/impersonating',
      WITHIN_A_SECOND,
    );
    expect((await me(token)).status).toBe(200);
  });

  it('ends by logging out, for this session alone', async () => {
    const person = await aUser(app);
    const { accessToken } = (await begin(person)).body;
    expect((await me(accessToken, other)).status).toBe(200);
    expect((await app.request('POST', 'auth/logout', { token: accessToken })).status).toBe(204);
    await expectDead(accessToken);
    expect([(await me(person.accessToken)).status, (await me(admin.accessToken)).status]).toEqual([200, 200]);
  });

  it.each([
    ['loses the permission', (boss: Person) => update(boss.id, { roles: ['support'] })],
    ['is suspended', (boss: Person) => update(boss.id, { status: 'suspended' })],
    ['is deleted', (boss: Person) => app.request('DELETE', `users/${boss.id}`, { token: admin.accessToken })],
  ])('ends everywhere within a second when who acts %s', async (_, happen) => {
    const [person, boss] = [await aUser(app), await anAdmin(app)];
    const { accessToken } = (await begin(person, boss)).body;
    for (const at of [app, other]) expect((await me(accessToken, at)).status).toBe(200);
    expect((await happen(boss)).status).toBeLessThan(300);
    await expectDead(accessToken);
    expect((await me(person.accessToken)).status).toBe(200);
  });

  it.each([
    ['becomes an administrator', (person: Person) => update(person.id, { roles: ['admin'] })],
    ['is suspended', (person: Person) => update(person.id, { status: 'suspended' })],
  ])('ends everywhere within a second when the user %s', async (_, happen) => {
    const person = await aUser(app);
    const { accessToken } = (await begin(person)).body;
    for (const at of [app, other]) expect((await me(accessToken, at)).status).toBe(200);
    await happen(person);
    await expectDead(accessToken);
  });

  it('is refused as an administrator, as who may do more, as oneself, as who is suspended or nobody', async () => {
    const [boss, suspended, person] = [await anAdmin(app), await aUser(app), await aUser(app)];
    await update(suspended.id, { status: 'suspended' });
    for (const user of [boss, admin, suspended]) expect(refusal(await begin(user))).toEqual([403, 'auth/impersonation-refused']);
    expect(refusal(await begin({ id: '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49' }))).toEqual([404, 'users/not-found']);
    const name = `helper-${unique()}`;
    const permissions = ['users:impersonate', 'posts:write', 'posts:publish', 'comments:write', 'orders:place', 'files:write'];
    await app.request('POST', 'roles', { token: admin.accessToken, body: { name, permissions } });
    const helper = await aUser(app);
    await update(helper.id, { roles: [name] });
    await eventually(async () => (await begin(person, helper)).status === 201, WITHIN_A_SECOND);
    expect(refusal(await begin(await aUser(app, { roles: ['editor'] }), helper))).toEqual([403, 'auth/impersonation-refused']);
  });

  it('is for who has the permission, has just proven who they are, and comes in person', async () => {
    const person = await aUser(app);
    for (const by of [await aUser(app), await aUser(app, { roles: ['support', 'editor'] })])
      expect(refusal(await begin(person, by))).toEqual([403, 'auth/forbidden']);
    expect((await app.request('POST', `users/${person.id}/impersonation`)).status).toBe(401);
    const scopes = ['users:impersonate'];
    const { key } = (
      await app.request<ApiKeySecretResponse>('POST', 'auth/api-keys', { token: admin.accessToken, body: { name: 'x', scopes } })
    ).body;
    expect(refusal(await begin(person, { accessToken: key }))).toEqual([403, 'auth/session-required']);
    const stale = await aSession(app, admin.id);
    await sql(`UPDATE sessions SET proven_at = now() - interval '11 minutes' WHERE id = $1`, stale.sessionId);
    expect(refusal(await begin(person, stale))).toEqual([403, 'auth/step-up-required']);
  });
});
