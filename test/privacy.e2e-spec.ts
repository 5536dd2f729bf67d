import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import type { ExportResponse } from '../src/users/exports.dto.js';
import { permissionsOf } from '../src/users/roles.rules.js';
import { unzip } from './harness/archive.js';
import { Authenticator } from './harness/authenticator.js';
import type { Answer, Call } from './harness/client.js';
import { createDatabase, query, type TestDatabase } from './harness/database.js';
import { anAssertion, codeOf } from './harness/factors.js';
import { eventually } from './harness/eventually.js';
import { aStart, WITH_ACME } from './harness/identities.js';
import { contentsOf, Markers } from './harness/markers.js';
import { unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import type { UploadResponse } from '../src/files/uploads.dto.js';
import { exchange, filesBelow, sha256, upload } from './harness/uploads.js';
import { aZip, anImport } from './harness/zips.js';

const PATIENCE_MS = 90_000;
jest.setTimeout(240_000);
const PASSWORD = 'nine quiet herons wade upstream';

interface Operation {
  operationId: string;
  description: string;
  requestBody?: { content: Record<string, { schema: Parameters<Markers['fill']>[1] }> };
}

interface Tokens {
  user: { id: string; email: string };
  accessToken: string;
}

interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: ConstructorParameters<typeof Markers>[0] };
}

const document = JSON.parse(await readFile(join(import.meta.dirname, '../openapi.json'), 'utf8')) as OpenApi;
const operations = Object.values(document.paths)
  .flatMap((item) => Object.values(item))
  .filter(({ requestBody }) => requestBody !== undefined);
const bodyOf = (operationId: string) => {
  const operation = operations.find((each) => each.operationId === operationId);
  if (operation === undefined) throw new Error(`openapi.json has no ${operationId} with a body`);
  return operation.requestBody!.content['application/json']!.schema;
};

/** Two processes on one database, with a folder of their own. */
let database: TestDatabase;
let folder: string;
let one: Product;
let other: Product;
let admin: Tokens;
let variantId: string;

const settings = () => ({ ...WITH_ACME, DATA_DIR: folder, LOG_LEVEL: 'debug', PRIVACY_ERASURE_GRACE_SECONDS: '3' });
const start = () => startProcess({ databaseUrl: database.url, env: settings() });
const sql = <Row extends object>(text: string, values: unknown[] = []) => query<Row>(database.url, text, values);

/** A call that must succeed; every write has a key. */
async function done<Body>(method: string, path: string, call: Call = {}, by: Product = one): Promise<Answer<Body>> {
  const answer = await by.request<Body>(method, path, { ...call, headers: { 'idempotency-key': unique(), ...call.headers } });
  if (answer.status >= 300) throw new Error(`${method} ${path} was answered ${answer.status}: ${answer.text}`);
  return answer;
}

async function register(
  body: unknown = { email: `p-${unique()}@example.org`, password: PASSWORD, name: 'Ada Lovelace' },
  headers = {},
): Promise<Tokens> {
  return (await done<Tokens>('POST', 'auth/register', { body, headers })).body;
}

const pay = (token: string, id: string) => done('POST', `orders/${id}/payments`, { token, body: { method: 'sandbox:success' } });

async function exported(token: string): Promise<{ files: Map<string, string>; made: ExportResponse }> {
  const { body, headers } = await done<ExportResponse>('POST', 'users/me/export', { token });
  const made = await eventually(async () => {
    const { body: now } = await done<ExportResponse>('GET', headers['location']!.replace('http://localhost', ''), { token }, other);
    return now.status === 'ready' && now;
  }, PATIENCE_MS);
  expect(made.id).toBe(body.id);
  return { files: await unzip((await download(token, made.id)).bytes), made };
}

/** Past the harness' client, which reads text. */
async function download(token: string, id: string): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
  const answer = await fetch(`${other.url}/api/v1/users/me/exports/${id}/content`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}

async function filesIn(root: string): Promise<string[]> {
  return Promise.all((await filesBelow(root)).map((path) => readFile(join(root, path), 'latin1')));
}

