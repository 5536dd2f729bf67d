import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DiscoveryService, HttpAdapterHost } from '@nestjs/core';
import { RequestMethod } from '@nestjs/common';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { transaction } from '#database';
import type { FileResponse } from '../src/files/files.dto.js';
import type { UploadResponse } from '../src/files/uploads.dto.js';
import { NotificationsService } from '../src/notifications/notifications.service.js';
import { UnsubscriptionsService } from '../src/notifications/unsubscriptions.service.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer, Call } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aPost, aProduct, aSession, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import { aPng, exchange, form, type Part, sha256, upload } from './harness/uploads.js';
import { INHERITED_NAMES } from './harness/wire.js';

const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const JSON_TYPE = 'application/json';
const PROBLEM_TYPE = 'application/problem+json';

type Schema = Record<string, unknown>;

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}

interface Response {
  $ref?: string;
  description: string;
  headers?: Record<string, unknown>;
  content?: Record<string, { schema: Schema; examples?: Record<string, unknown> }>;
}

interface Operation {
  id: string;
  method: (typeof METHODS)[number];
  path: string;
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  parameters: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, Response>;
}

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, Omit<Operation, 'id' | 'method' | 'path'>>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, unknown> };
}

/** One call of an operation that ought to succeed. */
interface Happy {
  params?: Record<string, string>;
  query?: string;
  body?: Record<string, unknown>;
  /** A body that is no JSON. */
  form?: { type: string; body: Buffer };
  by?: Person;
  headers?: Record<string, string>;
}

let app: TestApp;
/** Only the built product knows its types: the Swagger plugin works at the build. */
let product: Product;
let document: OpenApi;
let operations: Operation[];
let problem: ValidateFunction;

beforeAll(async () => {
  app = await startApp();
  product = await startProcess({ databaseUrl: app.databaseUrl });
  document = (await product.request<OpenApi>('GET', '/openapi.json')).body;
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      ...item[method]!,
      id: `${method.toUpperCase()} ${path}`,
      method,
      path,
      parameters: item[method]!.parameters ?? [],
    })),
  );
  problem = compile({ $ref: '#/components/schemas/Problem' });
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

/** With every object closed: an answer may hold nothing that is not described. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== 'object') return schema;
  const copy = Object.fromEntries<unknown>(
    Object.entries(schema).map(([name, value]) => [name, name === 'examples' || name === 'example' ? value : closed(value)]),
  );
  return copy.type === 'object' || copy.properties ? { additionalProperties: false, ...copy } : copy;
}

function compile(schema: Schema): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
  formats.default(ajv);
  return ajv.compile({ ...(closed(schema) as Schema), components: closed(document.components) });
}

const validators = new Map<string, ValidateFunction>();

function responseOf(operation: Operation, status: number): Response | undefined {
  const response = operation.responses[String(status)];
  return response?.$ref ? resolve<Response>(response.$ref) : response;
}

function resolve<T>(ref: string): T {
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>((node, part) => (node as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')], document) as T;
}

const isPublic = ({ security = [] }: Operation) => security.some((scheme) => Object.keys(scheme).length === 0);
const heedsTokens = ({ security = [] }: Operation) => security.some((scheme) => Object.keys(scheme).length > 0);
const takes = ({ parameters }: Operation, name: string) => parameters.some((parameter) => parameter.name === name);
/** Its body is read as a stream, whatever it is: nothing in it has a name, and the test of that feature sees to it. */
const streams = ({ requestBody }: Operation) =>
  ['multipart/form-data', 'application/octet-stream'].some((type) => requestBody?.content[type] !== undefined) &&
  requestBody?.content['application/x-www-form-urlencoded'] === undefined;
const codesOf = (response: Response | undefined) => Object.keys(response?.content?.[PROBLEM_TYPE]?.examples ?? {});

/** What is wrong with an answer, by the document. */
function faultsOf(operation: Operation, answer: Answer<unknown>): string[] {
  const response = responseOf(operation, answer.status);
  const faults: string[] = [];
  const fault = (what: string) => faults.push(`${operation.id} answers ${answer.status}: ${what}`);
  const type = answer.headers['content-type'];
  if (answer.status >= 500) fault(`it broke: ${answer.text}`);
  if (response === undefined) fault(`the status is not documented (${answer.text.slice(0, 200)})`);
  if (answer.headers['x-request-id'] === undefined) fault('no X-Request-Id');
  if (answer.status >= 400) {
    const body = answer.body as { code: string; status: number; type: string; instance: string; requestId: string };
    if (type !== PROBLEM_TYPE) fault(`it is ${type}`);
    if (!problem(body)) fault(`no problem document: ${JSON.stringify(problem.errors)}`);
    else {
      if (response && !codesOf(response).includes(body.code)) fault(`${body.code} is not documented for it`);
      if (
        body.status !== answer.status ||
        body.type !== `http://localhost/problems/${body.code}` ||
        body.requestId !== answer.headers['x-request-id'] ||
        !body.instance.startsWith('/')
      )
        fault(`the problem contradicts itself: ${answer.text}`);
      if (/prisma|postgres|select |node_modules|at .*\.js/i.test(answer.text)) fault(`it tells too much: ${answer.text}`);
    }
    return faults;
  }
  const content = response?.content?.[JSON_TYPE];
  if (content) {
    const key = `${operation.id} ${answer.status}`;
    const validate = validators.get(key) ?? compile(content.schema);
    validators.set(key, validate);
    if (!type?.startsWith(JSON_TYPE)) fault(`it is ${type}`);
    if (!validate(answer.body))
      fault(
        `${JSON.stringify(validate.errors?.map(({ instancePath, message, params }) => [instancePath, message, params]))} in ${answer.text.slice(0, 500)}`,
      );
  } else if (response?.content) {
    if (!Object.keys(response.content).some((media) => media === '*/*' || type?.startsWith(media))) fault(`it is ${type}`);
  } else if (answer.text !== '') fault(`it says what is not documented: ${answer.text.slice(0, 200)}`);
  for (const name of ['Location', 'ETag'])
    if (response?.headers?.[name] && answer.headers[name.toLowerCase()] === undefined) fault(`no ${name}`);
  return faults;
}

function pathOf(operation: Operation, params: Record<string, string> = {}, search = ''): string {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? params['id'] ?? NOBODYS_ID));
  return search === '' ? path : `${path}?${search}`;
}

const send = (operation: Operation, happy: Happy, changed: { path?: string; call?: Call } = {}) =>
  product.request<unknown>(operation.method.toUpperCase(), changed.path ?? pathOf(operation, happy.params, happy.query), {
    ...(happy.by && { token: happy.by.accessToken }),
    ...(happy.body && { body: happy.body }),
    ...(happy.form && { body: happy.form.body.toString('utf8') }),
    headers: {
      ...(happy.form && { 'content-type': happy.form.type }),
      ...(takes(operation, 'Idempotency-Key') && { 'idempotency-key': unique() }),
      ...happy.headers,
    },
    ...changed.call,
  });

