import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MeResponse, UserList, UserResponse } from '../src/users/users.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { aSession, aUser, anAdmin, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
}, 60_000);

afterAll(() => app.close());

const get = <Body = UserResponse>(path: string, by?: Person) => app.request<Body>('GET', path, { token: by?.accessToken });
const patch = (path: string, body: unknown, by?: Person, headers = {}) =>
  app.request<UserResponse>('PATCH', path, { token: by?.accessToken, body, headers });
const refused = (method: string, path: string, body?: unknown, by?: Person) => app.request(method, path, { token: by?.accessToken, body });

const MEMBERS = [
  'id',
  'email',
  'name',
  'emailVerified',
  'roles',
  'mfaEnabled',
  'status',
  'externalId',
  'metadata',
  'version',
  'createdAt',
  'updatedAt',
];

describe('my profile', () => {
  it('is mine to read, and says nothing that is not mine to know', async () => {
    const person = await aUser(app);
    const { status, headers, body } = await get('users/me', person);
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([...MEMBERS, 'impersonatedBy']);
    expect(body).toMatchObject({
      id: person.id,
      email: person.email,
      name: person.name,
      emailVerified: false,
      roles: ['customer'],
      mfaEnabled: false,
      status: 'active',
      externalId: null,
      metadata: {},
      version: 1,
    });
    expect(body.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(headers).toMatchObject({ etag: expect.stringMatching(/^"1-[\w-]{22}"$/), 'cache-control': 'no-store' });
  });

  it('is mine to change: what is absent stays', async () => {
    const person = await aUser(app);
    const changed = await patch('users/me', { name: '  Zoe\u0308 King ', metadata: { crmId: '4711' } }, person);
    expect(changed).toMatchObject({
      status: 200,
      body: { name: 'Zoë King', metadata: { crmId: '4711' }, email: person.email, version: 2 },
      headers: { etag: expect.stringMatching(/^"2-/) },
    });
    expect((await patch('users/me', { metadata: {} }, person)).body).toMatchObject({ name: 'Zoë King', metadata: {}, version: 3 });
    expect(await patch('users/me', undefined, person)).toMatchObject({ status: 200, body: { name: 'Zoë King' } });
  });

  it('needs a login', async () => {
    for (const method of ['GET', 'PATCH'])
      expect(await refused(method, 'users/me')).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer' },
        body: { code: 'auth/unauthenticated' },
      });
  });

  it.each<[string, object]>([
    ['roles', { roles: ['admin'] }],
    ['email', { email: 'root@example.org' }],
    ['id', { id: randomUUID() }],
    ['version', { version: 99 }],
    ['status', { status: 'active' }],
    ['emailVerified', { emailVerified: true }],
    ['emailVerifiedAt', { emailVerifiedAt: '2020-01-01T00:00:00.000Z' }],
    ['externalId', { externalId: 'mine' }],
    ['createdAt', { createdAt: '2020-01-01T00:00:00.000Z' }],
    ['password', { password: { update: { hash: 'x' } } }],
    ['sessions', { sessions: { deleteMany: {} } }],
    ['posts', { posts: { connect: [{ id: randomUUID() }] } }],
  ])('does not let me set my %s', async (member, body) => {
    const person = await aUser(app);
    expect(await patch('users/me', { name: 'Mallory', ...body }, person)).toMatchObject({
      status: 400,
      body: { code: 'http/validation-failed', errors: [{ pointer: `/${member}`, code: 'unknown' }] },
    });
    expect((await get('users/me', person)).body).toMatchObject({ name: person.name, roles: ['customer'], version: 1 });
  });

  it.each<[string, object, string]>([
    ['no name', { name: '' }, '/name'],
    ['null for a name', { name: null }, '/name'],
    ['a number for a name', { name: 1 }, '/name'],
    ['a name without end', { name: 'a'.repeat(101) }, '/name'],
    ['a name of two lines', { name: 'a\nb' }, '/name'],
    ['null for metadata', { metadata: null }, '/metadata'],
    ['a list for metadata', { metadata: ['a'] }, '/metadata'],
    ['metadata that nests', { metadata: { a: { b: 'c' } } }, '/metadata'],
    ['metadata of 51 members', { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, place) => [`m${place}`, ''])) }, '/metadata'],
  ])('is refused with %s', async (_, body, pointer) => {
    expect(await patch('users/me', body, await aUser(app))).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  });

  it('changes only from the version I have seen, where I say which', async () => {
    const person = await aUser(app);
    const { etag } = (await get('users/me', person)).headers;
    expect((await patch('users/me', { name: 'Second' }, person, { 'if-match': etag })).status).toBe(200);
    expect(await patch('users/me', { name: 'Third' }, person, { 'if-match': etag })).toMatchObject({
      status: 412,
      body: { code: 'http/stale-version' },
    });
    expect((await patch('users/me', { name: 'Third' }, person, { 'if-match': '"1"' })).status).toBe(412);
    expect((await patch('users/me', { name: 'Third' }, person, { 'if-match': 'nonsense' })).status).toBe(412);
    expect((await patch('users/me', { name: 'Third' }, person, { 'if-match': '"2"' })).status).toBe(200);
    expect((await patch('users/me', { name: 'Fourth' }, person, { 'if-match': '"1", "3-whatever"' })).status).toBe(200);
    expect((await patch('users/me', { name: 'Fifth' }, person, { 'if-match': '*' })).body).toMatchObject({ name: 'Fifth', version: 5 });
  });

  it('takes one of many changes from the same version', async () => {
    const person = await aUser(app);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, place) => patch('users/me', { name: `Try ${place}` }, person, { 'if-match': '"1"' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(412)]);
    expect((await get('users/me', person)).body.version).toBe(2);
  });
});

