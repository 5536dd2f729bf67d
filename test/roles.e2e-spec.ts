import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { linksOf, Mailbox } from '#mail';
import type { ExplanationResponse } from '../src/auth/explanations.dto.js';
import { OneTimeTokensService } from '../src/auth/one-time-tokens.service.js';
import type { RoleList, RoleResponse } from '../src/users/roles.dto.js';
import type { UserResponse } from '../src/users/users.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aUser, type Person, unique } from './harness/people.js';

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

const call = <Body = { code: string }>(method: string, path: string, by?: Person, body?: unknown, headers = {}) =>
  app.request<Body>(method, path, { token: by?.accessToken, body, headers });
const refusal = ({ status, body }: { status: number; body: unknown }) => [status, (body as { code: string }).code];
const aName = () => `role-${unique()}`;
const make = (body: object, by = admin) => call<RoleResponse>('POST', 'roles', by, body);
const give = (user: Person, roles: string[], by = admin) => call<UserResponse>('PATCH', `users/${user.id}`, by, { roles });

async function aRole(permissions: string[]): Promise<string> {
  const { body } = await make({ name: aName(), permissions });
  return body.name;
}

/** Somebody with a role that allows just this. */
async function somebodyWith(...permissions: string[]): Promise<Person> {
  const name = await aRole(permissions);
  const person = await aUser(app);
  expect((await give(person, [name])).status).toBe(200);
  return person;
}

