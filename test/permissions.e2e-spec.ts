import { createPrivateKey, randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeProtectedHeader, SignJWT } from 'jose';
import { transaction } from '#database';
import type { UploadResponse } from '../src/files/uploads.dto.js';
import { NotificationsService } from '../src/notifications/notifications.service.js';
import { permissionsOf, ROLES } from '../src/users/roles.rules.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aPost, aProduct, aSession, aUser, type Person, unique } from './harness/people.js';
import { signingKey } from './harness/run.js';
import { form, sha256, upload } from './harness/uploads.js';

const root = join(import.meta.dirname, '..');
const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  type?: string | string[];
  enum?: unknown[];
  format?: string;
  example?: unknown;
  minimum?: number;
  minLength?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

interface Operation {
  operationId: string;
  method: string;
  path: string;
  description: string;
  security: Record<string, string[]>[];
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

const document = JSON.parse(readFileSync(join(root, 'openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;
};
const OPERATIONS: Operation[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
);
const nameOf = ({ method, path }: Operation) => `${method} ${path}`;
const permissionIn = ({ description }: Operation) => /Needs the permission `([^`]+)`/.exec(description)?.[1];
const isPublic = ({ security }: Operation) => security.some((scheme) => Object.keys(scheme).length === 0);
/** It does not look at who calls: a log-in, a page. */
const ignoresCallers = ({ security }: Operation) => security.every((scheme) => Object.keys(scheme).length === 0);
const NOT_FOR = { 'API key': /Not with an API key|Needs a fresh proof/, 'acting as': /nor while acting as|Needs a fresh proof/ };

/** Things that are somebody's, by the noun in the path, and the permissions that reach those of others: to read, and to change. */
const OWNED: Record<string, { read?: string; change?: string }> = {
  posts: { read: 'posts:manage', change: 'posts:manage' },
  comments: { read: 'comments:moderate', change: 'comments:moderate' },
  orders: { read: 'orders:read', change: 'orders:manage' },
  carts: {},
  files: { read: 'files:manage', change: 'files:manage' },
  uploads: {},
  sessions: {},
  'api-keys': {},
  exports: {},
  imports: {},
  notifications: {},
  endpoints: {},
  deliveries: {},
};
/** The noun of the last thing that a path names by its id, such as `posts` in `/posts/{id}/publication`; parts of it are its owner's, too. */
const nounOf = ({ path }: Operation) => path.match(/([\w-]+)\/\{(?:id|idOrSlug)\}(?!.*\{(?!n\}|linkId\}))/)?.[1];

interface Caller {
  name: string;
  token?: string;
  permissions: ReadonlySet<string>;
  /** Refused wherever somebody looks at who calls. */
  dead?: boolean;
  /** Not a session of the user's own. */
  kind?: keyof typeof NOT_FOR;
}

let app: TestApp;
let admin: Person;
let owner: Person;
let callers: Caller[];
let things: Record<string, string>;

const NOTHING: ReadonlySet<string> = new Set();

/** Whether the caller, who owns none of the things, may get through. */
function mayReach(caller: Caller, operation: Operation): boolean {
  if (caller.dead) return false;
  const permission = permissionIn(operation);
  if (caller.token === undefined && !isPublic(operation)) return false;
  // Where strangers may call, only whoever logs in is asked for a permission.
  if (caller.token !== undefined && permission !== undefined && !caller.permissions.has(permission)) return false;
  if (caller.kind && NOT_FOR[caller.kind].test(operation.description)) return false;
  const noun = nounOf(operation);
  // Under /ops and among events nothing is anybody's own.
  if (noun === undefined || OWNED[noun] === undefined || /\/ops\/|\/products\/imports\//.test(operation.path)) return true;
  const reach = operation.method === 'GET' ? OWNED[noun].read : OWNED[noun].change;
  return reach !== undefined && caller.permissions.has(reach);
}

function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  return schema.$ref
    .slice(2)
    .split('/')
    .reduce<unknown>((node, part) => (node as Record<string, unknown>)[part], document) as Schema;
}

/** A value that the schema allows, of required members only: so that what is refused is refused for who asks. */
function exampleOf(given: Schema): unknown {
  const schema = resolve(given);
  const choice = schema.oneOf?.[0] ?? schema.anyOf?.find(({ type }) => type !== 'null');
  if (choice !== undefined) return exampleOf(choice);
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.example !== undefined) return schema.example;
  switch ([schema.type ?? 'object'].flat()[0]) {
    case 'string':
      return (
        { uuid: NOBODYS_ID, email: `n-${unique()}@example.org`, 'date-time': '2099-01-01T00:00:00Z' }[schema.format ?? ''] ??
        'x'.repeat(schema.minLength ?? 1)
      );
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'array':
      return [exampleOf(schema.items!)];
    default:
      return Object.fromEntries((schema.required ?? []).map((name) => [name, exampleOf(schema.properties![name]!)]));
  }
}

function pathOf(operation: Operation): string {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(things[/^id/.test(name) ? (nounOf(operation) ?? '') : name] ?? NOBODYS_ID),
  );
  const required = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query' && parameter.required);
  return required.length === 0
    ? path
    : `${path}?${required.map(({ name, schema }) => `${name}=${encodeURIComponent(String(exampleOf(schema)))}`).join('&')}`;
}

/** As a client who knows the way would ask. */
function ask(
  operation: Operation,
  { token }: Caller,
  { path = pathOf(operation), method = operation.method } = {},
): Promise<Answer<unknown>> {
  const { content = {} } = operation.requestBody ?? {};
  const parts = content['multipart/form-data'] && form([{ name: 'a.txt', type: 'text/plain', bytes: 'text' }]);
  const json = content['application/json'] && exampleOf(content['application/json'].schema);
  const bytes = content['application/octet-stream'] && { type: 'text/plain', body: 'text' };
  const other = parts ?? bytes;
  return app.request<unknown>(method, path, {
    token,
    ...(other ? { body: other.body.toString() } : json !== undefined && { body: json }),
    headers: { 'idempotency-key': unique(), ...(other && { 'content-type': other.type }) },
  });
}

/** Runs a few at a time, in order. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

async function makeThings(): Promise<Record<string, string>> {
  const { accessToken: token } = owner;
  const make = async (path: string, body: unknown = {}) =>
    (await app.request<{ id: string }>('POST', path, { token, body, headers: { 'idempotency-key': unique() } })).body.id;
  const product = await aProduct(app);
  const endpoints = await make('webhooks/endpoints', { url: 'https://hooks.invalid/', events: ['post.trashed'] });
  const delivery = await app.prisma.webhookDelivery.create({
    data: { endpointId: endpoints, messageId: randomUUID(), type: 'post.trashed', body: '{}', status: 'failed', completedAt: new Date() },
  });
  const uploads = await app.request<UploadResponse>('POST', 'files/uploads', {
    token,
    body: { name: 'a.txt', contentType: 'text/plain', size: 4, sha256: sha256('text') },
  });
  const notice = {
    kind: 'password.changed',
    userId: owner.id,
    eventId: randomUUID(),
    resource: { type: 'user', id: owner.id },
    facts: {},
  } as const;
  await transaction(app.prisma, (db) => app.get(NotificationsService).tell(notice, db));
  const role = `role-${unique()}`;
  await app.request('POST', 'roles', { token: admin.accessToken, body: { name: role, permissions: [] } });
  const { id: posts } = await aPost(app, owner);
  await app.request('PUT', `posts/${posts}/autosave`, { token, body: { baseVersion: 1, title: 'x' } });
  return {
    users: owner.id,
    posts,
    n: '1',
    linkId: await make(`posts/${posts}/preview-links`),
    comments: await make(`posts/${(await aPost(app, admin, { published: true })).id}/comments`, { body: 'Waits for a moderator.' }),
    products: product.id,
    variants: product.variants[0]!.id,
    orders: await make('orders', { items: [{ variantId: product.variants[0]!.id, quantity: 1 }] }),
    carts: await make('carts'),
    files: (await upload(app, owner, { name: 'a.txt', type: 'text/plain', bytes: 'text' })).body.id,
    uploads: uploads.body.id,
    endpoints,
    deliveries: delivery.id,
    'api-keys': await make('auth/api-keys', { name: 'x', scopes: [] }),
    exports: await make('users/me/export'),
    imports: (await app.prisma.postImport.create({ data: { ownerId: owner.id, authorId: owner.id, name: 'blog.zip' } })).id,
    notifications: (await app.prisma.notification.findFirstOrThrow({ where: { userId: owner.id, kind: 'password.changed' } })).id,
    sessions: (await aSession(app, owner.id)).sessionId,
    name: role,
    consumer: 'webhooks.fan-out',
    locations: (await app.prisma.stockLocation.findFirstOrThrow({ where: { isDefault: true } })).id,
    job: '1',
    invariant: 'stock-reserved',
    module: 'products',
    what: 'out-of-stock',
  };
}

async function expired({ id, sessionId, accessToken }: Person): Promise<string> {
  const past = Math.floor(Date.now() / 1_000) - 60;
  const claims = { sub: id, sid: sessionId, iss: 'http://localhost', aud: 'ashlar', iat: past - 600, exp: past };
  const header = { alg: 'EdDSA', kid: decodeProtectedHeader(accessToken).kid!, typ: 'at+jwt' };
  return new SignJWT(claims).setProtectedHeader(header).sign(createPrivateKey(signingKey()));
}

beforeAll(async () => {
  app = await startApp({ ROLE: 'api', AUTH_LOGIN_FAILURES_PER_WINDOW: '1000000', STREAMS_PER_USER: '1000' });
  admin = await anAdmin(app);
  const hooks = `role-${unique()}`;
  await app.request('POST', 'roles', { token: admin.accessToken, body: { name: hooks, permissions: ['webhooks:manage'] } });
  const peers = await Promise.all([aUser(app), aUser(app)]);
  for (const { id } of peers) await app.request('PATCH', `users/${id}`, { token: admin.accessToken, body: { roles: ['customer', hooks] } });
  await eventually(async () => (await app.request('GET', 'webhooks/endpoints', { token: peers[0].accessToken })).status === 200);
  owner = peers[0]!;
  const all = permissionsOf(['admin']);
  const [suspended, loggedOut, machine] = [await anAdmin(app), await anAdmin(app), await anAdmin(app)];
  const body = { name: 'x', scopes: [] };
  const { key } = (await app.request<{ key: string }>('POST', 'auth/api-keys', { token: machine.accessToken, body })).body;
  const { key: dead } = (await app.request<{ key: string }>('POST', 'auth/api-keys', { token: suspended.accessToken, body })).body;
  await app.request('PATCH', `users/${suspended.id}`, { token: admin.accessToken, body: { status: 'suspended' } });
  await app.request('POST', 'auth/logout', { token: loggedOut.accessToken });
  const acting = await app.request<{ accessToken: string }>('POST', `users/${peers[1].id}/impersonation`, { token: admin.accessToken });
  callers = [
    { name: 'nobody', permissions: NOTHING },
    {
      name: 'another user',
      token: peers[1].accessToken,
      permissions: permissionsOf(['customer', hooks], new Map([[hooks, ['webhooks:manage']]])),
    },
    ...(await Promise.all(
      ROLES.map(async (role) => ({
        name: role,
        token: (await aUser(app, { roles: [role] })).accessToken,
        permissions: permissionsOf([role]),
      })),
    )),
    { name: 'somebody without a role', token: (await aUser(app, { roles: [] })).accessToken, permissions: NOTHING },
    { name: 'an API key without a scope', token: key, permissions: NOTHING, kind: 'API key' },
    {
      name: 'who acts as another user',
      token: acting.body.accessToken,
      permissions: permissionsOf(['customer', hooks], new Map([[hooks, ['webhooks:manage']]])),
      kind: 'acting as',
    },
    { name: 'a suspended administrator', token: suspended.accessToken, permissions: all, dead: true },
    { name: 'the API key of a suspended administrator', token: dead, permissions: all, dead: true },
    { name: 'an administrator who has logged out', token: loggedOut.accessToken, permissions: all, dead: true },
    { name: 'an expired token of an administrator', token: await expired(admin), permissions: all, dead: true },
  ];
  things = await makeThings();
}, 60_000);

afterAll(() => app.close());

/** What each caller may not do. */
const refusals = (which: (caller: Caller) => boolean = () => true) =>
  OPERATIONS.filter((operation) => !ignoresCallers(operation)).flatMap((operation) =>
    callers.filter((caller) => which(caller) && !mayReach(caller, operation)).map((caller) => ({ operation, caller })),
  );

/** Every way of writing a path that has led past somebody's guard (CVE-2025-69211, CVE-2026-2293, -33011, -54281, -22031). */
const SPELLINGS: [string, (path: string) => string][] = [
  ['a double slash in front', (path) => `/${path}`],
  ['a double slash inside', (path) => path.replace('/v1/', '/v1//')],
  ['a slash behind', (path) => `${path}/`],
  ['an encoded letter', (path) => path.replace(/\/v1\/(\w)/, (_, letter: string) => `/v1/%${letter.charCodeAt(0).toString(16)}`)],
  ['an encoded letter at the end', (path) => path.replace(/(\w)$/, (letter) => `%${letter.charCodeAt(0).toString(16)}`)],
  ['another case', (path) => path.toUpperCase()],
  ['a parameter of the path', (path) => `${path};a=b`],
  ['a semicolon', (path) => `${path};`],
  ['a dot', (path) => path.replace('/v1/', '/v1/./')],
  ['two dots', (path) => path.replace('/v1/', '/v1/x/../')],
  ['an encoded slash behind', (path) => `${path}%2f`],
];

const withoutQuery = (path: string) => path.split('?', 1)[0]!;
const searchOf = (path: string) => path.slice(withoutQuery(path).length);

describe('every operation', () => {
  it('is closed to whom it is not for, and their things to everybody else', async () => {
    const faults: string[] = [];
    const asked = refusals();
    await each(asked, async ({ operation, caller }) => {
      const { status, text } = await ask(operation, caller);
      const wanted = caller.token === undefined || caller.dead ? [401, 404] : [403, 404];
      if (!wanted.includes(status)) faults.push(`${nameOf(operation)} answers ${caller.name} with ${status}: ${text.slice(0, 200)}`);
    });
    expect(faults).toEqual([]);
    expect(asked.length).toBeGreaterThan(OPERATIONS.length * 4);
  }, 60_000);

  it('is open to whom it is for: so that the test above proves something', async () => {
    const faults: string[] = [];
    const boss = callers.find(({ name }) => name === 'admin')!;
    const readable = OPERATIONS.filter(
      (operation) => operation.method === 'GET' && permissionIn(operation) !== undefined && !operation.path.includes('{'),
    );
    await each(readable, async (operation) => {
      const { status } = await ask(operation, boss);
      if (status !== 200) faults.push(`${nameOf(operation)} answers an administrator with ${status}`);
    });
    // What was reported of a comment is not its author's to read; what is not paid has no invoice.
    const mine = OPERATIONS.filter(
      (operation) =>
        operation.method === 'GET' &&
        OWNED[nounOf(operation) ?? ''] !== undefined &&
        !/content|preview$|invoice$|ops|reports$|products\/imports/.test(operation.path),
    );
    await each(mine, async (operation) => {
      const { status } = await ask(operation, { name: 'owner', token: owner.accessToken, permissions: NOTHING });
      if (status !== 200) faults.push(`${nameOf(operation)} answers the owner with ${status}`);
    });
    expect(faults).toEqual([]);
    expect([readable.length > 8, mine.length > 6]).toEqual([true, true]);
  });

  it.each(SPELLINGS)('is as closed when its path is written with %s', async (_, spelt) => {
    const faults: string[] = [];
    const few = new Set(['nobody', 'another user', 'an API key without a scope']);
    await each(
      refusals(({ name }) => few.has(name)),
      async ({ operation, caller }) => {
        const path = pathOf(operation);
        const { status, text } = await ask(operation, caller, { path: spelt(withoutQuery(path)) + searchOf(path) });
        if (status < 400 || status >= 500) faults.push(`${nameOf(operation)} answers ${caller.name} with ${status}: ${text.slice(0, 200)}`);
      },
    );
    expect(faults).toEqual([]);
  });

  it('is as closed to HEAD as to GET', async () => {
    const faults: string[] = [];
    await each(
      refusals(({ name }) => !ROLES.includes(name as never)).filter(({ operation }) => operation.method === 'GET'),
      async ({ operation, caller }) => {
        const { status } = await ask(operation, caller, { method: 'HEAD' });
        if (status < 400 || status >= 500) faults.push(`HEAD ${operation.path} answers ${caller.name} with ${status}`);
      },
    );
    expect(faults).toEqual([]);
  });
});

/** Every member of every model in the database. */
const FIELDS = [
  ...new Set(
    globSync('prisma/models/*.prisma', { cwd: root }).flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/^ {2}([a-z]\w*) +[A-Z]\w*[ ?[]/gm)].map(([, field]) => field!),
    ),
  ),
].sort();

/** Members of bodies that are called like what only the application writes, and why a client may name them. */
const NAMED_BY_CLIENTS: Record<string, string> = {
  externalId: 'is the integrator’s own',
  coverFileId: 'names a picture',
  seriesId: 'names a series of one’s own',
  parentId: 'names what is replied to',
  variantId: 'names what is bought',
  cartId: 'names what is bought',
  locationId: 'names where goods lie',
  expiresAt: 'is when the client wants its key to end',
  sha256: 'is what the client will upload',
  at: 'is when to publish',
  startsAt: 'is from when a coupon is good',
  endsAt: 'is until when a coupon is good',
};

describe('a body', () => {
  const writes = OPERATIONS.filter(({ requestBody }) => requestBody?.content['application/json'] !== undefined);
  const membersOf = ({ requestBody }: Operation) => Object.keys(resolve(requestBody!.content['application/json']!.schema).properties ?? {});

  it('cannot set what its operation does not name: no member of any model', async () => {
    expect([FIELDS.length > 150, writes.length > 20]).toEqual([true, true]);
    for (const field of ['id', 'roles', 'emailVerifiedAt', 'userId', 'impersonatorId', 'user', 'version', 'hash'])
      expect(FIELDS).toContain(field);
    const boss = callers.find(({ name }) => name === 'admin')!;
    const faults: string[] = [];
    await each(writes, async (operation) => {
      const declared = new Set(membersOf(operation));
      const body = exampleOf(operation.requestBody!.content['application/json']!.schema) as object;
      const others = FIELDS.filter((field) => !declared.has(field));
      for (let at = 0; at < others.length; at += 15) {
        const names = others.slice(at, at + 15);
        const answer = await app.request<{ errors?: { pointer: string }[] }>(operation.method, pathOf(operation), {
          token: boss.token,
          body: { ...body, ...Object.fromEntries(names.map((name) => [name, 'x'])) },
          headers: { 'idempotency-key': unique() },
        });
        const named = new Set((answer.body.errors ?? []).map(({ pointer }) => pointer));
        const missed = names.filter((name) => !named.has(`/${name}`));
        if (answer.status !== 400 || missed.length > 0)
          faults.push(`${nameOf(operation)} answers ${answer.status} to ${missed.join()}: ${answer.text.slice(0, 300)}`);
      }
    });
    expect(faults).toEqual([]);
  }, 60_000);

  it('never names what only the application may write', () => {
    const ofAuthenticator = (operation: Operation, member: string) => member === 'id' && membersOf(operation).includes('rawId'); // WebAuthn's
    const named = writes.flatMap((operation) =>
      membersOf(operation)
        .filter((member) => !ofAuthenticator(operation, member))
        .filter((member) => FIELDS.includes(member) && /^(id|version|.*(Id|At|[hH]ash))$/.test(member) && !(member in NAMED_BY_CLIENTS))
        .map((member) => `${nameOf(operation)}: ${member}`),
    );
    expect(named).toEqual([]);
    const roles = writes.filter((operation) => membersOf(operation).includes('roles'));
    expect(roles.map(permissionIn)).toEqual(roles.map(() => 'users:manage'));
  });

  it('has changed nothing', async () => {
    const [user] = await query<{ roles: string[]; version: number }>(app.databaseUrl, 'SELECT roles, version FROM users WHERE id = $1', [
      owner.id,
    ]);
    expect([user!.roles.includes('admin'), user!.version]).toEqual([false, 2]);
  });
});