describe('the list of users', () => {
  const list = (search: string, by: Person) => app.request<UserList>('GET', `users?${search}`, { token: by.accessToken });
  const ids = ({ items }: UserList) => items.map(({ id }) => id);

  it('is for staff', async () => {
    const [admin, support, editor, customer] = [
      await anAdmin(app),
      await aUser(app, { roles: ['support'] }),
      await aUser(app, { roles: ['editor'] }),
      await aUser(app),
    ];
    for (const staff of [admin, support]) expect((await list('', staff)).status).toBe(200);
    for (const other of [editor, customer])
      expect(await refused('GET', 'users', undefined, other)).toMatchObject({ status: 403, body: { code: 'auth/forbidden' } });
    expect((await refused('GET', 'users')).status).toBe(401);
  });

  it('shows of everybody what they see of themselves', async () => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    const { body, text } = await list(`q=${person.email}`, admin);
    const { impersonatedBy: _, ...own } = (await get<MeResponse>('users/me', person)).body;
    expect(body).toEqual({ items: [own], nextCursor: null });
    expect(text).not.toContain('argon2');
  });

  it('is paged, newest first, each user once, though others join meanwhile', async () => {
    const admin = await anAdmin(app);
    const mark = unique();
    const people: string[] = [];
    for (let place = 0; place < 7; place++) people.unshift((await aUser(app, { name: `Page ${mark}` })).id);
    const seen: string[] = [];
    let path = `users?q=${mark}&limit=3`;
    for (let page = 0; path !== ''; page++) {
      const { status, headers, body } = await app.request<UserList>('GET', path, { token: admin.accessToken });
      expect(status).toBe(200);
      seen.push(...ids(body));
      await aUser(app, { name: `Page ${mark}` });
      const [, next = ''] = /^<http:\/\/localhost(.*)>; rel="next"$/.exec(headers.link ?? '') ?? [];
      expect(next).toBe(body.nextCursor === null ? '' : `/api/v1/users?q=${mark}&limit=3&cursor=${body.nextCursor}`);
      path = next;
      expect(page).toBeLessThan(3);
    }
    expect(seen).toEqual(people);
    expect(ids((await list(`q=${mark}&sort=createdAt&limit=7`, admin)).body)).toEqual(people.toReversed());
  });

  it('can be narrowed by words, role and status', async () => {
    const [admin, mark] = [await anAdmin(app), unique()];
    const editor = await aUser(app, { name: `Ada ${mark}`, roles: ['editor', 'customer'] });
    const customer = await aUser(app, { email: `${mark}@example.org` });
    await app.request('PATCH', `users/${customer.id}`, { token: admin.accessToken, body: { status: 'suspended' } });
    expect(ids((await list(`q=${mark}`, admin)).body)).toEqual([customer.id, editor.id]);
    expect(ids((await list(`q=ADA%20${mark.toUpperCase()}`, admin)).body)).toEqual([editor.id]);
    expect(ids((await list(`q=${mark}&role=editor`, admin)).body)).toEqual([editor.id]);
    expect(ids((await list(`q=${mark}&status=suspended`, admin)).body)).toEqual([customer.id]);
    expect(ids((await list(`q=${mark}&status=suspended&role=editor`, admin)).body)).toEqual([]);
  });

  it('takes what is searched for literally', async () => {
    const [admin, mark] = [await anAdmin(app), unique()];
    const person = await aUser(app, { name: `100%_${mark}\\` });
    await aUser(app, { name: `100 of ${mark}` });
    for (const words of [`100%_${mark}`, `%_${mark}\\`])
      expect(ids((await list(`q=${encodeURIComponent(words)}`, admin)).body)).toEqual([person.id]);
    for (const words of ['%%%', `100_of_${mark}`, `' OR 1=1 --`])
      expect(ids((await list(`q=${encodeURIComponent(words)}`, admin)).body)).toEqual([]);
  });

  it.each([
    ['limit=0', '?limit'],
    ['limit=101', '?limit'],
    ['limit=', '?limit'],
    ['limit=1e1', '?limit'],
    ['limit=1&limit=2', '?limit'],
    ['role=Root', '?role'],
    ['role=admin&role=editor', '?role'],
    ['status=deleted', '?status'],
    ['sort=email', '?sort'],
    ['sort=password', '?sort'],
    ['q=', '?q'],
    ['q[contains]=a', '?q[contains]'],
    ['password[startsWith]=a', '?password[startsWith]'], // Strapi CVE-2026-27886
    ['where[sessions][some][refreshHash]=a', '?where[sessions][some][refreshHash]'],
    ['include=sessions', '?include'],
    ['page=2', '?page'],
  ])('is refused with ?%s', async (search, pointer) => {
    expect(await refused('GET', `users?${search}`, undefined, await anAdmin(app))).toMatchObject({
      status: 400,
      body: { code: 'http/validation-failed', errors: [{ pointer }] },
    });
  });

  const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');

  it.each([
    ['nothing like one', 'abc'],
    ['an object', Buffer.from('{"id":1}').toString('base64url')],
    ['one of another sort', cursor('createdAt', '2026-01-01T00:00:00.000Z', randomUUID())],
    ['one whose time is none', cursor('-createdAt', 'yesterday', randomUUID())],
    ['one whose time is an operator', cursor('-createdAt', { gt: 0 }, randomUUID())],
    ['one whose time is no date', cursor('-createdAt', '2026-99-99T00:00:00.000Z', randomUUID())],
    ['one whose id is none', cursor('-createdAt', '2026-01-01T00:00:00.000Z', `' OR true --`)],
    ['one with a member more', cursor('-createdAt', '2026-01-01T00:00:00.000Z', randomUUID(), 1)],
  ])('refuses as a cursor %s', async (_, text) => {
    expect(await refused('GET', `users?cursor=${text}`, undefined, await anAdmin(app))).toMatchObject({
      status: 400,
      body: { code: 'http/invalid-cursor' },
    });
  });
});