describe('a role', () => {
  it('is made of permissions, read, changed and deleted', async () => {
    const name = aName();
    const made = await make({ name, description: 'Packs and ships.', permissions: ['orders:read'] });
    expect([made.status, made.headers.location]).toEqual([201, `http://localhost/api/v1/roles/${name}`]);
    expect(made.body).toEqual({
      name,
      description: 'Packs and ships.',
      permissions: ['orders:read'],
      builtIn: false,
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect((await call('GET', `roles/${name}`, admin)).body).toEqual(made.body);
    const changed = await call<RoleResponse>(
      'PATCH',
      `roles/${name}`,
      admin,
      { permissions: ['orders:read', 'products:read'] },
      { 'if-match': '"1"' },
    );
    expect(changed).toMatchObject({
      status: 200,
      body: { version: 2, description: 'Packs and ships.', permissions: ['orders:read', 'products:read'] },
    });
    expect(refusal(await call('PATCH', `roles/${name}`, admin, { description: '' }, { 'if-match': '"1"' }))).toEqual([
      412,
      'http/stale-version',
    ]);
    expect(refusal(await call('DELETE', `roles/${name}`, admin, undefined, { 'if-match': '"1"' }))).toEqual([412, 'http/stale-version']);
    expect((await call('DELETE', `roles/${name}`, admin)).status).toBe(204);
    expect(refusal(await call('GET', `roles/${name}`, admin))).toEqual([404, 'roles/not-found']);
    const entries = await query(
      app.databaseUrl,
      `SELECT action, actor_id FROM audit_entries WHERE resource_type = 'role' AND resource_id = $1 ORDER BY id`,
      [name],
    );
    expect(entries).toEqual(['roles.created', 'roles.updated', 'roles.deleted'].map((action) => ({ action, actor_id: admin.id })));
    const events = await query(app.databaseUrl, `SELECT name FROM events WHERE resource_id = $1 ORDER BY id`, [name]);
    expect(events).toEqual(['role.created', 'role.updated', 'role.deleted'].map((event) => ({ name: event })));
  });

  it('is listed with those of the application, which nobody can change or delete', async () => {
    const name = await aRole([]);
    const { items } = (await call<RoleList>('GET', 'roles', admin)).body;
    expect(items.slice(0, 4).map((role) => [role.name, role.builtIn])).toEqual(
      ['admin', 'editor', 'support', 'customer'].map((role) => [role, true]),
    );
    expect(items.map((role) => role.name)).toContain(name);
    expect((await call<RoleResponse>('GET', 'roles/support', admin)).body.permissions).toContain('users:read');
    for (const role of ['admin', 'customer']) {
      expect(refusal(await call('PATCH', `roles/${role}`, admin, { permissions: [] }))).toEqual([409, 'roles/built-in']);
      expect(refusal(await call('DELETE', `roles/${role}`, admin))).toEqual([409, 'roles/built-in']);
      expect(refusal(await make({ name: role, permissions: [] }))).toEqual([409, 'roles/exists']);
    }
  });

  it('has one name, of one form, and permissions that there are', async () => {
    const name = await aRole([]);
    expect(refusal(await make({ name, permissions: [] }))).toEqual([409, 'roles/exists']);
    const twice = await Promise.all([1, 2, 3].map(() => make({ name: `${name}-b`, permissions: [] })));
    expect(twice.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    for (const bad of ['Admin', 'a b', '', '-a', 'a-', 'ä', 'x'.repeat(41), '__proto__', 'toString'])
      expect([bad, (await make({ name: bad, permissions: [] })).status]).toEqual([bad, 400]);
    expect(await make({ name: aName(), permissions: ['orders:read', 'all:things'] })).toMatchObject({
      status: 422,
      body: { code: 'roles/unknown-permission', errors: [{ pointer: '/permissions/1', code: 'unknown' }] },
    });
    for (const permissions of [['*'], ['orders:*'], [1], 'orders:read', null])
      expect((await make({ name: aName(), permissions })).status).toBe(400);
  });

  it('is for administrators to manage', async () => {
    const name = await aRole([]);
    for (const by of [await aUser(app), await aUser(app, { roles: ['support', 'editor'] })])
      for (const [method, path, body] of [
        ['GET', 'roles'],
        ['POST', 'roles', { name: aName(), permissions: [] }],
        ['GET', `roles/${name}`],
        ['PATCH', `roles/${name}`, { permissions: [] }],
        ['DELETE', `roles/${name}`],
      ] as const) {
        expect(refusal(await call(method, path, by, body))).toEqual([403, 'auth/forbidden']);
        expect((await call(method, path, undefined, body)).status).toBe(401);
      }
  });

  it('gives what it allows, and takes it, within a second in every process', async () => {
    const name = await aRole(['users:read']);
    const person = await aUser(app);
    const reads = (status: number) =>
      Promise.all(
        [app, other].map((at) =>
          eventually(async () => (await at.request('GET', 'users', { token: person.accessToken })).status === status, WITHIN_A_SECOND),
        ),
      );
    await reads(403);
    await give(person, ['customer', name]);
    await reads(200);
    await call('PATCH', `roles/${name}`, admin, { permissions: [] });
    await reads(403);
    await call('PATCH', `roles/${name}`, admin, { permissions: ['users:read'] });
    await reads(200);
    await query(app.databaseUrl, `UPDATE roles SET permissions = '{}' WHERE name = $1`, [name]); // which nobody signals
    await reads(403);
  });

  it('that somebody has cannot be deleted', async () => {
    const name = await aRole([]);
    const person = await aUser(app);
    await give(person, [name]);
    expect(refusal(await call('DELETE', `roles/${name}`, admin))).toEqual([409, 'roles/in-use']);
    await give(person, ['customer']);
    expect((await call('DELETE', `roles/${name}`, admin)).status).toBe(204);
  });

  it('is never given by one and deleted by another at once', async () => {
    for (let round = 0; round < 5; round++) {
      const name = await aRole([]);
      const people = await Promise.all([aUser(app), aUser(app), aUser(app)]);
      const [deleted, ...given] = await Promise.all([
        call('DELETE', `roles/${name}`, admin),
        ...people.map((person) => give(person, [name])),
      ]);
      const have = (await query<{ n: number }>(app.databaseUrl, 'SELECT count(*)::int AS n FROM users WHERE $1 = ANY (roles)', [name]))[0]!
        .n;
      expect(have).toBe(given.filter(({ status }) => status === 200).length);
      expect([deleted.status, have > 0]).toEqual(have > 0 ? [409, true] : [204, false]);
    }
  });

  it('is what users are listed by', async () => {
    const name = await aRole([]);
    const person = await aUser(app);
    await give(person, ['customer', name]);
    const { body } = await call<{ items: UserResponse[] }>('GET', `users?role=${name}`, admin);
    expect(body.items.map(({ id }) => id)).toEqual([person.id]);
    expect(await call('GET', 'users?role=nobody-knows', admin)).toMatchObject({
      status: 400,
      body: { code: 'roles/unknown', errors: [{ pointer: '?role' }] },
    });
  });

  it('that there is not cannot be given', async () => {
    const person = await aUser(app);
    expect(await give(person, ['customer', 'nobody-knows'])).toMatchObject({
      status: 400,
      body: { code: 'roles/unknown', errors: [{ pointer: '/roles/1', code: 'unknown' }] },
    });
    for (const roles of [['__proto__'], ['constructor'], [''], [null], ['Admin']])
      expect((await give(person, roles as string[])).status).toBe(400);
  });
});

describe('nobody gives what they do not have', () => {
  it('by a role that they make or change', async () => {
    const clerk = await somebodyWith('roles:manage', 'orders:read');
    const own = await make({ name: aName(), permissions: ['orders:read'] }, clerk);
    expect(own.status).toBe(201);
    expect(refusal(await make({ name: aName(), permissions: ['orders:read', 'users:manage'] }, clerk))).toEqual([
      403,
      'roles/beyond-yours',
    ]);
    const path = `roles/${own.body.name}`;
    expect(refusal(await call('PATCH', path, clerk, { permissions: ['orders:read', 'ops:manage'] }))).toEqual([403, 'roles/beyond-yours']);
    const mighty = await aRole(['ops:manage', 'orders:read']);
    expect(refusal(await call('PATCH', `roles/${mighty}`, clerk, { permissions: [] }))).toEqual([403, 'roles/beyond-yours']); // nor takes it
    expect((await call('PATCH', `roles/${mighty}`, clerk, { permissions: ['ops:manage'] })).status).toBe(200);
  });

  it('by giving somebody a role, not even themselves', async () => {
    const clerk = await somebodyWith(
      'users:manage',
      'users:read',
      'posts:write',
      'posts:publish',
      'comments:write',
      'orders:place',
      'files:write',
    );
    const [person, boss] = [await aUser(app), await anAdmin(app)];
    const mighty = await aRole(['audit:read']);
    for (const roles of [['admin'], ['support'], ['customer', mighty]]) {
      expect(refusal(await give(person, roles, clerk))).toEqual([403, 'roles/beyond-yours']);
      expect(refusal(await give(clerk, roles, clerk))).toEqual([403, 'roles/beyond-yours']);
      expect(refusal(await call('POST', 'users', clerk, { email: `i-${unique()}@example.org`, name: 'x', roles }))).toEqual([
        403,
        'roles/beyond-yours',
      ]);
    }
    const small = await aRole(['users:read']);
    expect((await give(person, ['customer', small], clerk)).status).toBe(200);
    expect(refusal(await give(boss, ['customer'], clerk))).toEqual([403, 'roles/beyond-yours']);
    expect(refusal(await call('PATCH', `users/${boss.id}`, clerk, { status: 'suspended' }))).toEqual([403, 'roles/beyond-yours']);
    expect(refusal(await call('DELETE', `users/${boss.id}`, clerk))).toEqual([403, 'roles/beyond-yours']);
    expect((await call('PATCH', `users/${person.id}`, clerk, { status: 'suspended' })).status).toBe(200);
  });

  it('by an API key, whose scopes are what it has', async () => {
    const body = { name: 'x', scopes: ['users:manage', 'users:read'] };
    const { key } = (await call<{ key: string }>('POST', 'auth/api-keys', admin, body)).body;
    const person = await aUser(app);
    const patch = (roles: string[]) => app.request('PATCH', `users/${person.id}`, { token: key, body: { roles } });
    expect(refusal(await patch(['admin']))).toEqual([403, 'roles/beyond-yours']);
    expect((await call('PATCH', `users/${person.id}`, admin, { roles: ['admin'] })).status).toBe(200);
  });
});

describe('an invitation', () => {
  const invite = (body: object, by = admin) => call<UserResponse>('POST', 'users', by, body);

  it('makes an account without a password, and a link to choose one that works once', async () => {
    const email = `i-${unique()}@example.org`;
    const { status, headers, body } = await invite({ email: ` ${email.toUpperCase()}`, name: 'Grace Hopper', roles: ['editor'] });
    expect([status, headers.location]).toEqual([201, `http://localhost/api/v1/users/${body.id}`]);
    expect(body).toMatchObject({ email, name: 'Grace Hopper', roles: ['editor'], emailVerified: false, status: 'active' });
    expect((await call('POST', 'auth/login', undefined, { email, password: 'four calm otters at dawn' })).status).toBe(401);
    const tokens = await query(
      app.databaseUrl,
      `SELECT purpose, expires_at > now() + interval '6 days' AS lasts FROM one_time_tokens WHERE user_id = $1`,
      [body.id],
    );
    expect(tokens).toEqual([{ purpose: 'password:reset', lasts: true }]);
    const mail = await eventually(async () => (await app.get(Mailbox).list(email))[0]);
    expect(mail).toMatchObject({ template: 'auth.invited', subject: 'You are invited: choose your password' });
    const [token] = linksOf(mail).map((link) => new URL(link).hash.replace('#token=', ''));
    const service = app.get(OneTimeTokensService);
    const uses = await Promise.all(Array.from({ length: 20 }, () => service.redeem('password:reset', token!)));
    expect(uses.filter((use) => use !== null)).toEqual([{ userId: body.id, data: { email: body.email } }]);
  });

  it('makes a customer unless it says otherwise, and one account for an address', async () => {
    const email = `i-${unique()}@example.org`;
    expect((await invite({ email, name: 'x' })).body.roles).toEqual(['customer']);
    expect(refusal(await invite({ email, name: 'x' }))).toEqual([409, 'auth/email-taken']);
    expect(refusal(await invite({ email: `i-${unique()}@example.org`, name: 'x', roles: ['nobody-knows'] }))).toEqual([
      400,
      'roles/unknown',
    ]);
    for (const body of [{}, { email }, { email: 'x', name: 'x' }, { email, name: 'x', roles: [] }, { email, name: 'x', password: 'x' }])
      expect((await invite(body)).status).toBe(400);
    for (const by of [await aUser(app), await aUser(app, { roles: ['support'] })])
      expect((await invite({ email, name: 'x' }, by)).status).toBe(403);
  });
});

describe('why somebody may or may not', () => {
  const ask = (search: string, by = admin) => call<ExplanationResponse>('GET', `auth/explain?${search}`, by);

  it('is told to staff', async () => {
    const name = await aRole(['orders:read']);
    const person = await aUser(app);
    await give(person, ['customer', name]);
    const resource = `order:${person.id}`;
    expect((await ask(`userId=${person.id}&permission=orders:read&resource=${resource}`)).body).toEqual({
      userId: person.id,
      permission: 'orders:read',
      resource,
      allowed: true,
      because: [`The role ${name} allows orders:read.`],
      status: 'active',
      roles: [
        { name: 'customer', builtIn: true, known: true, allows: false },
        { name, builtIn: false, known: true, allows: true },
      ],
      scope: 'Sees the orders of everybody.',
    });
    expect((await ask(`userId=${person.id}&permission=users:manage`)).body).toMatchObject({ allowed: false, resource: null });
    expect((await ask('permission=users:manage')).body).toMatchObject({ userId: admin.id, allowed: true });
    await call('PATCH', `users/${person.id}`, admin, { status: 'suspended' });
    expect((await ask(`userId=${person.id}&permission=orders:read`)).body).toMatchObject({
      allowed: false,
      status: 'suspended',
      because: [expect.stringMatching(/suspended/), expect.stringContaining(name)],
    });
  });

  it('is told to nobody else, and of nobody who is not there', async () => {
    expect((await ask('permission=orders:read', await aUser(app))).status).toBe(403);
    expect(refusal(await ask('permission=orders:read&userId=0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49'))).toEqual([404, 'users/not-found']);
    for (const search of [
      '',
      'permission=all:things',
      'permission=orders:read&userId=1',
      'permission=orders:read&resource=x',
      'permission=__proto__',
    ])
      expect([search, (await ask(search)).status]).toEqual([search, 400]);
  });
});
