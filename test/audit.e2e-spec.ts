import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SYSTEM, record } from '#audit';
import { transaction } from '#database';
import type { AuditEntryList, AuditEntryResponse } from '../src/audit/audit.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aPost, aProduct, aSession, aUser, type Person, unique } from './harness/people.js';
import type { Wire } from './harness/wire.js';

type Entry = Wire<AuditEntryResponse>;
type List = Wire<AuditEntryList>;

const AGENT = 'audit-spec/1.0';
const NEW_PASSWORD = 'six yellow lanterns over water';

let app: TestApp;
let admin: Person;

beforeAll(async () => {
  app = await startApp({ AUTH_LOGIN_FAILURES_PER_WINDOW: '2' });
  admin = await anAdmin(app);
}, 30_000);

afterAll(() => app.close());

const read = async (search: string, by = admin): Promise<Entry[]> =>
  (await app.request<List>('GET', `audit?${search}`, { token: by.accessToken })).body.items;

/** Calls as somebody and returns the answer with the entries of just this call. */
async function audited(method: string, path: string, { by, body }: { by?: Person; body?: object } = {}) {
  const requestId = `spec-${unique()}`;
  const answer = await app.request<{ id: string; code: string }>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body && { body }),
    headers: { 'x-request-id': requestId, 'user-agent': AGENT, ...(method === 'POST' && by && { 'idempotency-key': unique() }) },
  });
  return { ...answer, entries: async () => (await read(`from=${started}&limit=100`)).filter((entry) => entry.requestId === requestId) };
}
const started = new Date().toISOString();

const oneOf = async (call: Promise<{ entries: () => Promise<Entry[]> }>): Promise<Entry> => {
  const { entries } = await call;
  return eventually(async () => (await entries())[0]);
};