describe('a user', () => {
  it('is staff’s to read', async () => {
    const [support, person] = [await aUser(app, { roles: ['support'] }), await aUser(app)];
    const { status, headers, body } = await get(`users/${person.id}`, support);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ etag: expect.stringMatching(/^"1-/), 'cache-control': 'no-store' });
    expect({ ...body, impersonatedBy: null }).toEqual((await get('users/me', person)).body);
    expect((await get(`users/${person.id.toUpperCase()}`, support)).body.id).toBe(person.id);
  });

  it('is nobody else’s to read or change', async () => {
    const [person, stranger, support] = [await aUser(app), await aUser(app), await aUser(app, { roles: ['support'] })];
    for (const by of [stranger, person]) expect((await refused('GET', `users/${person.id}`, undefined, by)).status).toBe(403);
    for (const by of [stranger, person, support])
      expect(await refused('PATCH', `users/${person.id}`, { roles: ['admin'] }, by)).toMatchObject({
        status: 403,
        body: { code: 'auth/forbidden' },
      });
    expect((await refused('GET', `users/${person.id}`)).status).toBe(401);
    expect((await refused('PATCH', `users/${person.id}`, { roles: ['admin'] })).status).toBe(401);
    expect((await get('users/me', person)).body).toMatchObject({ roles: ['customer'], version: 1 });
  });

  it('that does not exist is not found, and what is no id is none', async () => {
    const admin = await anAdmin(app);
    for (const method of ['GET', 'PATCH']) {
      const body = method === 'PATCH' ? { name: 'Nobody' } : undefined;
      expect(await refused(method, `users/${randomUUID()}`, body, admin)).toMatchObject({ status: 404, body: { code: 'users/not-found' } });
      expect(await refused(method, 'users/1', body, admin)).toMatchObject({
        status: 400,
        body: { code: 'http/validation-failed', errors: [{ pointer: '/id' }] },
      });
    }
  });

  it('is an administrator’s to change, from the version they have seen', async () => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    const externalId = `crm-${unique()}`;
    const changed = await patch(`users/${person.id}`, { roles: ['editor', 'customer'], name: 'Ada King', externalId }, admin, {
      'if-match': '"1"',
    });
    expect(changed).toMatchObject({
      status: 200,
      body: { roles: ['editor', 'customer'], name: 'Ada King', externalId, version: 2, status: 'active' },
    });
    expect((await patch(`users/${person.id}`, { name: 'Eve' }, admin, { 'if-match': '"1"' })).status).toBe(412);
    expect((await patch(`users/${person.id}`, { externalId: null }, admin)).body).toMatchObject({ externalId: null, name: 'Ada King' });
  });

  it('has an external id that nobody else has', async () => {
    const [admin, first, second] = [await anAdmin(app), await aUser(app), await aUser(app)];
    const externalId = `crm-${unique()}`;
    await patch(`users/${first.id}`, { externalId }, admin);
    expect(await patch(`users/${second.id}`, { externalId }, admin)).toMatchObject({
      status: 409,
      body: { code: 'users/external-id-taken' },
    });
    expect((await get(`users/${second.id}`, admin)).body).toMatchObject({ externalId: null, version: 1 });
  });

  it.each<[string, object, string]>([
    ['an unknown role', { roles: ['root'] }, '/roles/0'],
    ['no role', { roles: [] }, '/roles'],
    ['one role twice', { roles: ['editor', 'editor'] }, '/roles'],
    ['a role for a list', { roles: 'admin' }, '/roles'],
    ['null for roles', { roles: null }, '/roles'],
    ['an unknown status', { status: 'deleted' }, '/status'],
    ['an empty external id', { externalId: '' }, '/externalId'],
    ['another address', { email: 'root@example.org' }, '/email'],
    ['another version', { version: 7 }, '/version'],
    ['a password', { password: 'nine quiet herons wade' }, '/password'],
  ])('cannot be given %s', async (_, body, pointer) => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    expect(await patch(`users/${person.id}`, body, admin)).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  });

  it('who is suspended comes back with a new login only', async () => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    const login = () => app.request('POST', 'auth/login', { body: { email: person.email, password: person.password } });
    expect((await patch(`users/${person.id}`, { status: 'suspended' }, admin)).body.status).toBe('suspended');
    expect((await login()).status).toBe(401);
    expect((await get('users/me', person)).status).toBe(401);
    expect((await patch(`users/${person.id}`, { status: 'active' }, admin)).body.status).toBe('active');
    expect((await login()).status).toBe(200);
    expect((await get('users/me', person)).status).toBe(401);
    expect((await app.request('POST', 'auth/refresh', { body: { refreshToken: person.refreshToken } })).status).toBe(401);
  });
});

