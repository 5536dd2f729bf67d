import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventCatalogue, mayBeTold } from '#events';
import { ALL_PERMISSIONS } from '../src/users/roles.rules.js';
import { SandboxService } from '../src/payments/sandbox.service.js';
import { FactorsService } from '../src/auth/factors.service.js';
import { MfaTokensService } from '../src/auth/mfa-tokens.service.js';
import { startApp, type TestApp } from './harness/app.js';
import { exchange, form, upload } from './harness/uploads.js';
import { query } from './harness/database.js';
import { codeOf } from './harness/factors.js';
import { eventually } from './harness/eventually.js';
import { aCode } from './harness/identities.js';
import { actorOf, anAdmin, aPost, aProduct, aSession, aUser, PASSWORD, type Person, unique } from './harness/people.js';
import { answers, aReceiver, closeReceivers } from './harness/receiver.js';
import { fire } from './harness/schedules.js';
import { anImport } from './harness/zips.js';

interface Row {
  name: string;
  version: number;
  resource_type: string;
  resource_id: string;
  actor_id: string | null;
  subject_id: string | null;
  payload: Record<string, unknown>;
}

/** Stands in everything that is written, and must stand in no event. */
const MARKER = 'quokka';

let app: TestApp;
let admin: Person;
let customer: Person;
const seen = new Set<string>();

beforeAll(async () => {
  app = await startApp({ OUTGOING_ALLOWED_HOSTS: '127.0.0.1' });
  admin = await anAdmin(app);
  customer = await aUser(app, { name: `Ada ${MARKER}` });
});
afterAll(() => app.close());