describe('a change', () => {
  it('is kept with who made it, from where, and the members that changed', async () => {
    const person = await aUser(app, { name: 'Ada Lovelace' });
    const entry = await oneOf(audited('PATCH', `users/${person.id}`, { by: admin, body: { roles: ['editor'], name: 'Ada King' } }));
    expect(entry).toMatchObject({
      actor: { kind: 'user', id: admin.id },
      subjectId: person.id,
      action: 'users.updated',
      resource: { type: 'user', id: person.id },
      outcome: 'succeeded',
      ip: '127.0.0.1',
      userAgent: AGENT,
      before: { roles: ['customer'], name: 'Ada Lovelace' },
      after: { roles: ['editor'], name: 'Ada King' },
      personalValues: 'readable',
    });
  });

  it('is kept of a creation with everything, of long texts with their digest', async () => {
    const by = await aUser(app);
    const entry = await oneOf(audited('POST', 'posts', { by, body: { title: 'On engines', body: 'They weave.', tags: ['a'] } }));
    expect(entry).toMatchObject({ action: 'posts.created', before: null, subjectId: by.id });
    expect(entry.after).toMatchObject({
      title: 'On engines',
      tags: ['a'],
      body: { sha256: hash('sha256', 'They weave.'), length: 11 },
    });
  });

  it('is kept of a removal with what there was', async () => {
    const product = await aProduct(app, { by: admin });
    const entry = await oneOf(audited('DELETE', `products/${product.id}`, { by: admin }));
    expect(entry).toMatchObject({ action: 'products.withdrawn', before: { name: product.name, status: 'active' }, after: null });
  });

  it('that is undone leaves no entry', async () => {
    const by = await aUser(app);
    const variant = (await aProduct(app, { stock: 1 })).variants[0]!.id;
    const { status, entries } = await audited('POST', 'orders', { by, body: { items: [{ variantId: variant, quantity: 2 }] } });
    expect([status, await entries()]).toEqual([409, []]);
  });

  it('is written in the transaction that makes it', async () => {
    const resource = { type: 'test', id: unique() };
    const undone = transaction(app.prisma, async (db) => {
      await record(db, { actor: SYSTEM, action: 'tests.done', resource });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await read(`resource=test:${resource.id}`)).toEqual([]);
  });

  it('that cannot be written down is not made', async () => {
    const by = await aUser(app);
    const write = () =>
      app.request('POST', 'posts', {
        token: by.accessToken,
        body: { title: 'On proof', body: 'None.' },
        headers: { 'idempotency-key': unique() },
      });
    const left = () => query(app.databaseUrl, 'SELECT FROM posts WHERE author_id = $1', [by.id]);
    await query(app.databaseUrl, `ALTER TABLE audit_entries ADD CONSTRAINT "full" CHECK (action <> 'posts.created') NOT VALID`);
    try {
      expect((await write()).status).toBe(500);
      expect(await left()).toEqual([]);
      expect(await query(app.databaseUrl, "SELECT FROM events WHERE subject_id = $1 AND name LIKE 'post.%'", [by.id])).toEqual([]);
    } finally {
      await query(app.databaseUrl, 'ALTER TABLE audit_entries DROP CONSTRAINT "full"');
    }
    expect((await write()).status).toBe(201);
    expect(await left()).toHaveLength(1);
  });

  it('of values that nobody has declared is refused', async () => {
    const entry = { actor: SYSTEM, action: 'tests.done', resource: { type: 'test', id: '1' }, after: { secret: 'x' } } as const;
    await expect(record(app.prisma, entry)).rejects.toThrow('nobody has declared');
  });
});

describe('a log-in', () => {
  it('is kept, and so is its failure, with an address that nobody has under a name that does not tell it', async () => {
    const { id, email, password } = await aUser(app);
    expect(await oneOf(audited('POST', 'auth/login', { body: { email, password } }))).toMatchObject({
      action: 'auth.logged-in',
      actor: { kind: 'user', id },
      resource: { type: 'session' },
      after: { by: 'password' },
    });
    expect(await oneOf(audited('POST', 'auth/login', { body: { email, password: 'wrong' } }))).toMatchObject({
      action: 'auth.login-failed',
      actor: { kind: 'anonymous', id: null },
      subjectId: id,
      resource: { type: 'user', id },
      outcome: 'failed',
      ip: '127.0.0.1',
    });
    const unknown = `nobody-${unique()}@example.org`;
    const fail = () => oneOf(audited('POST', 'auth/login', { body: { email: unknown, password } }));
    const [first, second] = [await fail(), await fail()];
    expect(first).toMatchObject({ action: 'auth.login-failed', subjectId: null, resource: { type: 'address' } });
    expect(second.resource.id).toBe(first.resource.id);
    expect(JSON.stringify([first, second])).not.toContain(unknown);
  });

  it('that is refused for too many failures is kept once a minute', async () => {
    const { email } = await aUser(app);
    const attempts = [];
    for (let attempt = 0; attempt < 5; attempt++)
      attempts.push(await audited('POST', 'auth/login', { body: { email, password: 'wrong' } }));
    expect(attempts.map(({ status }) => status)).toEqual([401, 401, 429, 429, 429]);
    const limited = (await Promise.all(attempts.slice(2).map(({ entries }) => entries()))).flat();
    expect(limited).toEqual([
      expect.objectContaining({
        action: 'access.limited',
        outcome: 'denied',
        resource: { type: 'operation', id: 'POST /api/v1/auth/login' },
      }),
    ]);
  });
});

describe('a session', () => {
  it('is kept when it ends, however it does', async () => {
    const by = await aUser(app);
    const other = await aSession(app, by.id);
    expect(await oneOf(audited('DELETE', `auth/sessions/${other.sessionId}`, { by }))).toMatchObject({
      action: 'auth.session-ended',
      resource: { type: 'session', id: other.sessionId },
    });
    const third = await aSession(app, by.id);
    expect(await oneOf(audited('DELETE', 'auth/sessions', { by }))).toMatchObject({
      action: 'auth.sessions-ended',
      after: { endedSessions: [third.sessionId] },
    });
    expect(await oneOf(audited('POST', 'auth/logout', { by }))).toMatchObject({
      action: 'auth.logged-out',
      resource: { type: 'session', id: by.sessionId },
    });
  });

  it('is kept when its token was used twice', async () => {
    const { id, sessionId, refreshToken } = await aUser(app);
    await app.request('POST', 'auth/refresh', { body: { refreshToken } });
    await query(app.databaseUrl, `UPDATE sessions SET rotated_at = rotated_at - interval '1 minute' WHERE id = '${sessionId}'`);
    const entry = await oneOf(audited('POST', 'auth/refresh', { body: { refreshToken } }));
    expect(entry).toMatchObject({ action: 'auth.refresh-reused', outcome: 'failed', subjectId: id, resource: { id: sessionId } });
  });

  it('is kept when the password was changed, and so is a wrong one', async () => {
    const by = await aUser(app);
    const change = (currentPassword: string) =>
      audited('POST', 'auth/password/change', { by, body: { currentPassword, newPassword: NEW_PASSWORD } });
    expect(await oneOf(change('wrong'))).toMatchObject({ action: 'auth.password-change-failed', actor: { id: by.id }, outcome: 'failed' });
    const changed = await change(by.password);
    expect((await changed.entries()).map(({ action }) => action).sort()).toEqual(['auth.password-changed', 'auth.sessions-ended']);
  });
});

describe('a denial', () => {
  it('is kept when a permission is missing', async () => {
    const by = await aUser(app);
    const entry = await oneOf(audited('POST', 'products', { by, body: { name: 'Mug' } }));
    expect(entry).toMatchObject({
      action: 'access.denied',
      actor: { id: by.id },
      outcome: 'denied',
      resource: { type: 'operation', id: 'POST /api/v1/products' },
      after: { code: 'auth/forbidden', path: '/api/v1/products' },
    });
  });

  it('is kept when it is somebody else’s, though the answer is that there is nothing', async () => {
    const [by, other] = [await aUser(app), await aUser(app)];
    const draft = await aPost(app, other);
    expect(await oneOf(audited('GET', `posts/${draft.id}`, { by }))).toMatchObject({
      action: 'access.denied',
      after: { code: 'posts/not-found' },
    });
    const { variants } = await aProduct(app);
    const order = await audited('POST', 'orders', { by: other, body: { items: [{ variantId: variants[0]!.id, quantity: 1 }] } });
    expect(await oneOf(audited('GET', `orders/${order.body.id}`, { by }))).toMatchObject({
      action: 'access.denied',
      after: { code: 'orders/not-found', path: `/api/v1/orders/${order.body.id}` },
    });
    expect(await oneOf(audited('DELETE', `auth/sessions/${other.sessionId}`, { by }))).toMatchObject({
      after: { code: 'auth/session-not-found' },
    });
  });

  it('is none when there is nothing, or nobody is logged in', async () => {
    const by = await aUser(app);
    const draft = await aPost(app, await aUser(app));
    const calls = [await audited('GET', 'orders/0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49', { by }), await audited('GET', `posts/${draft.id}`)];
    await oneOf(audited('GET', `posts/${draft.id}`, { by })); // written after those before it would have been
    expect((await Promise.all(calls.map(({ entries }) => entries()))).flat()).toEqual([]);
  });
});

describe('the audit log', () => {
  it('is read by who has the permission, and by nobody else', async () => {
    for (const path of ['audit', 'audit/verification']) {
      expect((await app.request('GET', path)).status).toBe(401);
      for (const role of ['customer', 'editor', 'support'] as const)
        expect((await app.request('GET', path, { token: (await aUser(app, { roles: [role] })).accessToken })).status).toBe(403);
      expect((await app.request('GET', path, { token: admin.accessToken })).status).toBe(200);
    }
  });

  it('holds who read it', async () => {
    const by = await anAdmin(app);
    await read('action=orders.placed', by);
    await app.request('GET', 'audit/verification', { token: by.accessToken });
    expect(await read(`actor=${by.id}&sort=createdAt`)).toEqual([
      expect.objectContaining({ action: 'auth.logged-in' }),
      expect.objectContaining({ action: 'audit.read', after: { action: 'orders.placed' } }),
      expect.objectContaining({ action: 'audit.verified', after: expect.objectContaining({ verified: true }) }),
    ]);
  });

  it.each([
    'actor=x',
    'person=1',
    'action=orders',
    'action=orders.placed%27',
    'resource=',
    'resource=%00',
    'resource=order:%0a',
    'resource=order:%20',
    'outcome=x',
    'from=yesterday',
    'to=2030-02-30T00:00:00Z',
    'limit=101',
    'cursor=x',
    'sort=action',
    'unknown=1',
  ])('refuses the filter %s', async (search) => {
    expect((await app.request('GET', `audit?${search}`, { token: admin.accessToken })).status).toBe(400);
  });

  it('is filtered by actor, person, action, resource, outcome and time', async () => {
    const by = await aUser(app);
    const before = new Date().toISOString();
    const order = await audited('POST', 'orders', {
      by,
      body: { items: [{ variantId: (await aProduct(app)).variants[0]!.id, quantity: 1 }] },
    });
    await audited('POST', 'products', { by, body: { name: 'Mug' } });
    await audited('PATCH', `users/${by.id}`, { by: admin, body: { roles: ['customer', 'editor'] } });
    const actions = async (search: string) => (await read(search)).map(({ action }) => action);
    expect(await actions(`actor=${by.id}&from=${before}`)).toEqual(['access.denied', 'orders.placed']);
    expect(await actions(`person=${by.id}&from=${before}`)).toEqual(['users.updated', 'access.denied', 'orders.placed']);
    expect(await actions(`actor=${by.id}&outcome=denied`)).toEqual(['access.denied']);
    expect(await actions(`actor=${by.id}&action=orders.placed`)).toEqual(['orders.placed']);
    for (const resource of [order.body.id, `order:${order.body.id}`, `order/${order.body.id}`])
      expect(await actions(`resource=${resource}`)).toEqual(['orders.placed']);
    expect(await actions(`actor=${by.id}&resource=order`)).toEqual(['orders.placed']);
    expect(await actions(`actor=${by.id}&to=${before}`)).toEqual(['auth.logged-in']);
  });

  it('is paged from the newest or the oldest, each entry once', async () => {
    const by = await aUser(app);
    for (let index = 0; index < 5; index++)
      await app.request('PATCH', 'users/me', { token: by.accessToken, body: { name: `Name ${index}` } });
    for (const sort of ['createdAt', '-createdAt']) {
      const names: unknown[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Answer<List> = await app.request(
          'GET',
          `audit?person=${by.id}&action=users.updated&limit=2&sort=${sort}${cursor && `&cursor=${cursor}`}`,
          {
            token: admin.accessToken,
          },
        );
        names.push(...page.body.items.map(({ after }) => after!.name));
        cursor = page.body.nextCursor;
      }
      const expected = [0, 1, 2, 3, 4].map((index) => `Name ${index}`);
      expect(names).toEqual(sort === 'createdAt' ? expected : expected.toReversed());
    }
  });
});