describe('erasing', () => {
  const erase = (path: string, by?: Person, headers = {}) => app.request('DELETE', path, { token: by?.accessToken, headers });

  it('ends an account that is mine, and at once', async () => {
    const person = await aUser(app);
    const elsewhere = await aSession(app, person.id);
    expect(await erase('users/me', person)).toMatchObject({ status: 204, text: '' });
    for (const token of [person.accessToken, elsewhere.accessToken])
      expect((await app.request('GET', 'users/me', { token })).status).toBe(401);
    expect((await erase('users/me', person)).status).toBe(401);
    expect(await app.request('POST', 'auth/login', { body: { email: person.email, password: person.password } })).toMatchObject({
      status: 401,
      body: { code: 'auth/invalid-credentials' },
    });
    expect((await app.request('POST', 'auth/refresh', { body: { refreshToken: person.refreshToken } })).status).toBe(401);
  });

  it('somebody else is for administrators', async () => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    expect((await erase(`users/${person.id}`)).status).toBe(401);
    for (const by of [await aUser(app), await aUser(app, { roles: ['support'] }), await aUser(app, { roles: ['editor'] })])
      expect(await erase(`users/${person.id}`, by)).toMatchObject({ status: 403, body: { code: 'auth/forbidden' } });
    expect((await get('users/me', person)).status).toBe(200);
    expect((await erase(`users/${person.id}`, admin)).status).toBe(204);
    expect((await get('users/me', person)).status).toBe(401);
    expect(await get(`users/${person.id}`, admin)).toMatchObject({ status: 404, body: { code: 'users/not-found' } });
    expect(await patch(`users/${person.id}`, { status: 'active' }, admin)).toMatchObject({ status: 404 });
  });

  it('again changes nothing; nobody is not found, and what is no id is none', async () => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    expect((await erase(`users/${person.id}`, admin)).status).toBe(204);
    expect((await erase(`users/${person.id}`, admin, { 'if-match': '"1"' })).status).toBe(204);
    expect(await erase(`users/${randomUUID()}`, admin)).toMatchObject({ status: 404, body: { code: 'users/not-found' } });
    expect((await erase('users/nobody', admin)).status).toBe(400);
  });

  it('goes from the version I have seen, where I say which', async () => {
    const person = await aUser(app);
    await patch('users/me', { name: 'Ada King' }, person);
    expect(await erase('users/me', person, { 'if-match': '"1"' })).toMatchObject({ status: 412, body: { code: 'http/stale-version' } });
    expect((await get('users/me', person)).body.name).toBe('Ada King');
    expect((await erase('users/me', person, { 'if-match': '"2"' })).status).toBe(204);
  });

  it('leaves an address, a name and an external id to others', async () => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    const externalId = unique();
    await patch(`users/${person.id}`, { externalId }, admin);
    await erase('users/me', person);
    const next = await aUser(app, { email: person.email });
    expect((await patch(`users/${next.id}`, { externalId }, admin)).body).toMatchObject({ id: next.id, email: person.email, externalId });
    const { body } = await app.request<UserList>('GET', `users?q=${encodeURIComponent(person.id)}`, { token: admin.accessToken });
    expect(body.items).toEqual([]);
  });
});