/** Calls an operation; what it published, in its order. */
async function published(by: Person | null, method: string, path: string, body?: object): Promise<{ id: string; events: Row[] }> {
  const requestId = `request-${unique()}`;
  const answer = await app.request<{ id: string }>(method, path, {
    ...(by && { token: by.accessToken }),
    ...(body && { body }),
    headers: { 'x-request-id': requestId, 'idempotency-key': unique() },
  });
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.text}`);
  const events = await query<Row>(app.databaseUrl, 'SELECT * FROM events WHERE request_id = $1 ORDER BY seq', [requestId]);
  for (const { name } of events) seen.add(name);
  return { id: answer.body?.id, events };
}
const names = (events: Row[]) => events.map(({ name }) => name);
const of = (resource: string) => query<Row>(app.databaseUrl, 'SELECT * FROM events WHERE resource_id = $1 ORDER BY seq', [resource]);

async function anOrder(): Promise<{ id: string; events: Row[] }> {
  const { variants } = await aProduct(app, { by: admin, name: MARKER });
  const address = { name: MARKER, line1: MARKER, city: MARKER, postalCode: '1', country: 'GB' };
  return published(customer, 'POST', 'orders', { items: [{ variantId: variants[0]!.id, quantity: 2 }], shippingAddress: address });
}
const pay = (id: string, method: string) => published(customer, 'POST', `orders/${id}/payments`, { method });

describe('what people do is published:', () => {
  it('registering, logging in and out', async () => {
    const email = `${MARKER}-${unique()}@example.org`;
    const password = 'seven small boats in the rain';
    const { events } = await published(null, 'POST', 'auth/register', { email, password, name: MARKER });
    expect(names(events)).toEqual(['user.registered', 'session.started']);
    const [registered, session] = events;
    expect(registered).toMatchObject({
      payload: { userId: registered!.resource_id, roles: ['customer'] },
      subject_id: registered!.resource_id,
    });
    expect(session).toMatchObject({ actor_id: registered!.resource_id, subject_id: registered!.resource_id, resource_type: 'session' });
    expect(names((await published(null, 'POST', 'auth/login', { email, password })).events)).toEqual(['session.started']);
    const someone = await aUser(app);
    const { events: ended } = await published(someone, 'POST', 'auth/logout');
    expect(ended).toMatchObject([
      {
        name: 'session.ended',
        actor_id: someone.id,
        subject_id: someone.id,
        payload: { sessionId: someone.sessionId, because: 'logged out' },
      },
    ]);
  });

  it('logging in from a new device', async () => {
    const { id, email } = await aUser(app);
    await app.request('POST', 'auth/login', {
      body: { email, password: PASSWORD },
      headers: { 'user-agent': 'Mozilla/5.0 Firefox/140.0' },
    });
    const [event] = await eventually(async () => {
      const found = await query<Row>(app.databaseUrl, `SELECT * FROM events WHERE name = 'session.new-device' AND subject_id = $1`, [id]);
      return found.length > 0 && found;
    });
    seen.add(event!.name);
    expect(event!.payload).toEqual({ sessionId: event!.resource_id, userId: id, device: 'Firefox' });
  });

  it('ending sessions, one, the others, and one whose token turned up again', async () => {
    const someone = await aUser(app);
    const { sessionId } = await aSession(app, someone.id);
    expect(names((await published(someone, 'DELETE', `auth/sessions/${sessionId}`)).events)).toEqual(['session.ended']);
    await aSession(app, someone.id);
    await aSession(app, someone.id);
    expect(names((await published(someone, 'DELETE', 'auth/sessions')).events)).toEqual(['session.ended', 'session.ended']);
    expect(names((await published(someone, 'DELETE', 'auth/sessions')).events)).toEqual([]);
    const other = await aUser(app);
    for (let refresh = 0; refresh < 2; refresh++) {
      const { refreshToken } =
        refresh === 0 ? other : (await app.request<Person>('POST', 'auth/refresh', { body: { refreshToken: other.refreshToken } })).body;
      await app.request('POST', 'auth/refresh', { body: { refreshToken } });
    }
    await app.request('POST', 'auth/refresh', { body: { refreshToken: other.refreshToken } });
    expect(await of(other.sessionId)).toMatchObject([
      { name: 'session.started' },
      { name: 'session.ended', actor_id: null, subject_id: other.id, payload: { because: 'a used refresh token turned up again' } },
    ]);
  });

  it('linking an account elsewhere, and removing it', async () => {
    const ada = await aUser(app);
    const code = await aCode(app, ada, { subject: MARKER, email: `${MARKER}@example.org`, name: MARKER });
    const { id, events } = await published(ada, 'POST', 'auth/identities', code);
    const about = { resource_type: 'identity', resource_id: id, actor_id: ada.id, subject_id: ada.id };
    const payload = { identityId: id, userId: ada.id, provider: 'acme' };
    expect(events).toMatchObject([{ name: 'identity.linked', ...about, payload: { ...payload, by: 'user' } }]);
    const removed = await published(ada, 'DELETE', `auth/identities/${id}`);
    expect(removed.events).toMatchObject([{ name: 'identity.unlinked', ...about, payload }]);
  });

  it('uploading a file, and deleting it', async () => {
    const { body } = await upload(app, customer, { name: `${MARKER}.txt`, type: 'text/plain', bytes: MARKER });
    const about = { resource_type: 'file', actor_id: customer.id, subject_id: customer.id };
    const payload = { fileId: body.id, ownerId: customer.id, contentType: 'text/plain', size: MARKER.length };
    expect(await of(body.id)).toMatchObject([{ name: 'file.uploaded', ...about, payload }]);
    seen.add('file.uploaded');
    const { events } = await published(customer, 'DELETE', `files/${body.id}`);
    expect(events).toMatchObject([{ name: 'file.deleted', ...about, payload }]);
  });

  it('changing a password', async () => {
    const someone = await aUser(app);
    await aSession(app, someone.id);
    const { events } = await published(someone, 'POST', 'auth/password/change', {
      currentPassword: PASSWORD,
      newPassword: 'ten slow barges under bridges',
    });
    expect(names(events)).toEqual(['password.changed', 'session.ended']);
  });

  it('adding, using and losing second factors', async () => {
    const someone = await aUser(app);
    const about = { resource_type: 'user', resource_id: someone.id, actor_id: someone.id, subject_id: someone.id };
    const { secret } = await app.get(FactorsService).beginTotp(actorOf(someone));
    const { events } = await published(someone, 'POST', 'auth/mfa/totp/confirm', { code: codeOf(secret) });
    expect(events).toMatchObject([
      { name: 'factor.added', ...about, payload: { userId: someone.id, factor: 'totp' } },
      { name: 'recovery-codes.renewed', ...about, payload: { userId: someone.id } },
    ]);
    const { body } = await app.request<{ recoveryCodes: string[] }>('POST', 'auth/mfa/recovery-codes', { token: someone.accessToken });
    const user = await app.prisma.user.findUniqueOrThrow({ where: { id: someone.id } });
    const { mfaToken } = await app.get(MfaTokensService).issue(user, { by: 'password' });
    const used = await published(null, 'POST', 'auth/login/mfa', { mfaToken, recoveryCode: body.recoveryCodes[0] });
    expect(used.events).toMatchObject([
      { name: 'recovery-code.used', ...about, payload: { userId: someone.id, left: 9 } },
      { name: 'session.started', actor_id: someone.id },
    ]);
    const removed = await published(someone, 'DELETE', 'auth/mfa/totp');
    expect(removed.events).toMatchObject([{ name: 'factor.removed', ...about, payload: { factor: 'totp' } }]);
    const reset = await published(admin, 'DELETE', `users/${someone.id}/mfa`);
    expect(names(reset.events)).toEqual(['session.ended', 'session.ended', 'factors.reset']);
    expect(reset.events.at(-1)).toMatchObject({ ...about, actor_id: admin.id });
  });

  it('changing a profile, roles and status of an account', async () => {
    const { events } = await published(customer, 'PATCH', 'users/me', { name: `${MARKER} the second` });
    expect(events).toMatchObject([{ name: 'user.updated', actor_id: customer.id, payload: { userId: customer.id, changed: ['name'] } }]);
    const { id } = await aUser(app);
    const change = async (body: object) => (await published(admin, 'PATCH', `users/${id}`, body)).events;
    expect(await change({ roles: ['editor'] })).toMatchObject([
      { name: 'user.roles-changed', actor_id: admin.id, subject_id: id, payload: { roles: ['editor'] } },
    ]);
    expect(names(await change({ roles: ['editor'] }))).toEqual([]);
    expect(names(await change({ status: 'suspended', name: MARKER }))).toEqual(['user.updated', 'user.suspended']);
    expect(names(await change({ status: 'suspended' }))).toEqual([]);
    expect(names(await change({ status: 'active' }))).toEqual(['user.reinstated']);
  });

  it('the life of a role, and of an API key', async () => {
    const role = `role-${unique()}`;
    const [about, permissions] = [{ actor_id: admin.id, resource_id: role }, ['orders:read']];
    expect((await published(admin, 'POST', 'roles', { name: role, description: MARKER, permissions })).events).toMatchObject([
      { ...about, name: 'role.created', payload: { role, permissions } },
    ]);
    expect((await published(admin, 'PATCH', `roles/${role}`, { permissions: [] })).events).toMatchObject([
      { ...about, name: 'role.updated', payload: { role, permissions: [] } },
    ]);
    expect((await published(admin, 'DELETE', `roles/${role}`)).events).toMatchObject([
      { ...about, name: 'role.deleted', payload: { role } },
    ]);
    const { id, events } = await published(customer, 'POST', 'auth/api-keys', { name: MARKER, scopes: [] });
    expect(events).toMatchObject([{ name: 'api-key.created', subject_id: customer.id, payload: { apiKeyId: id, userId: customer.id } }]);
    expect(names((await published(customer, 'POST', `auth/api-keys/${id}/rotation`, {})).events)).toEqual(['api-key.rotated']);
    expect(names((await published(customer, 'DELETE', `auth/api-keys/${id}`)).events)).toEqual(['api-key.deleted']);
  });

  it('acting as somebody else, and inviting somebody', async () => {
    const { events } = await published(admin, 'POST', `users/${customer.id}/impersonation`);
    expect(events).toMatchObject([
      { name: 'impersonation.started', subject_id: customer.id, payload: { userId: customer.id, impersonatorId: admin.id } },
    ]);
    const invited = await published(admin, 'POST', 'users', { email: `${MARKER}-${unique()}@example.org`, name: MARKER });
    expect(names(invited.events)).toEqual(['user.registered']);
  });

  it('the life of a release', async () => {
    const { id: postId } = await aPost(app, customer, { title: MARKER });
    const { id, events } = await published(admin, 'POST', 'releases', { name: MARKER, description: MARKER });
    expect(events).toMatchObject([{ name: 'release.created', actor_id: admin.id, resource_id: id, payload: { releaseId: id } }]);
    const done = async (method: string, path: string, body?: object, release = id) =>
      (await published(admin, method, `releases/${release}${path}`, body)).events;
    expect(await done('PATCH', '', { name: `${MARKER} again` })).toMatchObject([
      { name: 'release.updated', payload: { changed: ['name'] } },
    ]);
    const item = { kind: 'post', postId, changes: { body: MARKER }, publication: 'publish' };
    expect(await done('POST', '/items', item)).toMatchObject([{ name: 'release.updated', payload: { changed: ['items'] } }]);
    const at = '2099-01-01T00:00:00.000Z';
    expect(await done('PUT', '/publication', { at })).toMatchObject([
      { name: 'release.scheduled', payload: { releaseId: id, scheduledAt: at } },
    ]);
    expect(names(await done('DELETE', '/publication'))).toEqual(['release.unscheduled']);
    expect(names(await done('GET', '/preview'))).toEqual([]);
    const live = await done('PUT', '/publication', {});
    expect(names(live)).toEqual(['post.updated', 'post.published', 'release.published']);
    expect(live.at(-1)).toMatchObject({ payload: { releaseId: id, items: 1 } });
    expect(names(await done('POST', '/rollback', {}))).toEqual(['post.updated', 'post.unpublished', 'release.rolled-back']);
    const other = await published(admin, 'POST', 'releases', { name: MARKER });
    expect(names(await done('DELETE', '', undefined, other.id))).toEqual(['release.deleted']);
  });

  it('the life of a post', async () => {
    const { id, events } = await published(customer, 'POST', 'posts', { title: MARKER, body: MARKER, tags: [MARKER] });
    expect(events).toMatchObject([
      { name: 'post.created', resource_id: id, subject_id: customer.id, payload: { postId: id, authorId: customer.id } },
    ]);
    const done = async (method: string, path: string, body?: object) =>
      names((await published(customer, method, `posts/${id}${path}`, body)).events);
    expect(await done('PATCH', '', { title: `${MARKER} again`, excerpt: null })).toEqual(['post.updated']);
    expect(await done('PUT', '/publication', {})).toEqual(['post.published']);
    expect(await done('PUT', '/publication', {})).toEqual([]);
    expect(await done('PUT', '/publication', { at: '2020-01-01T00:00:00Z' })).toEqual(['post.updated']);
    expect(await done('PUT', '/publication', { at: '2099-01-01T00:00:00Z' })).toEqual(['post.unpublished', 'post.scheduled']);
    expect(await done('DELETE', '/publication')).toEqual(['post.unpublished']);
    expect(await done('DELETE', '/publication')).toEqual([]);
    expect(await done('DELETE', '')).toEqual(['post.trashed']);
    expect(await done('POST', '/restoration')).toEqual(['post.restored']);
    expect(await done('POST', '/revisions/1/restoration')).toEqual(['post.updated']);
    expect(await done('DELETE', '')).toEqual(['post.trashed']);
    expect(await done('DELETE', '/trash')).toEqual(['post.deleted']);
  });

  it('what authors hand in and editors decide', async () => {
    const { id } = await aPost(app, customer, { title: MARKER });
    const done = async (by: Person, method: string, path: string, body?: object) =>
      names((await published(by, method, `posts/${id}/${path}`, body)).events);
    expect(await done(customer, 'PUT', 'review', { note: MARKER })).toEqual(['post.submitted']);
    expect(await done(customer, 'PUT', 'review', { note: `${MARKER} again` })).toEqual([]);
    expect(await done(customer, 'DELETE', 'review')).toEqual(['post.withdrawn']);
    expect(await done(customer, 'PUT', 'review')).toEqual(['post.submitted']);
    expect(await done(admin, 'POST', 'review/return', { note: MARKER })).toEqual(['post.returned']);
    expect(await done(customer, 'PUT', 'review')).toEqual(['post.submitted']);
    expect(await done(admin, 'POST', 'review/approval', { note: MARKER, publication: {} })).toEqual(['post.approved', 'post.published']);
    expect(await done(customer, 'PUT', 'autosave', { baseVersion: 1, title: MARKER })).toEqual([]);
  });

  it('that a post has ended, when its time has run out', async () => {
    const { id } = await aPost(app, customer, { published: true });
    const until = new Date(Date.now() + 1_000).toISOString();
    await published(customer, 'PUT', `posts/${id}/publication`, { until });
    const events = await eventually(async () => {
      const found = await of(id);
      return names(found).includes('post.expired') && found;
    }, 30_000);
    expect(events.at(-1)).toMatchObject({ actor_id: null, subject_id: customer.id, payload: { expiresAt: until } });
    seen.add('post.expired');
  });

  it('the life of a series', async () => {
    const { id, events } = await published(customer, 'POST', 'series', { title: MARKER, description: MARKER });
    const about = { resource_id: id, subject_id: customer.id, payload: { seriesId: id, ownerId: customer.id } };
    expect(events).toMatchObject([{ name: 'series.created', ...about }]);
    expect((await published(customer, 'PATCH', `series/${id}`, { title: `${MARKER} again` })).events).toMatchObject([
      { name: 'series.updated', ...about },
    ]);
    expect((await published(customer, 'DELETE', `series/${id}`)).events).toMatchObject([{ name: 'series.deleted', ...about }]);
  });

  it('the life of a comment, and likes', async () => {
    const { id: postId } = await aPost(app, admin, { published: true });
    const about = { subject_id: customer.id, actor_id: customer.id };
    const done = async (by: Person, method: string, path: string, body?: object) => names((await published(by, method, path, body)).events);
    const written = await published(customer, 'POST', `posts/${postId}/comments`, { body: MARKER });
    const payload = { commentId: written.id, postId, authorId: customer.id };
    expect(written.events).toMatchObject([{ name: 'comment.held', ...about, payload: { ...payload, heldFor: ['first-comment'] } }]);
    const decide = (status: string) => published(admin, 'PUT', `comments/${written.id}/moderation`, { status, note: MARKER });
    const told = { postAuthorId: admin.id, repliesToId: null, repliesToAuthorId: null, mentionedIds: [] };
    expect((await decide('approved')).events).toMatchObject([
      { name: 'comment.approved', subject_id: customer.id, actor_id: admin.id, payload },
      { name: 'comment.created', subject_id: customer.id, payload: { ...payload, ...told } },
    ]);
    expect((await decide('spam')).events).toMatchObject([{ name: 'comment.rejected', payload: { ...payload, status: 'spam' } }]);
    expect(names((await decide('approved')).events)).toEqual(['comment.approved']);
    const reply = { body: `@[x](user:${customer.id}) ${MARKER}`, parentId: written.id };
    const replied = await published(admin, 'POST', `posts/${postId}/comments`, reply);
    expect(replied.events[0]!.payload).toMatchObject({
      repliesToId: written.id,
      repliesToAuthorId: customer.id,
      mentionedIds: [customer.id],
    });
    expect(await done(customer, 'PATCH', `comments/${written.id}`, { body: `${MARKER} again` })).toEqual(['comment.updated']);
    const reported = await published(admin, 'POST', `comments/${written.id}/reports`, { reason: MARKER });
    expect(reported.events).toMatchObject([{ name: 'comment.reported', resource_id: written.id, payload: { ...payload, open: 1 } }]);
    expect(await done(customer, 'DELETE', `comments/${written.id}`)).toEqual(['comment.deleted']);
    const rules = { holdFirstComment: true, maxLinks: 2, blockedWords: [MARKER], trustedRoles: ['admin'] };
    expect(await done(admin, 'PUT', 'comments/rules', rules)).toEqual(['comment-rules.updated']);
    expect((await published(customer, 'PUT', `posts/${postId}/like`)).events).toMatchObject([
      { name: 'post.liked', subject_id: admin.id, actor_id: customer.id, payload: { postId, authorId: admin.id, userId: customer.id } },
    ]);
    expect(await done(customer, 'PUT', `posts/${postId}/like`)).toEqual([]);
    expect(await done(customer, 'DELETE', `posts/${postId}/like`)).toEqual(['post.unliked']);
  });

  it('that a scheduled post appears, when its time has come, and only at the last time it was given', async () => {
    const [{ id }, { id: withdrawn }] = [await aPost(app, customer), await aPost(app, customer)];
    const at = (ms: number) => ({ at: new Date(Date.now() + ms).toISOString() });
    await published(customer, 'PUT', `posts/${id}/publication`, at(3_600_000));
    await published(customer, 'PUT', `posts/${withdrawn}/publication`, at(5_000));
    await published(customer, 'DELETE', `posts/${withdrawn}/publication`);
    const last = at(5_000);
    await published(customer, 'PUT', `posts/${id}/publication`, last);
    const appeared = await eventually(async () => {
      const events = await of(id);
      return names(events).includes('post.published') && events;
    }, 30_000);
    expect(names(appeared)).toEqual(['post.created', 'post.scheduled', 'post.scheduled', 'post.published']);
    expect(appeared.at(-1)).toMatchObject({ actor_id: null, subject_id: customer.id, payload: { publishedAt: last.at } });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(last.at));
    expect(names(await of(withdrawn))).toEqual(['post.created', 'post.scheduled', 'post.unpublished']);
  });

  it('the life of a product, its variants and their stock', async () => {
    const variant = () => ({ sku: `${MARKER}-${unique()}`, name: MARKER, price: { amount: 1_999, currency: 'EUR' }, stock: 3 });
    const { id, events } = await published(admin, 'POST', 'products', { name: MARKER, variants: [variant(), variant()] });
    expect(names(events)).toEqual(['product.created', 'variant.created', 'variant.created']);
    expect(events[1]!.payload).toEqual({ variantId: events[1]!.resource_id, productId: id, price: { amount: 1_999, currency: 'EUR' } });
    const { id: variantId, events: added } = await published(admin, 'POST', `products/${id}/variants`, variant());
    expect(names(added)).toEqual(['variant.created']);
    const changed = (
      await published(admin, 'PATCH', `variants/${variantId}`, { name: `${MARKER}!`, price: { amount: 5, currency: 'USD' } })
    ).events;
    expect(changed).toMatchObject([
      { name: 'variant.updated', payload: { price: { amount: 5, currency: 'USD' }, changed: ['price', 'name'] } },
    ]);
    const adjusted = (await published(admin, 'POST', `variants/${variantId}/stock-adjustments`, { delta: -1, reason: MARKER })).events;
    expect(adjusted).toMatchObject([{ name: 'stock.adjusted', resource_type: 'variant', payload: { variantId, delta: -1, stock: 2 } }]);
    const { id: toLocationId } = await published(admin, 'POST', 'stock/locations', { code: `l-${unique()}`, name: MARKER });
    const { id: fromLocationId } = await app.prisma.stockLocation.findFirstOrThrow({ where: { isDefault: true } });
    const transfer = { fromLocationId, toLocationId, quantity: 1 };
    const moved = (await published(admin, 'POST', `variants/${variantId}/stock-transfers`, { ...transfer, reason: MARKER })).events;
    expect(moved).toMatchObject([{ name: 'stock.transferred', resource_type: 'variant', payload: { variantId, ...transfer } }]);
    expect(names((await published(admin, 'DELETE', `variants/${variantId}`)).events)).toEqual(['variant.withdrawn']);
    const sold = (await published(admin, 'PATCH', `products/${id}`, { status: 'active', description: MARKER })).events;
    expect(sold).toMatchObject([{ name: 'product.updated', payload: { productId: id, status: 'active' } }]);
    expect(names((await published(admin, 'DELETE', `products/${id}`)).events)).toEqual(['product.withdrawn']);
  });

  it('the life of a category', async () => {
    const { id, events } = await published(admin, 'POST', 'categories', { name: MARKER });
    const payload = { categoryId: id };
    expect(events).toMatchObject([{ name: 'category.created', resource_type: 'category', resource_id: id, actor_id: admin.id, payload }]);
    expect((await published(admin, 'PATCH', `categories/${id}`, { position: 2 })).events).toMatchObject([
      { name: 'category.updated', payload: { ...payload, changed: ['position'] } },
    ]);
    expect((await published(admin, 'DELETE', `categories/${id}`)).events).toMatchObject([{ name: 'category.deleted', payload }]);
  });

  it('the end of an import of variants', async () => {
    const { type, body } = form([{ name: 'a.csv', type: 'text/csv', bytes: `sku\n${MARKER}` }]);
    const headers = { 'content-type': type, authorization: `Bearer ${admin.accessToken}` };
    const { id } = (await exchange(app, 'POST', 'products/imports', { body, headers })).body;
    const events = await eventually(async () => {
      const found = await of(id);
      return found.length > 0 && found;
    });
    const payload = { importId: id, status: 'done', created: 0, updated: 0, failed: 1 };
    seen.add(events[0]!.name);
    expect(events).toMatchObject([{ name: 'product-import.ended', resource_type: 'product-import', actor_id: admin.id, payload }]);
  });

  it('the life of a price list', async () => {
    const { id, events } = await published(admin, 'POST', 'shop/price-lists', { name: MARKER, currency: 'EUR', active: false });
    const payload = { priceListId: id };
    expect(events).toMatchObject([
      { name: 'price-list.created', resource_type: 'price-list', resource_id: id, actor_id: admin.id, payload },
    ]);
    expect((await published(admin, 'PATCH', `shop/price-lists/${id}`, { priority: 2 })).events).toMatchObject([
      { name: 'price-list.updated', payload: { ...payload, changed: ['priority'] } },
    ]);
    const prices = [{ variantId: (await aProduct(app)).variants[0]!.id, amount: 5 }];
    expect((await published(admin, 'PATCH', `shop/price-lists/${id}/prices`, { prices })).events).toMatchObject([
      { name: 'price-list.prices-set', resource_id: id, payload: { ...payload, changed: 1 } },
    ]);
    expect((await published(admin, 'DELETE', `shop/price-lists/${id}`)).events).toMatchObject([{ name: 'price-list.deleted', payload }]);
  });

  it('how the shop sells, and its coupons', async () => {
    const { events } = await published(admin, 'PATCH', 'shop/settings', { timeZone: 'UTC' });
    const about = { resource_type: 'shop-settings', resource_id: 'shop', actor_id: admin.id, subject_id: null };
    expect(events).toMatchObject([{ name: 'shop-settings.updated', ...about, payload: { version: 2 } }]);
    const terms = { code: `C-${unique()}`.toUpperCase(), kind: 'percentage', percentage: '5', description: MARKER };
    const { id, events: created } = await published(admin, 'POST', 'coupons', terms);
    const payload = { couponId: id, code: terms.code };
    expect(created).toMatchObject([{ name: 'coupon.created', resource_type: 'coupon', resource_id: id, actor_id: admin.id, payload }]);
    expect((await published(admin, 'PATCH', `coupons/${id}`, { active: false })).events).toMatchObject([
      { name: 'coupon.updated', payload: { ...payload, changed: ['active'] } },
    ]);
    expect((await published(admin, 'DELETE', `coupons/${id}`)).events).toMatchObject([{ name: 'coupon.deleted', payload }]);
  });

  it('the life of an order and its payments', async () => {
    const { id, events } = await anOrder();
    expect(events).toMatchObject([
      {
        name: 'order.placed',
        actor_id: customer.id,
        subject_id: customer.id,
        payload: { orderId: id, total: { amount: 3_998, currency: 'EUR' } },
      },
    ]);
    const declined = (await pay(id, 'sandbox:decline')).events;
    expect(names(declined)).toEqual(['payment.processing', 'payment.failed']);
    expect(declined[1]!.payload).toMatchObject({ failureCode: 'card_declined', orderId: id });
    const paid = (await pay(id, 'sandbox:success')).events;
    expect(names(paid)).toEqual(['payment.processing', 'payment.succeeded', 'order.paid']);
    expect(paid[2]!.payload).toMatchObject({ orderId: id, total: { amount: 3_998, currency: 'EUR' }, paymentId: paid[1]!.resource_id });
    const { events: cancelled } = await published(admin, 'POST', `orders/${id}/cancellation`);
    expect(names(cancelled).slice(0, 3)).toEqual(['refund.created', 'stock.returned', 'order.cancelled']); // a job sends the refund, perhaps already
    expect(cancelled[1]).toMatchObject({ resource_type: 'variant', actor_id: admin.id, payload: { orderId: id, delta: 2 } });
    expect(cancelled[2]).toMatchObject({ actor_id: admin.id, subject_id: customer.id, payload: { refunded: true } });
    const { id: other } = await anOrder();
    expect((await published(customer, 'POST', `orders/${other}/cancellation`)).events).toMatchObject([
      { name: 'order.cancelled', payload: { refunded: false } },
    ]);
  });

  it('that an order is on its way, has arrived, and what staff note about it', async () => {
    const { id } = await anOrder();
    await pay(id, 'sandbox:success');
    const { id: shipmentId, events } = await published(admin, 'POST', `orders/${id}/shipments`, {
      carrier: MARKER,
      trackingNumber: MARKER,
    });
    const about = { resource_type: 'order', resource_id: id, actor_id: admin.id, subject_id: customer.id };
    expect(events).toMatchObject([
      { name: 'shipment.created', ...about, payload: { orderId: id, shipmentId } },
      { name: 'order.shipped', ...about, payload: { orderId: id } },
    ]);
    expect(names((await published(admin, 'POST', `shipments/${shipmentId}/delivery`)).events)).toEqual([
      'shipment.delivered',
      'order.delivered',
    ]);
    for (const [shared, name] of [
      [false, 'order.note-added'],
      [true, 'order.note-shared'],
    ] as const) {
      const note = await published(admin, 'POST', `orders/${id}/notes`, { text: MARKER, shared });
      expect(note.events).toMatchObject([{ name, ...about, payload: { orderId: id, noteId: note.id } }]);
    }
  });

  it('that money goes back, or cannot, and that an order is refunded', async () => {
    const { id } = await anOrder();
    await pay(id, 'sandbox:success');
    const { events } = await published(admin, 'POST', `orders/${id}/refunds`, { reason: MARKER });
    expect(names(events)).toEqual(['refund.created', 'refund.succeeded', 'order.refunded']);
    expect(events[2]).toMatchObject({ actor_id: admin.id, subject_id: customer.id, payload: { orderId: id } });
    const { id: other } = await anOrder();
    await pay(other, 'sandbox:success');
    // The provider's books know better.
    await query(
      app.databaseUrl,
      `UPDATE sandbox_charges SET refunded = amount WHERE payment_id IN (SELECT id FROM payments WHERE order_id = $1)`,
      [other],
    );
    const { events: refused } = await published(admin, 'POST', `orders/${other}/refunds`, { reason: MARKER });
    expect(names(refused)).toEqual(['refund.created', 'refund.failed']);
    expect(refused[1]!.payload).toMatchObject({ failureCode: 'amount_too_large', amount: { amount: 3_998, currency: 'EUR' } });
  });

  it('that money came late, or is asked back', async () => {
    const { id } = await anOrder();
    await pay(id, 'sandbox:delay');
    await published(customer, 'POST', `orders/${id}/cancellation`);
    const about = (order: string, name: string) =>
      eventually(
        async () =>
          (await query<Row>(app.databaseUrl, `SELECT * FROM events WHERE payload->>'orderId' = $1 AND name = $2`, [order, name]))[0],
        20_000,
      );
    expect(await about(id, 'payment.late')).toMatchObject({ actor_id: null, subject_id: customer.id });
    const { id: other } = await anOrder();
    await pay(other, 'sandbox:dispute');
    const opened = await about(other, 'dispute.opened');
    expect(opened).toMatchObject({ actor_id: null, subject_id: customer.id, payload: { reason: 'fraudulent' } });
    // The bank has decided.
    await query(app.databaseUrl, `UPDATE sandbox_charges SET dispute = 'won' WHERE payment_id = $1`, [opened.resource_id]);
    const data = { about: 'dispute', ref: `sandbox_${opened.resource_id}`, paymentId: opened.resource_id };
    const body = JSON.stringify({ id: `evt_${unique()}`, type: 'dispute.closed', createdAt: new Date().toISOString(), data });
    await app.request('POST', 'payments/webhooks/sandbox', { body, headers: app.get(SandboxService).sign(body, new Date()) });
    expect(await about(other, 'dispute.closed')).toMatchObject({ payload: { status: 'won' } });
    for (const name of ['payment.late', 'dispute.opened', 'dispute.closed']) seen.add(name);
  });

  it('that nobody paid an order in time', async () => {
    const { id } = await anOrder();
    await query(app.databaseUrl, `UPDATE orders SET expires_at = now() - interval '1 second' WHERE id = $1`, [id]);
    await fire(app.databaseUrl, 'orders.sweep');
    const [, expired] = await eventually(async () => {
      const events = await of(id);
      return events.length === 2 && events;
    }, 30_000);
    expect(expired).toMatchObject({ name: 'order.expired', actor_id: null, subject_id: customer.id });
    seen.add('order.expired');
  });
});

describe('what comes of a schedule is published:', () => {
  it('that a release could not go live', async () => {
    const { id: postId } = await aPost(app, customer, { title: MARKER });
    const { id } = await published(admin, 'POST', 'releases', { name: MARKER });
    await published(admin, 'POST', `releases/${id}/items`, { kind: 'post', postId, publication: 'publish' });
    await published(admin, 'PUT', `releases/${id}/publication`, { at: new Date(Date.now() + 300).toISOString() });
    await published(customer, 'DELETE', `posts/${postId}`);
    const failed = await eventually(async () => (await of(id)).find(({ name }) => name === 'release.failed'));
    expect(failed).toMatchObject({ actor_id: null, subject_id: admin.id, payload: { releaseId: id, codes: ['posts/not-found'] } });
    seen.add('release.failed');
  });
});

describe('what its endpoints answer is published:', () => {
  it('that one of them is gone', async () => {
    const receiver = await aReceiver(answers(410));
    const { id } = await published(admin, 'POST', 'webhooks/endpoints', { url: receiver.url, events: ['post.trashed'] });
    await published(admin, 'POST', `webhooks/endpoints/${id}/test`, {});
    const [disabled] = await eventually(async () => {
      const events = await of(id);
      return events.length === 1 && events;
    });
    expect(disabled).toMatchObject({
      name: 'webhook-endpoint.disabled',
      subject_id: admin.id,
      payload: { endpointId: id, reason: 'gone' },
    });
    seen.add('webhook-endpoint.disabled');
    await closeReceivers();
  });
});

describe('what a job does for people is published:', () => {
  it('the end of an import', async () => {
    const zip = `---\ntitle: ${MARKER}\n---\n\n${MARKER}`;
    const { id } = await anImport(app, customer, zip, { name: `${MARKER}.md` });
    const [ended] = await of(id);
    seen.add(ended!.name);
    expect(ended).toMatchObject({
      name: 'import.ended',
      actor_id: customer.id,
      subject_id: customer.id,
      payload: { importId: id, userId: customer.id, status: 'done', created: 1, updated: 0, failed: 0 },
    });
  });
});

describe('what is found wrong at night is published:', () => {
  it('an invariant that is broken', async () => {
    const { id } = (await aProduct(app, { by: admin })).variants[0]!;
    await query(app.databaseUrl, 'UPDATE variants SET reserved = 1 WHERE id = $1', [id]);
    await fire(app.databaseUrl, 'invariants.check');
    const [broken] = await eventually(async () => {
      const found = await of('stock-reserved');
      return found.length > 0 && found;
    });
    seen.add(broken!.name);
    expect(broken).toMatchObject({
      name: 'invariant.broken',
      resource_type: 'invariant',
      actor_id: null,
      payload: { invariant: 'stock-reserved', severity: 'error', broken: 1 },
    });
  });
});

describe('the catalogue', () => {
  it('holds nothing that is never published', () => {
    const unseen = [...eventCatalogue().keys()].filter((name) => !seen.has(name));
    expect(unseen.map((name) => `${name}: have it happen in this file`)).toEqual([]);
  });

  it('names permissions that there are', () => {
    const audiences = [...eventCatalogue().values()].flatMap(({ visibleTo }) => visibleTo);
    expect(audiences.filter((audience) => audience !== 'everyone' && audience !== 'subject' && !ALL_PERMISSIONS.has(audience))).toEqual([]);
  });

  it('tells an order to its customer and to staff, and to nobody else', () => {
    const paid = { name: 'order.paid', subjectId: customer.id };
    const readers = [actorOf(customer), actorOf(admin), actorOf({ ...customer, id: admin.id }), null];
    expect(readers.map((reader) => mayBeTold(reader, paid))).toEqual([true, true, false, false]);
  });

  it('has no place for what people write', async () => {
    expect(await query(app.databaseUrl, `SELECT name, payload FROM events WHERE events::text ILIKE '%${MARKER}%'`)).toEqual([]);
  });
});

describe('what is refused', () => {
  it('is not published', async () => {
    const { variants } = await aProduct(app, { stock: 1 });
    const requestId = `request-${unique()}`;
    const { status } = await app.request('POST', 'orders', {
      token: customer.accessToken,
      body: { items: [{ variantId: variants[0]!.id, quantity: 2 }] },
      headers: { 'x-request-id': requestId, 'idempotency-key': unique() },
    });
    expect(status).toBe(409);
    expect(await query(app.databaseUrl, 'SELECT name FROM events WHERE request_id = $1', [requestId])).toEqual([]);
  });

  it('and what is repeated with its key is published once', async () => {
    const { variants } = await aProduct(app);
    const headers = { 'x-request-id': `request-${unique()}`, 'idempotency-key': unique() };
    const call = { token: customer.accessToken, body: { items: [{ variantId: variants[0]!.id, quantity: 1 }] }, headers };
    await app.request('POST', 'orders', call);
    await app.request('POST', 'orders', call);
    const found = await query<Row>(app.databaseUrl, 'SELECT name FROM events WHERE request_id = $1', [headers['x-request-id']]);
    expect(names(found)).toEqual(['order.placed']);
  });
});