const address = { name: 'Ada Lovelace', line1: '12 Dean Street', city: 'London', postalCode: 'SW1Y 4JH', country: 'GB' };

async function anOrder(by: Person, more: object = {}): Promise<string> {
  const { variants } = await aProduct(app);
  const { body } = await product.request<{ id: string }>('POST', 'orders', {
    token: by.accessToken,
    headers: { 'idempotency-key': unique() },
    body: { items: [{ variantId: variants[0]!.id, quantity: 1 }], ...more },
  });
  return body.id;
}

async function aNotification(to: Person): Promise<string> {
  const resource = { type: 'user', id: to.id };
  await transaction(app.prisma, (db) =>
    app.get(NotificationsService).tell({ kind: 'password.changed', userId: to.id, eventId: randomUUID(), resource, facts: {} }, db),
  );
  return (await app.prisma.notification.findFirstOrThrow({ where: { userId: to.id } })).id;
}

async function anUnsubscription(): Promise<string> {
  return new URL((await app.get(UnsubscriptionsService).urlFor((await aUser(app)).id, 'order.paid'))!).search.slice(1);
}

async function aFile(by: Person, part: Part = { name: 'a.txt', type: 'text/plain', bytes: 'text' }): Promise<{ id: string; url: string }> {
  return (await upload(product, by, part)).body;
}

async function anUpload(by: Person): Promise<UploadResponse> {
  const body = { name: 'a.txt', contentType: 'text/plain', size: 4, sha256: sha256('text') };
  return (await product.request<UploadResponse>('POST', 'files/uploads', { token: by.accessToken, body })).body;
}

/** A job that nobody does, since its name is of an older version. */
async function aJob(): Promise<string> {
  const [job] = await query<{ id: string }>(
    app.databaseUrl,
    `SELECT id::text FROM graphile_worker.add_job('orders.forgotten', '{"payload":{"a":1}}')`,
  );
  return job!.id;
}

async function aDeadJob(): Promise<string> {
  const id = await aJob();
  await query(app.databaseUrl, `SELECT id FROM graphile_worker.permanently_fail_jobs(ARRAY[$1::bigint], 'no luck')`, [id]);
  return id;
}

/** An event that a consumer has failed with too often: one that no worker has, so that nobody retries it on its own. */
async function aStuckEvent(): Promise<string> {
  const { id } = await aPost(app, await aUser(app));
  const [event] = await app.prisma.event.findMany({ where: { resourceId: id } });
  await app.prisma.eventSubscription.createMany({ data: [{ consumer: 'test.contract', event: 'post.created' }], skipDuplicates: true });
  const eventId = event!.id;
  const stuck = { position: 1n, resource: `post:${id}`, status: 'stuck' as const, attempts: 12, lastError: 'x' };
  // Once the subscription is known, the dispatcher may have been first.
  await app.prisma.eventDelivery.upsert({
    where: { eventId_consumer: { eventId, consumer: 'test.contract' } },
    create: { consumer: 'test.contract', eventId, ...stuck },
    update: stuck,
  });
  return eventId;
}

/** An endpoint that nobody can reach, with a delivery that waits for its next attempt. */
async function anEndpoint(by: Person): Promise<{ id: string; deliveryId: string }> {
  const { body } = await product.request<{ id: string }>('POST', 'webhooks/endpoints', {
    token: by.accessToken,
    body: { url: 'https://hooks.invalid/ashlar', events: ['post.trashed'] },
  });
  const delivery = await app.prisma.webhookDelivery.create({
    data: {
      endpointId: body.id,
      messageId: randomUUID(),
      type: 'post.trashed',
      body: '{}',
      status: 'scheduled',
      attempts: 1,
      nextAttemptAt: new Date(Date.now() + 3_600_000),
      log: {
        create: { number: 1, startedAt: new Date(), durationMs: 7, sentHeaders: { 'webhook-id': 'x' }, statusCode: 500, answer: 'no' },
      },
    },
  });
  return { id: body.id, deliveryId: delivery.id };
}

async function anExport(by: Person, status: string): Promise<string> {
  const { body } = await product.request<{ id: string }>('POST', 'users/me/export', { token: by.accessToken });
  await eventually(async () => {
    const made = await product.request<{ status: string }>('GET', `users/me/exports/${body.id}`, { token: by.accessToken });
    return status === 'pending' || made.body.status === status;
  }, 60_000);
  return body.id;
}

async function anApiKey(by: Person): Promise<string> {
  const body = { name: 'A scanner', scopes: [] };
  return (await product.request<{ id: string }>('POST', 'auth/api-keys', { token: by.accessToken, body })).body.id;
}

async function aRole(): Promise<string> {
  const body = { name: `r-${unique()}`, permissions: ['orders:read'] };
  return (await product.request<{ name: string }>('POST', 'roles', { token: (await anAdmin(app)).accessToken, body })).body.name;
}