const isErased = (userId: string) =>
  eventually(
    async () => (await sql('SELECT FROM erasures WHERE user_id = $1 AND completed_at IS NOT NULL', [userId])).length === 1,
    PATIENCE_MS,
  );

beforeAll(async () => {
  database = await createDatabase();
  folder = await mkdtemp(join(tmpdir(), 'ashlar-privacy-'));
  [one, other] = [await start(), await start()];
  admin = await register();
  await sql(`UPDATE users SET roles = '{admin}' WHERE id = $1`, [admin.user.id]);
  admin = (await done<Tokens>('POST', 'auth/login', { body: { email: admin.user.email, password: PASSWORD } })).body;
  const { body } = await done<{ variants: { id: string }[] }>('POST', 'products', {
    token: admin.accessToken,
    body: {
      name: 'Stone',
      status: 'active',
      variants: [{ sku: unique(), name: 'Grey', price: { amount: 500, currency: 'EUR' }, stock: 1_000 }],
    },
  });
  variantId = body.variants[0]!.id;
});

afterAll(async () => {
  await stopProcesses();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

describe('whatever a person has written', () => {
  const markers = new Markers(document.components.schemas);
  const password = `four herons and ${markers.prefix} upstream`;
  let person: Tokens;
  let token: string;
  let held: Set<string>;

  const fill = (operationId: string, fixed: Record<string, unknown> = {}, what = operationId) =>
    markers.fill(what, bodyOf(operationId), fixed) as Record<string, unknown>;
  const agent = (what: string) => ({ 'user-agent': markers.make(`${what} User-Agent`) });
  const key = (what: string) => ({ 'idempotency-key': markers.make(`${what} Idempotency-Key`) });
  const post = async (body: object) => (await done<{ id: string }>('POST', 'posts', { token, body })).body.id;
  /** A post of somebody else's. */
  const aPublished = async () => {
    const { id } = (await done<{ id: string }>('POST', 'posts', { token: admin.accessToken, body: { title: 'Theirs', body: 'x' } })).body;
    await done('PUT', `posts/${id}/publication`, { token: admin.accessToken, body: {} });
    return id;
  };
  const cart = async (by: Call) => (await done<{ id: string }>('POST', 'carts', by)).body.id;
  const order = (what: string) => {
    const addresses = { '/shippingAddress/country': 'GB', '/billingAddress/country': 'GB' };
    const ofTheShop = { '/couponCode': undefined, '/shippingMethod': undefined, '/cartId': undefined, '/email': undefined };
    const fixed = { '/items': [{ variantId, quantity: 1 }], ...addresses, ...ofTheShop };
    return done<{ id: string }>('POST', 'orders', { token, headers: key(what), body: fill('orders.place', fixed, what) });
  };

  const subject = markers.make('identities.link subject');
  const email = `${markers.make('identities.link email')}@example.org`;
  /** What the callback of a provider leaves for the client. */
  const code = async (purpose: string, userId: string | null, sessionId: string | undefined) => {
    const { verifier, challenge } = aStart();
    const token = randomBytes(32).toString('base64url');
    const profile = { provider: 'acme', issuer: 'https://github.com', subject, email, emailVerified: false, name: null };
    await sql(`INSERT INTO one_time_tokens VALUES ($1, $2, $3, $4, now() + interval '1 minute')`, [
      createHash('sha256').update(token).digest(),
      purpose,
      userId,
      JSON.stringify({ challenge, profile, sessionId }),
    ]);
    return { code: token, verifier };
  };

  /** How each operation that takes a body from a person is called. What is overwritten later comes first. */
  const WALK: Record<string, () => Promise<unknown>> = {
    'auth.register': async () => {
      person = await register(fill('auth.register', { '/password': password }), agent('auth.register'));
      token = person.accessToken;
    },
    'users.update': () =>
      done('PATCH', `users/${person.user.id}`, {
        token: admin.accessToken,
        body: fill('users.update', { '/roles': ['customer'], '/status': 'active' }),
      }),
    'users.updateMe': () => done('PATCH', 'users/me', { token, body: fill('users.updateMe') }),
    'auth.login': () =>
      done('POST', 'auth/login', {
        headers: agent('auth.login'),
        body: fill('auth.login', { '/email': person.user.email, '/password': password }),
      }),
    'auth.refresh': async () => {
      const { body } = await done<{ refreshToken: string }>('POST', 'auth/login', { body: { email: person.user.email, password } });
      return done('POST', 'auth/refresh', {
        headers: agent('auth.refresh'),
        body: fill('auth.refresh', { '/refreshToken': body.refreshToken }),
      });
    },
    'emails.resendVerification': () => done('POST', 'auth/email/resend', { body: { email: person.user.email } }),
    'emails.forgotPassword': () => done('POST', 'auth/password/forgot', { body: { email: person.user.email } }),
    'emails.changeEmail': () => done('POST', 'auth/email/change', { token, body: fill('emails.changeEmail') }),
    'emails.verifyEmail': async () => undefined, // of a token nothing is kept
    'emails.resetPassword': async () => undefined, // the same, and of the password as of any
    'auth.changePassword': () =>
      done('POST', 'auth/password/change', {
        token,
        body: fill('auth.changePassword', { '/currentPassword': password, '/newPassword': `${password} again` }),
      }),
    'identities.begin': async () => {
      const { returnTo, challenge } = aStart();
      await done('POST', 'auth/identities/acme', { token, body: { returnTo, challenge } });
    },
    'identities.link': async () => {
      const { sid } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sid: string };
      const body = await code('oauth:link', person.user.id, sid);
      await done('POST', 'auth/identities', { token, body });
    },
    'oauth.exchange': async () => {
      await done('POST', 'auth/oauth/exchange', { headers: agent('oauth.exchange'), body: await code('oauth:login', null, undefined) });
    },
    'apiKeys.create': () => done('POST', 'auth/api-keys', { token, body: fill('apiKeys.create', { '/scopes': [], '/expiresAt': null }) }),
    'apiKeys.rotate': async () => undefined, // takes a number
    'posts.write': async () => {
      const draft = await done<{ id: string }>('POST', 'posts', { token, headers: key('posts.write'), body: fill('posts.write', FREE) });
      const trashed = await post(fill('posts.write', FREE, 'posts.write, trashed'));
      await done('DELETE', `posts/${trashed}`, { token });
      expect(draft.status).toBe(201);
    },
    'posts.update': async () =>
      done('PATCH', `posts/${await post({ title: 'To be edited', body: 'soon' })}`, { token, body: fill('posts.update', FREE) }),
    'posts.publish': async () => {
      const published = await post(fill('posts.write', FREE, 'posts.publish'));
      await done('PUT', `posts/${published}/publication`, { token, body: {} });
      const scheduled = await post(fill('posts.write', FREE, 'posts.publish, to come'));
      await done('PUT', `posts/${scheduled}/publication`, {
        token,
        body: fill('posts.publish', { '/at': '2099-01-01T00:00:00Z', '/until': null }),
      });
    },
    'comments.write': async () => {
      await done('POST', `posts/${await aPublished()}/comments`, {
        token,
        headers: key('comments.write'),
        body: fill('comments.write', { '/parentId': undefined }),
      });
    },
    'comments.edit': async () => {
      const { body } = await done<{ id: string }>('POST', `posts/${await aPublished()}/comments`, {
        token,
        body: { body: 'To be edited' },
      });
      await done('PATCH', `comments/${body.id}`, { token, body: fill('comments.edit') });
    },
    'reports.report': async () => {
      const { body } = await done<{ id: string }>('POST', `posts/${await aPublished()}/comments`, {
        token: admin.accessToken,
        body: { body: 'x' },
      });
      await done('POST', `comments/${body.id}/reports`, { token, headers: key('reports.report'), body: fill('reports.report') });
      await done('PUT', `posts/${await aPublished()}/like`, { token });
    },
    'autosaves.keep': async () =>
      done('PUT', `posts/${await post({ title: 'Not saved', body: 'soon' })}/autosave`, {
        token,
        body: fill('autosaves.keep', { '/baseVersion': 1 }),
      }),
    'reviews.submit': async () =>
      done('PUT', `posts/${await post({ title: 'Handed in', body: 'soon' })}/review`, { token, body: fill('reviews.submit') }),
    'previewLinks.create': async () =>
      done('POST', `posts/${await post({ title: 'Shown', body: 'soon' })}/preview-links`, { token, body: {} }),
    'series.create': () => done('POST', 'series', { token, headers: key('series.create'), body: fill('series.create') }),
    'series.update': async () => {
      const { body } = await done<{ id: string }>('POST', 'series', { token, body: { title: 'To be edited' } });
      return done('PATCH', `series/${body.id}`, { token, body: fill('series.update') });
    },
    'imports.import': async () => {
      const say = (what: string) => markers.make(`imports.import ${what}`);
      const text = `---\ntitle: ${say('title')}\n${say('key')}: x\n---\n\n${say('body')}`;
      await anImport(one, { accessToken: token }, text, { name: `${say('name')}.md` });
      const bad = await aZip({ [`${say('path')}.md`]: `---\ntitle: ''\n---\n\nx` });
      await anImport(one, { accessToken: token }, bad, { name: `${say('archive')}.zip` });
    },
    'files.upload': () =>
      upload(one, person, {
        name: `${markers.make('files.upload name')}.txt`,
        type: 'text/plain',
        bytes: markers.make('files.upload content'),
      }),
    'uploads.begin': () =>
      done('POST', 'files/uploads', {
        token,
        headers: key('uploads.begin'),
        body: fill('uploads.begin', { '/contentType': 'text/plain', '/size': 4, '/sha256': sha256('text') }),
      }),
    'uploads.take': async () => {
      const bytes = markers.make('uploads.take content');
      const body = { name: 'a.txt', contentType: 'text/plain', size: bytes.length, sha256: sha256(bytes) };
      const { body: begun } = await done<UploadResponse>('POST', 'files/uploads', { token, body });
      await exchange(one, 'PUT', begun.url, { body: Buffer.from(bytes), headers: begun.headers });
      await done('PUT', `files/uploads/${begun.id}/completion`, { token });
      const { body: never } = await done<UploadResponse>('POST', 'files/uploads', { token, body });
      await exchange(one, 'PUT', never.url, { body: Buffer.from(bytes), headers: never.headers });
    },
    'preferences.change': () =>
      done('PUT', 'notifications/preferences', { token, body: { preferences: [{ kind: 'order.paid', inApp: true, email: false }] } }),
    'notifications.readAll': () => done('PUT', 'notifications/read', { token, body: {} }),
    'unsubscriptions.unsubscribe': async () => undefined, // what stands in its form is not read
    'orders.quote': () => done('POST', 'orders/quote', { token, body: { items: [{ variantId, quantity: 1 }] } }),
    'orders.place': () => order('an order'),
    'carts.set': async () => done('PUT', `carts/${await cart({ token })}/items/${variantId}`, { token, body: { quantity: 2 } }),
    'carts.update': async () =>
      done('PATCH', `carts/${await cart({ token })}`, {
        token,
        body: fill('carts.update', { '/couponCode': undefined, '/shippingAddress/country': 'GB' }),
      }),
    'carts.merge': async () => {
      const { body } = await done<{ token: string }>('POST', 'carts');
      await done('POST', `carts/${await cart({ token })}/merge`, { token, body: { token: body.token } });
    },
    'orders.pay': async () => {
      const paid = await order('a paid order');
      await pay(token, paid.body.id);
      const refunded = await order('a refunded order');
      await pay(token, refunded.body.id);
      await done('POST', `orders/${refunded.body.id}/cancellation`, { token });
    },
    'factors.stepUp': () => done('POST', 'auth/step-up', { token, body: { password: `${password} again` } }),
    'factors.confirmTotp': async () => {
      const { body } = await done<{ secret: string }>('POST', 'auth/mfa/totp', { token });
      await done('POST', 'auth/mfa/totp/confirm', { token, body: { code: codeOf(body.secret) } });
    },
    'passkeys.register': async () => {
      const { body } = await done<{ challenge: string; user: { id: string } }>('POST', 'auth/passkeys/registration/options', { token });
      const name = markers.make('passkeys.register /name');
      await done('POST', 'auth/passkeys/registration', { token, body: { ...authenticator.create(body), name } });
    },
    'passkeys.login': async () =>
      done('POST', 'auth/passkeys/login', { headers: agent('passkeys.login'), body: await anAssertion(one, authenticator) }),
    'factors.finishLogin': async () => {
      const body = { email: person.user.email, password: `${password} again` };
      const { mfaToken } = (await done<{ mfaToken: string }>('POST', 'auth/login', { body })).body;
      const proof = await anAssertion(one, authenticator);
      await done('POST', 'auth/login/mfa', { headers: agent('factors.finishLogin'), body: { mfaToken, ...proof } });
    },
  };
  const authenticator = new Authenticator();
  /** `null`: what has a file or another resource behind it, when that is there. */
  const FREE = { '/coverFileId': null, '/seriesId': null, '/seriesPosition': undefined };

  /** What no person sends: providers, machines. */
  const BY_NOBODY = ['paymentWebhooks.receive'];
  /** What the person wrote over later. */
  const OVERWRITTEN = ['auth.register /name', 'users.update /metadata/*', 'users.update /name'];
  /** Texts whose values are not free, so that nobody can be recognised by them. */
  const NOT_FREE = [/ \/transport$/, / \/currency$/, / \/(shipping|billing)Address\/country$/, / \/items\/0\/variantId$/, / \/at$/];

  beforeAll(async () => {
    for (const walk of Object.values(WALK)) await walk();
    held = markers.foundIn(...(await contentsOf(database.url)).values(), ...(await filesIn(folder)));
  });

  it('is all that people can write: each operation that takes a body from them is tried here', () => {
    const mine = permissionsOf(['customer']);
    const ofPeople = operations.filter(({ operationId, description }) => {
      if (BY_NOBODY.includes(operationId)) return false;
      const permission = /Needs the permission `(.+?)`/.exec(description)?.[1];
      return permission === undefined || mine.has(permission);
    });
    const tried = Object.keys(WALK);
    const untried = ofPeople.map(({ operationId }) => operationId).filter((id) => !tried.includes(id));
    expect(untried.map((id) => `${id}: call it in WALK of this file`)).toEqual([]);
    expect([...markers.withoutRoom].filter((field) => !NOT_FREE.some((pattern) => pattern.test(field)))).toEqual([]);
  });

  it('is kept, unless it was written over', () => {
    const lost = [...markers.fields.keys()].filter((marker) => !held.has(marker));
    expect(markers.fieldsOf(lost)).toEqual(OVERWRITTEN);
  });

  it('is in the person’s export, all of it, and no secret with it', async () => {
    const { files, made } = await exported(token);
    const texts = [...files.values()];
    expect(markers.fieldsOf([...held].filter((marker) => !markers.foundIn(...texts).has(marker)))).toEqual([]);
    expect(texts.join('')).not.toMatch(/argon2|refreshHash|hash"/i);
    expect(texts.join('')).not.toContain(password);
    const listed = JSON.parse(files.get('contents.json')!) as { name: string; about: string }[];
    expect([...listed.map(({ name }) => name), 'contents.json']).toEqual([...files.keys()]);
    expect(made.completedAt).not.toBeNull();
  });

  it('is in nobody else’s export', async () => {
    const { files } = await exported((await register()).accessToken);
    expect(markers.fieldsOf(markers.foundIn(...files.values()))).toEqual([]);
  });

  it('is gone after the erasure, from every table, file and log, but for what the law asks to be kept', async () => {
    expect((await done('DELETE', 'users/me', { token })).status).toBe(204);
    await isErased(person.user.id);

    const left = markers.foundIn(...(await contentsOf(database.url)).values());
    const LAWFUL = ['a paid order /billingAddress', 'a paid order /shippingAddress', 'a refunded order /billingAddress'];
    expect(markers.fieldsOf(left).filter((field) => !LAWFUL.some((kept) => field.startsWith(kept)))).toEqual([]);
    for (const kept of LAWFUL) expect(markers.fieldsOf(left).some((field) => field.startsWith(kept))).toBe(true);

    expect((await filesIn(folder)).length).toBeGreaterThan(0);
    await eventually(async () => markers.foundIn(...(await filesIn(folder))).size === 0); // bytes go by a job
    expect(markers.fieldsOf(markers.foundIn(one.output(), other.output()))).toEqual([]);
  });

  it('leaves orders without a name, and numbers and amounts as they were', async () => {
    const orders = await sql<{ total: string; number: number; metadata: object; external_id: string | null }>(
      'SELECT o.number, o.total::text, o.metadata, o.external_id, u.name, u.email FROM orders o JOIN users u ON u.id = o.user_id WHERE user_id = $1',
      [person.user.id],
    );
    expect(orders).toHaveLength(3);
    for (const row of orders)
      expect(row).toMatchObject({
        total: '500',
        number: expect.any(Number),
        metadata: {},
        external_id: null,
        name: 'Deleted user',
        email: `erased:${person.user.id}`,
      });
    expect(await sql('SELECT FROM order_lines JOIN orders ON id = order_id WHERE user_id = $1', [person.user.id])).toHaveLength(3);
    expect(await sql('SELECT FROM payments p JOIN orders o ON o.id = p.order_id WHERE user_id = $1', [person.user.id])).toHaveLength(2);
  });

  it('leaves nobody to find: not by the list of users, not by id, not by the address that failed to log in', async () => {
    const { accessToken } = admin;
    const { body } = await done<{ items: { id: string }[] }>('GET', 'users?limit=100', { token: accessToken });
    expect(body.items.map(({ id }) => id)).not.toContain(person.user.id);
    for (const [method, call] of [
      ['GET', {}],
      ['PATCH', { body: { status: 'active' } }],
    ] as const)
      expect(await one.request(method, `users/${person.user.id}`, { token: accessToken, ...call })).toMatchObject({ status: 404 });
    const bucket = createHash('sha256').update(person.user.email).digest('base64url');
    expect(await sql('SELECT FROM budgets WHERE bucket LIKE $1', [`%${bucket}%`])).toEqual([]);
  });
});

describe('an erased person', () => {
  it('is out at once, in every process', async () => {
    const { accessToken, user } = await register();
    for (const each of [one, other]) expect((await each.request('GET', 'users/me', { token: accessToken })).status).toBe(200);
    expect((await done('DELETE', `users/${user.id}`, { token: admin.accessToken })).status).toBe(204);
    await eventually(async () => (await other.request('GET', 'users/me', { token: accessToken })).status === 401, 3_000);
    expect((await one.request('GET', 'users/me', { token: accessToken })).status).toBe(401);
    const login = await one.request('POST', 'auth/login', { body: { email: user.email, password: PASSWORD } });
    expect(login).toMatchObject({ status: 401, body: { code: 'auth/invalid-credentials' } });
    expect(await sql('SELECT FROM passwords WHERE user_id = $1', [user.id])).toEqual([]);
    expect(await sql('SELECT FROM sessions WHERE user_id = $1', [user.id])).toEqual([]);
  });

  it('may come back under the same address, as somebody new', async () => {
    const { accessToken, user } = await register();
    await done('DELETE', 'users/me', { token: accessToken });
    const again = await register({ email: user.email, password: PASSWORD, name: 'Ada again' });
    expect(again.user.id).not.toBe(user.id);
    await isErased(user.id);
    expect((await one.request<{ name: string }>('GET', 'users/me', { token: again.accessToken })).body.name).toBe('Ada again');
  });

  it('takes along what was written to the address before it was anybody’s', async () => {
    const { accessToken, user } = await register();
    await sql(`INSERT INTO mails (id, recipient, template) VALUES ($1, $2, 'an-invitation')`, [randomUUID(), user.email]);
    await done('DELETE', 'users/me', { token: accessToken });
    expect(await sql('SELECT FROM mails WHERE recipient = $1', [user.email])).toEqual([]);
  });

  it('is erased once, however often it is asked for at once', async () => {
    const { user } = await register();
    const erase = (_: unknown, turn: number) =>
      (turn % 2 ? one : other).request('DELETE', `users/${user.id}`, { token: admin.accessToken });
    const answers = await Promise.all(Array.from({ length: 6 }, erase));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    await isErased(user.id);
    expect(await sql('SELECT version FROM users WHERE id = $1', [user.id])).toEqual([{ version: 2 }]);
    expect(await sql('SELECT FROM erasures WHERE user_id = $1', [user.id])).toHaveLength(1);
  });

  it('loses what was still being written while the erasure ran', async () => {
    const { accessToken, user } = await register();
    await done('DELETE', 'users/me', { token: accessToken });
    await eventually(
      async () => (await sql(`SELECT FROM erasures WHERE user_id = $1 AND '1 users' = ANY (done)`, [user.id])).length === 1,
      PATIENCE_MS,
    );
    await sql(
      `INSERT INTO sessions (id, user_id, refresh_hash, ip, user_agent, expires_at) VALUES ($1, $2, '', '192.0.2.1', 'late', now())`,
      [randomUUID(), user.id],
    );
    await sql(
      `INSERT INTO posts (id, slug, title, excerpt, body, body_html, author_id, updated_at) VALUES ($1, $2, 'late', '', '', '', $3, now())`,
      [randomUUID(), unique(), user.id],
    );
    await isErased(user.id);
    expect(await sql('SELECT FROM sessions WHERE user_id = $1', [user.id])).toEqual([]);
    expect(await sql('SELECT FROM posts WHERE author_id = $1', [user.id])).toEqual([]);
  });
});

describe('an erasure', () => {
  it('goes on where it broke off when its process is killed', async () => {
    const own = await createDatabase();
    const env = { ...settings(), DATABASE_URL: own.url };
    const first = await startProcess({ databaseUrl: own.url, env });
    const ask = <Body>(method: string, path: string, call: Call) =>
      first.request<Body>(method, path, { ...call, headers: { 'idempotency-key': unique() } });
    const { body: person } = await ask<Tokens>('POST', 'auth/register', {
      body: { email: `k-${unique()}@example.org`, password: PASSWORD, name: 'Ada' },
    });
    const { body: post } = await ask<{ id: string }>('POST', 'posts', {
      token: person.accessToken,
      body: { title: 'Held fast', body: 'By somebody.' },
    });
    const orderId = randomUUID();
    await query(
      own.url,
      `INSERT INTO orders (id, user_id, currency, subtotal, total, shipping_address, expires_at) VALUES ($1, $2, 'EUR', 1, 1, '{"name": "Ada"}', now() + interval '1 day')`,
      [orderId, person.user.id],
    );

    const holder = new pg.Client({ connectionString: own.url });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM posts WHERE id = $1 FOR UPDATE', [post.id]);
    expect((await ask('DELETE', 'users/me', { token: person.accessToken })).status).toBe(204);
    const progress = async () =>
      (await query<{ done: string[]; completed_at: Date | null }>(own.url, 'SELECT done, completed_at FROM erasures'))[0]!;
    const reached = await eventually(async () => {
      const { done: steps } = await progress();
      return steps.includes('1 orders') && steps;
    }, PATIENCE_MS);
    expect(reached).not.toContain('1 posts');
    await first.stop('SIGKILL');
    await holder.query('ROLLBACK');
    await holder.end();
    expect((await progress()).completed_at).toBeNull();

    const second = await startProcess({ databaseUrl: own.url, env });
    const { done: steps } = await eventually(async () => {
      const now = await progress();
      return now.completed_at !== null && now;
    }, 120_000);
    expect(new Set(steps).size).toBe(steps.length);
    expect(await query(own.url, 'SELECT FROM posts')).toEqual([]);
    // Once: a second anonymisation would have made it version 3.
    expect(await query(own.url, 'SELECT version, shipping_address FROM orders WHERE id = $1', [orderId])).toEqual([
      { version: 2, shipping_address: null },
    ]);
    await second.stop();
    await own.drop();
  });
});

describe('an export', () => {
  it('is asked for once, however often and wherever it is asked for', async () => {
    const { accessToken: token, user } = await register();
    const asked = await Promise.all(
      Array.from({ length: 8 }, (_, turn) => (turn % 2 ? one : other).request<ExportResponse>('POST', 'users/me/export', { token })),
    );
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([202]));
    const rows = await sql<{ id: string }>('SELECT id FROM personal_exports WHERE user_id = $1', [user.id]);
    expect(rows.length).toBeLessThanOrEqual(new Set(asked.map(({ body }) => body.id)).size);
    for (const { body, headers } of asked) {
      expect(headers['location']).toBe(`http://localhost/api/v1/users/me/exports/${body.id}`);
      expect(['pending', 'running']).toContain(body.status);
    }
    expect(await sql(`SELECT FROM personal_exports WHERE user_id = $1`, [user.id])).toHaveLength(1);
  });

  it('is its person’s alone', async () => {
    const { accessToken: token } = await register();
    const { made } = await exported(token);
    const stranger = (await register()).accessToken;
    for (const path of [`users/me/exports/${made.id}`, `users/me/exports/${made.id}/content`]) {
      expect((await one.request('GET', path)).status).toBe(401);
      for (const by of [stranger, admin.accessToken])
        expect(await one.request('GET', path, { token: by })).toMatchObject({ status: 404, body: { code: 'privacy/export-not-found' } });
      expect((await one.request('GET', path.replace(made.id, 'nonsense'), { token })).status).toBe(400);
    }
    expect((await one.request('POST', 'users/me/export')).status).toBe(401);
    expect(await one.request('POST', 'users/me/export', { token, body: { of: 'everybody' } })).toMatchObject({ status: 400 });
  });

  it('is fetched as a file that nobody keeps on the way', async () => {
    const { accessToken: token } = await register();
    const { made } = await exported(token);
    expect(made.url).toBe(`http://localhost/api/v1/users/me/exports/${made.id}/content`);
    const { status, headers, bytes } = await download(token, made.id);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/zip');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="export-\d{4}-\d\d-\d\d\.zip"$/);
    expect(headers.get('content-length')).toBe(String(bytes.length));
    expect(bytes.length).toBe(made.size);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(made.sha256);
  });

  it('is replaced by the next one, and ends after a while', async () => {
    const { accessToken: token, user } = await register();
    const first = (await exported(token)).made;
    const second = (await exported(token)).made;
    expect((await one.request('GET', `users/me/exports/${first.id}`, { token })).status).toBe(404);
    expect(Date.parse(second.expiresAt as unknown as string) - Date.parse(second.completedAt as unknown as string)).toBeGreaterThan(
      71 * 3_600_000,
    );
    await sql(`UPDATE personal_exports SET expires_at = now() - interval '1 second' WHERE id = $1`, [second.id]);
    for (const path of [`users/me/exports/${second.id}`, `users/me/exports/${second.id}/content`])
      expect((await one.request('GET', path, { token })).status).toBe(404);
    expect((await exported(token)).made.id).not.toBe(second.id);
    expect(await sql('SELECT FROM personal_exports WHERE user_id = $1', [user.id])).toHaveLength(1);
  });

  it('of many rows is streamed, whole', async () => {
    const { accessToken: token, user } = await register();
    await sql(
      `INSERT INTO posts (id, slug, title, excerpt, body, body_html, author_id, updated_at)
       SELECT gen_random_uuid(), 'many-${user.id}-' || n, 'Post ' || n, '', (SELECT string_agg(md5(n::text || m || random()::text), '') FROM generate_series(1, 100) m), '', $1, now() FROM generate_series(1, 2000) n`,
      [user.id],
    );
    const { files, made } = await exported(token);
    expect(made.size).toBeGreaterThan(3 * 512 * 1_024);
    const posts = JSON.parse(files.get('posts.json')!) as { title: string }[];
    expect(new Set(posts.map(({ title }) => title)).size).toBe(2_000);
  });
});