describe('the last administrator', () => {
  let alone: TestApp;
  let other: Product;

  beforeAll(async () => {
    alone = await startApp();
    other = await startProcess({ databaseUrl: alone.databaseUrl });
  }, 60_000);

  afterAll(async () => {
    await stopProcesses();
    await alone.close();
  });

  const update = (at: Pick<TestApp, 'request'>, by: string, id: string, body: object) =>
    at.request('PATCH', `users/${id}`, { token: by, body });

  it('stays active and an administrator, and of two who depose each other at once one does', async () => {
    const [first, second] = [await anAdmin(alone), await aUser(alone)];
    for (const body of [{ roles: ['customer'] }, { status: 'suspended' }, { roles: ['editor'], status: 'suspended' }]) {
      expect(await update(alone, first.accessToken, first.id, body)).toMatchObject({ status: 409, body: { code: 'users/last-admin' } });
    }
    expect((await update(alone, first.accessToken, first.id, { name: 'Still here', roles: ['admin', 'editor'] })).status).toBe(200);

    // A suspended administrator is none.
    await alone.prisma.user.update({ where: { id: second.id }, data: { roles: ['admin'], status: 'suspended' } });
    expect((await update(alone, first.accessToken, first.id, { status: 'suspended' })).status).toBe(409);

    for (let round = 0; round < 6; round++) {
      await alone.prisma.user.updateMany({ data: { roles: ['admin'], status: 'active' } });
      const [one, two] = [await aSession(alone, first.id), await aSession(alone, second.id)];
      const deposed = round % 2 ? { status: 'suspended' } : { roles: ['customer'] };
      const answers = await Promise.all([
        update(alone, one.accessToken, second.id, deposed),
        update(other, two.accessToken, first.id, deposed),
      ]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      for (const { status } of answers.filter(({ status }) => status !== 200)) expect([401, 403, 409]).toContain(status);
      expect(await alone.prisma.user.count({ where: { roles: { has: 'admin' }, status: 'active' } })).toBe(1);
    }
  });

  it('cannot be erased, and of two who erase each other at once one stays', async () => {
    await alone.prisma.user.updateMany({ where: { erasedAt: null }, data: { roles: ['customer'] } });
    const first = await anAdmin(alone);
    const erase = (at: Pick<TestApp, 'request'>, by: Person, path: string) => at.request('DELETE', path, { token: by.accessToken });
    for (const path of ['users/me', `users/${first.id}`])
      expect(await erase(alone, first, path)).toMatchObject({ status: 409, body: { code: 'users/last-admin' } });
    expect((await alone.request('GET', 'users/me', { token: first.accessToken })).status).toBe(200);

    for (let round = 0; round < 4; round++) {
      await alone.prisma.user.updateMany({ where: { erasedAt: null }, data: { roles: ['customer'] } });
      const [one, two] = [await anAdmin(alone), await anAdmin(alone)];
      const answers = await Promise.all([erase(alone, one, `users/${two.id}`), erase(other, two, `users/${one.id}`)]);
      expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
      for (const { status } of answers.filter(({ status }) => status !== 204)) expect([401, 403, 409]).toContain(status);
      expect(await alone.prisma.user.count({ where: { roles: { has: 'admin' }, status: 'active' } })).toBe(1);
    }
  });
});