/** Calls of every operation that ought to succeed, each in a world of its own. */
const HAPPY: Record<string, () => Promise<Happy[]>> = {
  'auth.register': async () => [
    { body: { email: `n-${unique()}@example.org`, password: 'six yellow lanterns over water', name: 'Grace Hopper' } },
  ],
  'auth.login': async () => {
    const { email, password } = await aUser(app);
    return [{ body: { email, password } }];
  },
  'auth.refresh': async () => [{ body: { refreshToken: (await aUser(app)).refreshToken } }],
  'auth.logout': async () => [{ by: await aUser(app) }],
  'auth.listSessions': async () => [{ by: await aUser(app) }],
  'auth.endSession': async () => {
    const by = await aUser(app);
    return [{ by, params: { id: (await aSession(app, by.id)).sessionId } }];
  },
  'auth.endOtherSessions': async () => [{ by: await aUser(app) }],
  'auth.changePassword': async () => {
    const by = await aUser(app);
    return [{ by, body: { currentPassword: by.password, newPassword: 'six yellow lanterns over water' } }];
  },
  'auth.csrf': async () => [{ by: await aUser(app) }],
  'auth.stepUp': async () => {
    const by = await aUser(app);
    return [{ by, body: { password: by.password } }];
  },
  'apiKeys.list': async () => {
    const by = await aUser(app);
    await anApiKey(by);
    return [{ by }];
  },
  'apiKeys.create': async () => [
    { by: await aUser(app), body: { name: 'A scanner', scopes: ['orders:place'], expiresAt: '2099-01-01T00:00:00Z' } },
    { by: await aUser(app), body: { name: 'A scanner', scopes: [], expiresAt: null } },
  ],
  'apiKeys.get': async () => {
    const by = await aUser(app);
    return [{ by, params: { id: await anApiKey(by) } }];
  },
  'apiKeys.rotate': async () => {
    const by = await aUser(app);
    return [
      { by, params: { id: await anApiKey(by) }, body: {} },
      { by, params: { id: await anApiKey(by) }, body: { overlapSeconds: 0 } },
    ];
  },
  'apiKeys.delete': async () => {
    const by = await aUser(app);
    return [{ by, params: { id: await anApiKey(by) } }];
  },
  'explanations.explain': async () => {
    const { id } = await aUser(app);
    return [
      { by: await anAdmin(app), query: `userId=${id}&permission=orders:read&resource=user:${id}` },
      { by: await anAdmin(app), query: 'permission=orders:read' },
    ];
  },
  'impersonations.begin': async () => [{ by: await anAdmin(app), params: { id: (await aUser(app)).id } }],
  'invitations.invite': async () => [
    { by: await anAdmin(app), body: { email: `n-${unique()}@example.org`, name: 'Grace Hopper', roles: ['editor'] } },
    { by: await anAdmin(app), body: { email: `n-${unique()}@example.org`, name: 'Grace Hopper' } },
  ],
  'roles.list': async () => {
    await aRole();
    return [{ by: await anAdmin(app) }];
  },
  'roles.create': async () => [
    { by: await anAdmin(app), body: { name: `r-${unique()}`, description: 'x', permissions: ['orders:read'] } },
    { by: await anAdmin(app), body: { name: `r-${unique()}`, permissions: [] } },
  ],
  'roles.get': async () => [
    { by: await anAdmin(app), params: { name: 'support' } },
    { by: await anAdmin(app), params: { name: await aRole() } },
  ],
  'roles.update': async () => [{ by: await anAdmin(app), params: { name: await aRole() }, body: { description: '', permissions: [] } }],
  'roles.delete': async () => [{ by: await anAdmin(app), params: { name: await aRole() } }],
  'jwks.keySet': async () => [{}],
  'users.me': async () => [{ by: await aUser(app) }],
  'users.updateMe': async () => [{ by: await aUser(app), body: { name: 'Ada King', metadata: { a: 'b' } } }],
  'users.list': async () => [
    { by: await anAdmin(app), query: 'limit=3&q=ada&role=customer&status=active&sort=createdAt' },
    { by: await anAdmin(app) },
  ],
  'users.get': async () => [{ by: await anAdmin(app), params: { id: (await aUser(app)).id } }],
  'users.update': async () => [
    {
      by: await anAdmin(app),
      params: { id: (await aUser(app)).id },
      body: { roles: ['editor'], status: 'active', name: 'x', externalId: unique(), metadata: {} },
    },
  ],
  'users.eraseMe': async () => [{ by: await aUser(app) }],
  'users.erase': async () => [{ by: await anAdmin(app), params: { id: (await aUser(app)).id } }],
  'exports.request': async () => [{ by: await aUser(app) }],
  'exports.get': async () => {
    const by = await aUser(app);
    return [
      { by, params: { id: await anExport(by, 'pending') } },
      { by, params: { id: await anExport(by, 'ready') } },
    ];
  },
  'exports.content': async () => {
    const by = await aUser(app);
    return [{ by, params: { id: await anExport(by, 'ready') } }];
  },
  'files.upload': async () => [
    { by: await aUser(app), form: form([{ name: 'a.txt', type: 'text/plain', bytes: 'text' }]) },
    { by: await aUser(app), form: form([{ name: 'a.svg', type: 'image/svg+xml', bytes: '<svg xmlns="http://www.w3.org/2000/svg"/>' }]) },
  ],
  'files.get': async () => {
    const by = await aUser(app);
    const picture = await aFile(by, { name: 'a.png', type: 'image/png', bytes: aPng(300, 200) });
    const read = () => product.request<FileResponse>('GET', `files/${picture.id}`, { token: by.accessToken });
    await eventually(async () => (await read()).body.variantsStatus === 'ready');
    return [
      { by, params: { id: (await aFile(by)).id } },
      { by, params: { id: picture.id } },
    ];
  },
  'files.content': async () => {
    const by = await aUser(app);
    const { id, url } = await aFile(by);
    return [
      { params: { id }, query: new URL(url).search.slice(1) },
      { by, params: { id } },
      { by, params: { id }, headers: { range: 'bytes=1-2' } },
    ];
  },
  'files.delete': async () => {
    const by = await aUser(app);
    return [{ by, params: { id: (await aFile(by)).id } }];
  },
  'uploads.begin': async () => [
    { by: await aUser(app), body: { name: 'a.txt', contentType: 'text/plain', size: 4, sha256: sha256('text') } },
  ],
  'uploads.take': async () => {
    const { id, url, headers } = await anUpload(await aUser(app));
    const { 'content-type': type, ...others } = headers as { 'content-type': string };
    return [{ params: { id }, query: new URL(url).search.slice(1), form: { type, body: Buffer.from('text') }, headers: others }];
  },
  'uploads.complete': async () => {
    const by = await aUser(app);
    const { id, url, headers } = await anUpload(by);
    await exchange(product, 'PUT', url, { body: Buffer.from('text'), headers });
    return [{ by, params: { id } }];
  },
  'posts.list': async () => {
    const by = await aUser(app);
    const { id } = await aPost(app, by, { published: true, tags: ['a'], metadata: { a: 'b' }, externalId: unique() });
    await aPost(app, by);
    return [
      {},
      { by },
      { query: `author=${by.id}&q=engine&tag=a&status=published&sort=-publishedAt&limit=1` },
      { by, query: `author=${by.id}&limit=1` },
      { by, query: id === '' ? '' : 'sort=createdAt' },
    ];
  },
  'posts.write': async () => [
    {
      by: await aUser(app),
      body: {
        title: 'A title',
        body: 'A *body*.',
        excerpt: 'x',
        tags: ['a'],
        slug: `s-${unique()}`,
        externalId: unique(),
        metadata: { a: 'b' },
      },
    },
    { by: await aUser(app), body: { title: 'A title', body: 'A *body*.' } },
  ],
  'posts.get': async () => {
    const by = await aUser(app);
    const [shown, hidden] = [await aPost(app, by, { published: true }), await aPost(app, by)];
    return [{ params: { idOrSlug: shown.slug } }, { params: { idOrSlug: shown.id } }, { by, params: { idOrSlug: hidden.id } }];
  },
  'posts.update': async () => {
    const by = await aUser(app);
    const { id } = await aPost(app, by);
    return [
      {
        by,
        params: { idOrSlug: id },
        body: { title: 'x', body: 'y', excerpt: null, tags: [], slug: `s-${unique()}`, externalId: null, metadata: {} },
      },
    ];
  },
  'posts.trash': async () => {
    const by = await aUser(app);
    return [{ by, params: { idOrSlug: (await aPost(app, by)).id } }];
  },
  'posts.restore': async () => {
    const by = await aUser(app);
    const { id } = await aPost(app, by);
    await product.request('DELETE', `posts/${id}`, { token: by.accessToken });
    return [{ by, params: { id } }];
  },
  'posts.publish': async () => {
    const by = await aUser(app);
    return [
      { by, params: { id: (await aPost(app, by)).id }, body: { at: '2030-01-01T08:00:00Z' } },
      { by, params: { id: (await aPost(app, by)).id }, body: {} },
    ];
  },
  'posts.unpublish': async () => {
    const by = await aUser(app);
    return [{ by, params: { id: (await aPost(app, by, { published: true })).id } }];
  },
  'products.list': async () => {
    await aProduct(app, { category: 'desk' });
    return [
      {},
      { query: 'q=product&category=desk&status=active&minPrice=1&maxPrice=999999&sort=-name&limit=1' },
      { by: await anAdmin(app) },
    ];
  },
  'products.create': async () => [
    {
      by: await anAdmin(app),
      body: {
        name: 'Mug',
        description: 'x',
        slug: `s-${unique()}`,
        category: 'kitchen',
        status: 'active',
        variants: [
          { sku: unique(), name: 'Blue', price: { amount: 1, currency: 'EUR' }, stock: 2, externalId: unique(), metadata: { a: 'b' } },
        ],
        externalId: unique(),
        metadata: { a: 'b' },
      },
    },
    { by: await anAdmin(app), body: { name: 'Mug' } },
  ],
  'products.get': async () => {
    const { id, slug } = await aProduct(app);
    return [{ params: { idOrSlug: id } }, { params: { idOrSlug: slug } }];
  },
  'products.update': async () => [
    {
      by: await anAdmin(app),
      params: { idOrSlug: (await aProduct(app)).id },
      body: { name: 'x', description: '', slug: `s-${unique()}`, category: null, status: 'archived', externalId: null, metadata: {} },
    },
  ],
  'products.withdraw': async () => [{ by: await anAdmin(app), params: { idOrSlug: (await aProduct(app)).id } }],
  'products.addVariant': async () => [
    {
      by: await anAdmin(app),
      params: { id: (await aProduct(app)).id },
      body: { sku: unique(), name: 'Blue', price: { amount: 1, currency: 'EUR' }, stock: 2, externalId: unique(), metadata: { a: 'b' } },
    },
  ],
  'variants.get': async () => [{ params: { id: (await aProduct(app)).variants[0]!.id } }],
  'variants.update': async () => [
    {
      by: await anAdmin(app),
      params: { id: (await aProduct(app)).variants[0]!.id },
      body: { sku: unique(), name: 'x', price: { amount: 2, currency: 'USD' }, externalId: null, metadata: {} },
    },
  ],
  'variants.withdraw': async () => [{ by: await anAdmin(app), params: { id: (await aProduct(app)).variants[0]!.id } }],
  'variants.adjust': async () => [
    { by: await anAdmin(app), params: { id: (await aProduct(app)).variants[0]!.id }, body: { delta: 2, reason: 'x' } },
  ],
  'variants.movements': async () => [{ by: await anAdmin(app), params: { id: (await aProduct(app)).variants[0]!.id }, query: 'limit=1' }],
  'orders.place': async () => {
    const variantId = (await aProduct(app)).variants[0]!.id;
    const items = [{ variantId, quantity: 1 }];
    return [
      {
        by: await aUser(app),
        body: {
          items,
          shippingAddress: { ...address, line2: 'x', region: 'y' },
          billingAddress: address,
          externalId: unique(),
          metadata: { a: 'b' },
        },
      },
      { by: await aUser(app), body: { items } },
    ];
  },
  'orders.quote': async () => [
    { by: await aUser(app), body: { items: [{ variantId: (await aProduct(app)).variants[0]!.id, quantity: 1 }], shippingAddress: null } },
  ],
  'orders.list': async () => {
    const by = await aUser(app);
    await anOrder(by, { shippingAddress: address });
    await anOrder(by);
    return [
      { by },
      { by, query: 'status=pending&from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&sort=createdAt&limit=1' },
      { by: await anAdmin(app), query: `customer=${by.id}` },
      { by: await anAdmin(app), query: 'q=1001' },
    ];
  },
  'orders.get': async () => {
    const by = await aUser(app);
    return [{ by, params: { id: await anOrder(by, { shippingAddress: address }) } }];
  },
  'orders.pay': async () => {
    const by = await aUser(app);
    return [
      { by, params: { id: await anOrder(by) }, body: { method: 'sandbox:decline' } },
      { by, params: { id: await anOrder(by) }, body: { method: 'sandbox:success' } },
    ];
  },
  'orders.cancel': async () => {
    const by = await aUser(app);
    return [{ by, params: { id: await anOrder(by) } }];
  },
  'streams.open': async () => {
    const by = await aUser(app);
    return [{ by }, { by, query: 'events=order.*,post.published&lastEventId=0000000000000001' }];
  },
  'tickets.issue': async () => [{ by: await aUser(app) }],
  'notifications.list': async () => {
    const by = await aUser(app);
    await aNotification(by);
    await aNotification(by);
    return [{ by }, { by, query: 'unread=true&sort=createdAt&limit=1' }];
  },
  'notifications.countUnread': async () => [{ by: await aUser(app) }],
  'notifications.readAll': async () => [
    { by: await aUser(app), body: { until: '2030-01-01T08:00:00Z' } },
    { by: await aUser(app), body: {} },
  ],
  'notifications.read': async () => {
    const by = await aUser(app);
    return [{ by, params: { id: await aNotification(by) } }];
  },
  'preferences.get': async () => [{ by: await aUser(app) }],
  'preferences.change': async () => [
    { by: await aUser(app), body: { preferences: [{ kind: 'order.paid', inApp: true, email: false, mandatory: false }] } },
    { by: await aUser(app), body: { preferences: [] } },
  ],
  'unsubscriptions.ask': async () => [{ query: await anUnsubscription() }],
  'unsubscriptions.unsubscribe': async () => [{ query: await anUnsubscription() }],
  'jobs.list': async () => {
    await aJob();
    return [{ by: await anAdmin(app) }, { by: await anAdmin(app), query: 'status=waiting&task=orders.forgotten&limit=1' }];
  },
  'jobs.get': async () => [{ by: await anAdmin(app), params: { job: await aJob() } }],
  'jobs.retry': async () => [{ by: await anAdmin(app), params: { job: await aDeadJob() } }],
  'jobs.discard': async () => [{ by: await anAdmin(app), params: { job: await aJob() } }],
  'audit.list': async () => {
    const by = await anAdmin(app);
    await aPost(app, by);
    return [
      {
        by,
        query: `action=posts.created&actor=${by.id}&person=${by.id}&resource=post&outcome=succeeded&from=2020-01-01T00:00:00Z&limit=1`,
      },
      { by, query: 'to=2099-01-01T00:00:00Z&sort=createdAt&limit=100' },
    ];
  },
  'audit.verify': async () => {
    const by = await anAdmin(app);
    return [{ by }, { by, query: `position=0&head=${'0'.repeat(64)}` }];
  },
  'events.list': async () => {
    const post = await aPost(app, await aUser(app));
    return [
      { by: await anAdmin(app) },
      {
        by: await anAdmin(app),
        query: `name=post.created&resource=post:${post.id}&from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z&limit=1`,
      },
    ];
  },
  'events.deliveries': async () => {
    await aStuckEvent();
    return [{ by: await anAdmin(app) }, { by: await anAdmin(app), query: 'status=pending&consumer=test.contract&limit=1' }];
  },
  'events.replay': async () => {
    await aStuckEvent();
    return [
      { by: await anAdmin(app), body: { consumer: 'test.contract', from: '2099-01-01T00:00:00Z' } },
      { by: await anAdmin(app), body: { consumer: 'test.contract', from: '0'.repeat(16), again: false } },
    ];
  },
  'events.retry': async () => [{ by: await anAdmin(app), params: { id: await aStuckEvent(), consumer: 'test.contract' } }],
  'events.discard': async () => [{ by: await anAdmin(app), params: { id: await aStuckEvent(), consumer: 'test.contract' } }],
  'health.live': async () => [{}],
  'health.ready': async () => [{}],
  'problems.list': async () => [{}],
  'webhooks.list': async () => {
    const by = await anAdmin(app);
    await anEndpoint(by);
    await anEndpoint(by);
    return [{ by }, { by, query: 'limit=1&sort=createdAt' }];
  },
  'webhooks.create': async () => [
    { by: await anAdmin(app), body: { url: 'https://hooks.invalid/a?b=c', events: ['*', 'order.*', 'post.published'], description: 'x' } },
    { by: await aUser(app, { roles: ['support'] }), body: { url: 'https://hooks.invalid', events: ['order.paid'] } },
  ],
  'webhooks.get': async () => {
    const by = await anAdmin(app);
    return [{ by, params: { id: (await anEndpoint(by)).id } }];
  },
  'webhooks.update': async () => {
    const by = await anAdmin(app);
    const body = { url: 'https://hooks.invalid/b', events: ['*'], description: null, enabled: false };
    return [{ by, params: { id: (await anEndpoint(by)).id }, body }];
  },
  'webhooks.delete': async () => {
    const by = await anAdmin(app);
    return [{ by, params: { id: (await anEndpoint(by)).id } }];
  },
  'webhooks.rotateSecret': async () => {
    const by = await anAdmin(app);
    return [
      { by, params: { id: (await anEndpoint(by)).id }, body: {} },
      { by, params: { id: (await anEndpoint(by)).id }, body: { overlapSeconds: 0 } },
    ];
  },
  'deliveries.list': async () => {
    const by = await anAdmin(app);
    const { id } = await anEndpoint(by);
    return [
      { by, params: { id } },
      { by, params: { id }, query: 'status=pending&event=post.trashed&limit=1' },
    ];
  },
  'deliveries.test': async () => {
    const by = await anAdmin(app);
    return [
      { by, params: { id: (await anEndpoint(by)).id }, body: {} },
      { by, params: { id: (await anEndpoint(by)).id }, body: { dryRun: true } },
    ];
  },
  'deliveries.replay': async () => {
    const by = await anAdmin(app);
    const times = { from: '2020-01-01T00:00:00Z', until: '2021-01-01T00:00:00Z' };
    return [
      { by, params: { id: (await anEndpoint(by)).id }, body: { ...times, again: true } },
      { by, params: { id: (await anEndpoint(by)).id }, body: { from: times.from } },
    ];
  },
  'deliveries.get': async () => {
    const by = await anAdmin(app);
    return [{ by, params: { id: (await anEndpoint(by)).deliveryId } }];
  },
  'deliveries.redeliver': async () => {
    const by = await anAdmin(app);
    return [{ by, params: { id: (await anEndpoint(by)).deliveryId } }];
  },
  'problems.page': async () => [{ params: { module: 'products', what: 'out-of-stock' } }],
};

/** Operations that change something and leave no entry, and why. */
const UNAUDITED: Record<string, string> = {
  'tickets.issue': 'lets in as the session that asks for it, once within half a minute',
  'auth.refresh': 'continues a session whose beginning and end are kept; a token that turns up twice is, too',
  'orders.quote': 'keeps nothing',
  'notifications.read': 'concerns nobody but its reader, and nothing they may do',
  'notifications.readAll': 'concerns nobody but its reader, and nothing they may do',
};

/** Reads whose answer differs each time, and why. */
const NEVER_ALIKE: Record<string, string> = {
  'auth.csrf': 'each token has a random part, so that compression tells nothing about it',
  'streams.open': 'it tells what happens next, for as long as somebody listens (see the client of the harness)',
  'audit.verify': 'it counts what is in the log, and is itself written into it',
};

const happyOf = async (operation: Operation): Promise<Happy[]> => (await HAPPY[operation.operationId]?.()) ?? [];

/** Everything wrong that `ask` finds, over all operations. */
async function overAll(
  which: (operation: Operation) => boolean,
  ask: (operation: Operation, happy: Happy) => Promise<string[]>,
): Promise<string[]> {
  const asked = operations.filter(which);
  expect(asked.length).toBeGreaterThan(0);
  const faults: string[] = [];
  for (const operation of asked) {
    const [happy] = await happyOf(operation);
    faults.push(
      ...(happy === undefined
        ? [`${operation.id} (${operation.operationId}) is not called by this test: add it to HAPPY`]
        : await ask(operation, happy)),
    );
  }
  return faults;
}

const unless = (right: boolean, operation: Operation, answer: Answer<unknown>, wanted: string) => [
  ...faultsOf(operation, answer),
  ...(right
    ? []
    : [`${operation.id} answers ${answer.status} ${(answer.body as { code?: string } | undefined)?.code ?? ''}, not ${wanted}`]),
];

describe('the OpenAPI document', () => {
  it('is of version 3.1 and says of every operation what it does, where it belongs and who may call it', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids).toHaveLength(new Set(ids).size);
    const schemes = Object.keys(document.components.securitySchemes);
    for (const { id, summary, tags, security, responses, description } of operations) {
      expect([id, summary]).toEqual([id, expect.stringMatching(/^\S.{3,}\S$/)]);
      expect([id, description]).toEqual([id, expect.stringMatching(/Needs (a|no) login\.|Needs the permission/)]);
      expect([id, tags]).toEqual([id, [expect.stringMatching(/\w/)]]);
      expect([id, security]).toEqual([id, expect.arrayContaining([expect.any(Object)])]);
      for (const scheme of security!.flatMap(Object.keys)) expect(schemes).toContain(scheme);
      expect([id, Object.keys(responses).filter((status) => status.startsWith('2') && status !== '206')]).toEqual([
        id,
        [expect.any(String)],
      ]);
    }
  });

  it('describes every parameter and every body, with the failures they bring', () => {
    for (const operation of operations) {
      const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect([operation.id, operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)]).toEqual([
        operation.id,
        inPath,
      ]);
      for (const parameter of operation.parameters)
        expect([operation.id, parameter.name, typeof parameter.schema]).toEqual([operation.id, parameter.name, 'object']);
      if (!isPublic(operation))
        expect([operation.id, codesOf(responseOf(operation, 401))]).toEqual([
          operation.id,
          expect.arrayContaining(['auth/unauthenticated', 'auth/invalid-token']),
        ]);
      if (operation.requestBody)
        expect([operation.id, codesOf(responseOf(operation, 415))]).toEqual([
          operation.id,
          expect.arrayContaining(['http/unsupported-media-type']),
        ]);
    }
  });

  it('tells only of problems that have a page', async () => {
    const { items } = (await product.request<{ items: { code: string; status: number }[] }>('GET', '/problems')).body;
    const known = new Map(items.map(({ code, status }) => [code, status]));
    for (const operation of operations) {
      for (const status of Object.keys(operation.responses).filter((status) => Number(status) >= 400)) {
        const codes = codesOf(responseOf(operation, Number(status)));
        expect([operation.id, status, codes.length]).not.toEqual([operation.id, status, 0]);
        for (const code of codes) expect([operation.id, code, known.get(code)]).toEqual([operation.id, code, Number(status)]);
      }
    }
    for (const { code, status } of items) {
      const page = await product.request('GET', `/problems/${code}`);
      expect([code, page.status, page.headers['content-type']]).toEqual([code, 200, 'text/html; charset=utf-8']);
      expect(page.text).toContain(String(status));
    }
  });

  it('has the routes of the application, no more and no fewer', async () => {
    const shape = (method: string, path: string) => `${method.toUpperCase()} ${path.replace(/\{\w+\}|:\w+/g, '{}')}`;
    const routes = new Set<string>();
    for (const { metatype, instance } of app.get(DiscoveryService).getControllers()) {
      const prototype = Object.getPrototypeOf(instance) as Record<string, object>;
      const base = Reflect.getMetadata('path', metatype!) as string;
      for (const name of Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor')) {
        const own = Reflect.getMetadata('path', prototype[name]!) as string | undefined;
        if (own === undefined) continue;
        const path = `/${[base, own]
          .map((part) => part.replace(/^\/|\/$/g, ''))
          .filter(Boolean)
          .join('/')}`;
        const method = RequestMethod[Reflect.getMetadata('method', prototype[name]!) as number]!;
        const options = await product.request('OPTIONS', path);
        routes.add(shape(method, options.status === 204 ? path : `/api/v1${path}`));
      }
    }
    const documentation = ['GET /docs', 'GET /docs/setup.js', 'GET /docs/{}', 'GET /openapi.json'];
    const mailbox = ['GET /dev/mailbox', 'GET /dev/mailbox/{}', 'GET /dev/mailbox/{}/text', 'GET /dev/mailbox/{}/links']; // of development
    expect([...routes].sort()).toEqual([...operations.map(({ method, path }) => shape(method, path)), ...documentation, ...mailbox].sort());
  });

  it('has every path the router has', () => {
    const tree = app
      .get(HttpAdapterHost)
      .httpAdapter.getInstance<{ printRoutes: (options: object) => string }>()
      .printRoutes({ commonPrefix: false });
    const paths = new Set<string>();
    const branch: string[] = [];
    for (const [, indent, segment, methods] of tree.matchAll(/^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/gm)) {
      branch.splice(indent!.length / 4, Infinity, segment!.replace(/:\w+(\|:\w+)*/g, '{}'));
      if (methods !== undefined) paths.add(branch.join(''));
    }
    const documentation = ['/docs', '/docs/setup.js', '/docs/{}', '/openapi.json'];
    const mailbox = ['/dev/mailbox', '/dev/mailbox/{}', '/dev/mailbox/{}/text', '/dev/mailbox/{}/links']; // of development
    expect([...paths].sort()).toEqual(
      [...new Set([...operations.map(({ path }) => path.replace(/\{\w+\}/g, '{}')), ...documentation, ...mailbox])].sort(),
    );
  });

  it('agrees with what each path says of its methods', async () => {
    const faults = [];
    for (const [path, item] of Object.entries(document.paths)) {
      const documented = METHODS.filter((method) => item[method]).map((method) => method.toUpperCase());
      const { headers } = await product.request('OPTIONS', path.replace(/\{\w+\}/g, NOBODYS_ID));
      const allowed = (headers.allow ?? '').split(', ').filter((method) => !['HEAD', 'OPTIONS'].includes(method));
      if (documented.sort().join() !== allowed.sort().join())
        faults.push(`${path}: ${documented.join()} is documented, ${allowed.join()} is allowed`);
    }
    expect(faults).toEqual([]);
  });
});

describe('every operation', () => {
  it('does its job, and its answers are as described, to the last member', async () => {
    const faults = [];
    for (const operation of operations) {
      const calls = await happyOf(operation);
      if (calls.length === 0) faults.push(`${operation.id} (${operation.operationId}) is not called by this test: add it to HAPPY`);
      for (const happy of calls) {
        const answer = await send(operation, happy);
        faults.push(...unless(answer.status < 300, operation, answer, 'its job'));
      }
    }
    expect(faults).toEqual([]);
    expect(Object.keys(HAPPY).filter((id) => !operations.some(({ operationId }) => operationId === id))).toEqual([]);
  }, 60_000);

  it('that changes something leaves an entry in the audit log, and no secret in it', async () => {
    const secrets = new Set<unknown>();
    const faults: string[] = [];
    for (const operation of operations.filter(({ method, operationId }) => method !== 'get' && !(operationId in UNAUDITED))) {
      for (const happy of await happyOf(operation)) {
        const answer = await send(operation, happy);
        for (const given of [happy.by, happy.body, answer.body])
          for (const [name, value] of Object.entries(given ?? {})) if (/password|token|secret/i.test(name)) secrets.add(value);
        const [written] = await query<{ entries: number }>(
          app.databaseUrl,
          'SELECT count(*)::int AS entries FROM audit_entries WHERE request_id = $1',
          [answer.headers['x-request-id']],
        );
        if (written!.entries === 0) faults.push(`${operation.id} (${operation.operationId}) leaves no entry: record() it where it is done`);
      }
    }
    expect(faults).toEqual([]);

    const { accessToken } = await anAdmin(app);
    let read = JSON.stringify(await query(app.databaseUrl, `SELECT e::text FROM audit_entries e`));
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Answer<{ nextCursor: string | null }> = await product.request('GET', `audit?limit=100${cursor && `&cursor=${cursor}`}`, {
        token: accessToken,
      });
      read += page.text;
      cursor = page.body.nextCursor;
    }
    expect(secrets.size).toBeGreaterThan(10);
    expect([...secrets].filter((secret) => typeof secret === 'string' && secret.length > 6 && read.includes(secret))).toEqual([]);
    for (const hidden of ['argon2', 'refreshHash', '"hash"']) expect(read).not.toContain(hidden);
  }, 120_000);

  it('is known to this test by a check that sees what is not described', async () => {
    const operation = operations.find(({ operationId }) => operationId === 'users.me')!;
    const [happy] = await happyOf(operation);
    const answer = await send(operation, happy!);
    const body = answer.body as object;
    expect(faultsOf(operation, answer)).toEqual([]);
    expect(faultsOf(operation, { ...answer, body: { ...body, passwordHash: 'x' } })).toEqual([expect.stringContaining('passwordHash')]);
    expect(faultsOf(operation, { ...answer, body: { ...body, createdAt: 'yesterday' } })).toEqual([expect.stringContaining('date-time')]);
    expect(faultsOf(operation, { ...answer, body: {} })).toHaveLength(1);
    expect(faultsOf(operation, { ...answer, status: 202 })).not.toEqual([]);
    const refused = await product.request('GET', 'users/me');
    expect(faultsOf(operation, refused)).toEqual([]);
    expect(faultsOf(operation, { ...refused, body: { ...refused.body, code: 'auth/other' } })).not.toEqual([]);
  });

  it('is closed without a login, unless it is public', async () => {
    expect(
      await overAll(
        (operation) => !isPublic(operation),
        async (operation, { by: _, ...happy }) => {
          const answer = await send(operation, happy);
          return unless(
            answer.status === 401 &&
              answer.headers['www-authenticate'] === 'Bearer' &&
              (answer.body as { code: string }).code === 'auth/unauthenticated',
            operation,
            answer,
            '401 auth/unauthenticated',
          );
        },
      ),
    ).toEqual([]);
    expect(
      await overAll(isPublic, async (operation, { by: _, ...happy }) => {
        const answer = await send(operation, happy);
        return unless(answer.status < 400 || answer.status === 404, operation, answer, 'its job'); // a draft is not there for the public
      }),
    ).toEqual([]);
  });

  it('is closed to a token that is none', async () => {
    expect(
      await overAll(heedsTokens, async (operation, happy) => {
        const faults = [];
        for (const token of ['x', 'a.b.c', 'ash_x', `${(await aUser(app)).accessToken}x`]) {
          const answer = await send(operation, happy, { call: { token } });
          faults.push(
            ...unless(
              answer.status === 401 && (answer.body as { code: string }).code === 'auth/invalid-token',
              operation,
              answer,
              '401 auth/invalid-token',
            ),
          );
        }
        return faults;
      }),
    ).toEqual([]);
  });

  it('that needs a permission is closed to who has none', async () => {
    const nobody = await aUser(app, { roles: [] });
    expect(
      await overAll(
        ({ description }) => /Needs the permission/.test(description!),
        async (operation, happy) => {
          const answer = await send(operation, { ...happy, by: nobody });
          return unless(
            answer.status === 403 && (answer.body as { code: string }).code === 'auth/forbidden',
            operation,
            answer,
            '403 auth/forbidden',
          );
        },
      ),
    ).toEqual([]);
  });

  it('refuses members it does not know, in body and query', async () => {
    expect(
      await overAll(
        () => true,
        async (operation, happy) => {
          const answers = [];
          for (const name of ['unknown', 'where', 'sort[]', ...INHERITED_NAMES])
            answers.push(
              await send(operation, happy, { path: pathOf(operation, happy.params, [happy.query, `${name}=1`].filter(Boolean).join('&')) }),
            );
          if (operation.method !== 'get' && !streams(operation))
            for (const name of ['unknown', 'id', 'role', ...INHERITED_NAMES])
              answers.push(
                await send(operation, happy, {
                  call: {
                    body: `${JSON.stringify(happy.body ?? {}).slice(0, -1)}${happy.body && Object.keys(happy.body).length > 0 ? ',' : ''}"${name}":1}`,
                  },
                }),
              );
          return answers.flatMap((answer) => unless(answer.status === 400, operation, answer, '400'));
        },
      ),
    ).toEqual([]);
  }, 60_000);

  it('refuses ids that are none, and finds nothing under those of nobody', async () => {
    expect(
      await overAll(
        ({ path }) => path.includes('{'),
        async (operation, happy) => {
          const faults = [];
          for (const id of [
            'x',
            '1',
            `${NOBODYS_ID}0`,
            "' OR 1=1",
            '%00',
            '%ff',
            '..%2f..',
            'null',
            '[object Object]',
            '{}',
            'ü',
            '-1',
            'a'.repeat(600),
          ]) {
            const answer = await send(operation, happy, {
              path: operation.path.replace(/\{\w+\}/g, id.startsWith('%') || id.startsWith('..') ? id : encodeURIComponent(id)),
            });
            // Beyond the router's limit a path is no operation's.
            if (id.length < 500) faults.push(...unless([400, 404].includes(answer.status), operation, answer, '400 or 404'));
            else if (answer.status !== 404) faults.push(`${operation.id} answers ${answer.status} to an endless path`);
          }
          const nobodys = await send(operation, happy, { path: pathOf(operation, {}) });
          return [...faults, ...unless(nobodys.status === 404, operation, nobodys, '404')];
        },
      ),
    ).toEqual([]);
  });

  it('refuses bodies that are no JSON, too large or of another type', async () => {
    expect(
      await overAll(
        (operation) => operation.method !== 'get' && !streams(operation),
        async (operation, happy) => {
          const headers = { ...(takes(operation, 'Idempotency-Key') && { 'idempotency-key': unique() }) };
          const text = (body: string, type = 'application/json') =>
            send(operation, happy, { call: { body, headers: { ...headers, 'content-type': type } } });
          const refused = [];
          for (const body of [
            '{',
            '[',
            '{"a":}',
            "{'a':1}",
            '\u0000',
            'undefined',
            '{"__proto__":{"a":1}}',
            '{"constructor":{"prototype":{"a":1}}}',
          ])
            refused.push(...unless((await text(body)).status === 400, operation, await text(body), '400'));
          for (const body of [
            ...(operation.requestBody ? ['null'] : []),
            '[]',
            '1',
            '"x"',
            'true',
            '[{}]',
            '['.repeat(10_000) + ']'.repeat(10_000),
            `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
          ]) {
            const answer = await text(body);
            refused.push(...unless(answer.status === 400, operation, answer, `400 to ${body.slice(0, 20)}`));
          }
          for (const type of [
            'text/plain',
            'application/x-www-form-urlencoded',
            'multipart/form-data; boundary=x',
            'application/json\ta',
            'application/jsonx',
            'application/ld+json',
            '*/*',
            'x',
          ]) {
            if (operation.requestBody?.content[type.split(';', 1)[0]!]) continue;
            const answer = await text('{}', type);
            refused.push(...unless(answer.status === 415, operation, answer, `415 to ${type}`));
          }
          const large = await text(JSON.stringify({ text: 'x'.repeat(1_100_000) }));
          return [...refused, ...unless(large.status === 413, operation, large, '413')];
        },
      ),
    ).toEqual([]);
  }, 60_000);

  it('never breaks on members of another type or size', async () => {
    const values = [
      'null',
      'true',
      '-1',
      '0.5',
      '9007199254740993',
      '1e308',
      '1e999',
      '""',
      '" "',
      '"x"',
      '"\\u0000"',
      '"\\ud800"',
      '"\\u202e"',
      '"{{7*7}}"',
      `"${"'".repeat(50)};--"`,
      `"${'x'.repeat(2_000)}"`,
      '"0000-01-01T00:00:00Z"',
      '[]',
      '[null]',
      '[[]]',
      '[{}]',
      '[[{}]]',
      '{}',
      '{"constructor":1}',
      '{"length":1}',
      '{"toString":1}',
      '{"$gt":""}',
      '{"amount":1e15,"currency":"EUR"}',
    ];
    expect(
      await overAll(
        ({ requestBody }) => requestBody?.content[JSON_TYPE] !== undefined,
        async (operation, happy) => {
          const { $ref, ...inline } = operation.requestBody!.content[JSON_TYPE]!.schema as { $ref?: string };
          const { properties } = $ref ? resolve<{ properties: Schema }>($ref) : (inline as { properties: Schema });
          const faults = [];
          for (const name of Object.keys(properties)) {
            const rest = Object.entries(happy.body ?? {})
              .filter(([other]) => other !== name)
              .map(([other, value]) => `${JSON.stringify(other)}:${JSON.stringify(value)}`);
            const answers = await Promise.all(
              values.map((value) => send(operation, happy, { call: { body: `{${[...rest, `"${name}":${value}`].join()}}` } })),
            );
            faults.push(...answers.flatMap((answer) => faultsOf(operation, answer)));
          }
          return faults;
        },
      ),
    ).toEqual([]);
  }, 120_000);

  it('never breaks on query members of another type or size', async () => {
    const values = [
      '',
      '%20',
      'x',
      '-1',
      '0',
      '1.5',
      '1e3',
      '99999999999999999999',
      '%00',
      '%ff',
      '%F0%9F%98%80',
      "'",
      '%25',
      '*',
      '(',
      'null',
      'true',
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
      '2030-02-30T00:00:00Z',
      '{}',
      '[]',
      'x'.repeat(2_000),
      Buffer.from('["-createdAt","0000-01-01T00:00:00.000Z","0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49"]').toString('base64url'),
    ];
    expect(
      await overAll(
        ({ parameters }) => parameters.some((parameter) => parameter.in === 'query'),
        async (operation, happy) => {
          const faults = [];
          for (const { name } of operation.parameters.filter((parameter) => parameter.in === 'query')) {
            const searches = [
              ...values.map((value) => `${name}=${value}`),
              `${name}=1&${name}=2`,
              `${name}[]=1`,
              `${name}[a]=1`,
              `${name}[contains]=1`,
              name,
            ];
            const answers = await Promise.all(
              searches.map((search) => send(operation, happy, { path: pathOf(operation, happy.params, search) })),
            );
            faults.push(...answers.flatMap((answer) => faultsOf(operation, answer)));
          }
          return faults;
        },
      ),
    ).toEqual([]);
  }, 60_000);

  it('that lists begins at cursors of its own only', async () => {
    expect(
      await overAll(
        (operation) => takes(operation, 'cursor'),
        async (operation, happy) => {
          const faults = [];
          for (const cursor of [
            'x',
            '!',
            Buffer.from('["-createdAt","0000-01-01T00:00:00.000Z","0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49"]').toString('base64url'),
          ]) {
            const answer = await send(operation, happy, { path: pathOf(operation, happy.params, `cursor=${cursor}`) });
            faults.push(
              ...unless(
                answer.status === 400 && (answer.body as { code: string }).code === 'http/invalid-cursor',
                operation,
                answer,
                '400 http/invalid-cursor',
              ),
            );
          }
          return faults;
        },
      ),
    ).toEqual([]);
  });

  it('that takes an Idempotency-Key refuses what is none, and repeats its answer to one that is', async () => {
    expect(
      await overAll(
        (operation) => takes(operation, 'Idempotency-Key'),
        async (operation, happy) => {
          const faults = [];
          for (const key of ['', 'a b', 'x'.repeat(256)]) {
            const answer = await send(operation, happy, { call: { headers: { 'idempotency-key': key } } });
            faults.push(
              ...unless(
                answer.status === 400 && (answer.body as { code: string }).code === 'idempotency/key-malformed',
                operation,
                answer,
                '400 idempotency/key-malformed',
              ),
            );
          }
          const required = operation.parameters.find(({ name }) => name === 'Idempotency-Key')!.required === true;
          if (required) {
            const answer = await send(operation, happy, { call: { headers: {} } });
            faults.push(
              ...unless(
                answer.status === 400 && (answer.body as { code: string }).code === 'idempotency/key-required',
                operation,
                answer,
                '400 idempotency/key-required',
              ),
            );
          }
          const headers = { 'idempotency-key': unique() };
          const repeated = { ...headers, ...(happy.form && { 'content-type': happy.form.type }) };
          const [first, second] = [
            await send(operation, happy, { call: { headers: repeated } }),
            await send(operation, happy, { call: { headers: repeated } }),
          ];
          faults.push(
            ...unless(first.status < 300, operation, first, 'its job'),
            ...unless(
              second.status === first.status && second.text === first.text && second.headers['idempotency-replayed'] === 'true',
              operation,
              second,
              'the first answer again',
            ),
          );
          if (streams(operation)) return faults;
          const other = await send(operation, happy, { call: { headers, body: { ...happy.body, metadata: { other: 'body' } } } });
          if (other.status !== 400) faults.push(...unless(other.status === 422, operation, other, '422'));
          return faults;
        },
      ),
    ).toEqual([]);
  });

  it('that takes If-Match refuses another version', async () => {
    expect(
      await overAll(
        (operation) => takes(operation, 'If-Match'),
        async (operation, happy) => {
          const faults = [];
          for (const version of ['"999999"', '"999999-abc"', 'x', '""']) {
            const answer = await send(operation, happy, { call: { headers: { 'if-match': version } } });
            faults.push(
              ...unless(
                answer.status === 412 && (answer.body as { code: string }).code === 'http/stale-version',
                operation,
                answer,
                '412 http/stale-version',
              ),
            );
          }
          return faults;
        },
      ),
    ).toEqual([]);
  });

  it('that reads answers HEAD like GET, without the body, and 304 to who has it', async () => {
    expect(
      await overAll(
        ({ method, operationId }) => method === 'get' && !(operationId in NEVER_ALIKE),
        async (operation, happy) => {
          const path = pathOf(operation, happy.params, happy.query);
          const call = { ...(happy.by && { token: happy.by.accessToken }) };
          const got = await product.request('GET', path, call);
          const head = await product.request('HEAD', path, call);
          const same = await product.request('GET', path, { ...call, headers: { 'if-none-match': got.headers.etag ?? '' } });
          return [
            ...(head.status === got.status && head.text === '' && head.headers['content-type'] === got.headers['content-type']
              ? []
              : [`${operation.id} answers HEAD with ${head.status}: ${head.text}`]),
            ...(same.status === 304 && same.text === ''
              ? []
              : [`${operation.id} answers ${same.status} to If-None-Match: ${got.headers.etag}`]),
          ];
        },
      ),
    ).toEqual([]);
  });

  it('has left no error of its own in the log', async () => {
    await eventually(() => product.log.length > 0);
    expect(product.log.filter(({ level }) => level >= 50)).toEqual([]);
  });
});
