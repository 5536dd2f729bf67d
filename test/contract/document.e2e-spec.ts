import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DiscoveryService, HttpAdapterHost } from '@nestjs/core';
import { RequestMethod } from '@nestjs/common';
import { KINDS } from '../../src/notifications/notifications.rules.js';
import type { Schema } from './document.js';
import { codesOf, isPublic, NOBODYS_ID, Trial } from './trial.js';

/** What is served beside the operations, and not described: the documentation, and the mailbox of development. */
const UNDESCRIBED = [
  '/docs',
  '/docs/setup.js',
  '/docs/{}',
  '/openapi.json',
  '/metrics',
  '/auth/order',
  '/auth/reset-password',
  '/auth/undo-email-change',
  '/auth/verify-email',
  '/dev/mailbox',
  '/dev/mailbox/{}',
  '/dev/mailbox/{}/text',
  '/dev/mailbox/{}/links',
];

/** What operations answer by a setting, beside the one success that they have without it. */
const ALSO: Record<string, string> = { 'auth.register': '202' };

let trial: Trial;

beforeAll(async () => {
  trial = await Trial.start();
}, 60_000);

afterAll(() => trial.end());

describe('the OpenAPI document', () => {
  it('is of version 3.1 and says of every operation what it does, where it belongs and who may call it', () => {
    const { document, operations } = trial;
    expect(document.openapi).toMatch(/^3\.1\./);
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids).toHaveLength(new Set(ids).size);
    const schemes = Object.keys(document.components.securitySchemes);
    for (const { id, operationId, summary, tags, security, responses, description } of operations) {
      expect([id, summary]).toEqual([id, expect.stringMatching(/^\S.{3,}\S$/)]);
      expect([id, description]).toEqual([id, expect.stringMatching(/Needs (a|no) login\.|Needs the permission/)]);
      expect([id, tags]).toEqual([id, [expect.stringMatching(/\w/)]]);
      expect([id, security]).toEqual([id, expect.arrayContaining([expect.any(Object)])]);
      for (const scheme of security!.flatMap(Object.keys)) expect(schemes).toContain(scheme);
      const successes = Object.keys(responses).filter(
        (status) => /^2|302/.test(status) && status !== '206' && ALSO[operationId] !== status,
      );
      expect([id, successes]).toEqual([id, [expect.any(String)]]);
    }
  });

  it('describes every parameter and every body, with the failures they bring', () => {
    for (const operation of trial.operations) {
      const { id, parameters } = operation;
      const codes = (status: number) => [id, codesOf(trial.responseOf(operation, status))];
      const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect([id, parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)]).toEqual([id, inPath]);
      for (const parameter of parameters) expect([id, parameter.name, typeof parameter.schema]).toEqual([id, parameter.name, 'object']);
      if (!isPublic(operation)) expect(codes(401)).toEqual([id, expect.arrayContaining(['auth/unauthenticated', 'auth/invalid-token'])]);
      if (operation.requestBody) expect(codes(415)).toEqual([id, expect.arrayContaining(['http/unsupported-media-type'])]);
    }
  });

  it.each<[string, string, unknown[], unknown[]]>([
    ['BeginUploadDto', 'size', [1], [0, 0.5]],
    ['BeginUploadDto', 'contentType', ['image/svg+xml'], ['image', 'IMAGE/PNG']],
    ['RotateSecretDto', 'overlapSeconds', [0], [0.5, -1]],
    ['PreferencesDto', 'preferences', [[]], [KINDS.concat(KINDS).map((kind) => ({ kind, inApp: true, email: true }))]],
    ['ReplayDto', 'from', ['00000000000003e9', '2030-01-01T08:00:00Z'], ['yesterday', '0', 'f'.repeat(16)]],
    ['CreateWebhookEndpointDto', 'url', ['https://example.com/hooks'], ['ftp://example.com', 'https://exämple.com/', '/hooks']],
    ['CreatePostDto', 'tags', [[' C++ 20', 'été']], [[' '], ['´'], ['a/b']]],
    ['events.retry', 'consumer', ['notifications.order-paid'], ['a/b', '']],
    ['posts.get', 'idOrSlug', ['a-post', NOBODYS_ID], ['a.b', '']],
    ['audit.list', 'resource', ['order', ' order:1 ', NOBODYS_ID], ['order:', 'Order:1', 'order:\n1']],
    ['audit.verify', 'head', ['a'.repeat(64), 'A'.repeat(64)], ['a'.repeat(63)]],
    ['audit.verify', 'position', [0], [-1, 2 ** 60]],
  ])('says what %s takes as %s, as the application does', (of, member, taken, refused) => {
    const parameters = trial.operations.find(({ operationId }) => operationId === of)?.parameters;
    const schema =
      parameters?.find(({ name }) => name === member)!.schema ?? trial.resolve<Schema>(`#/components/schemas/${of}`).properties![member]!;
    const validate = trial.validator(schema);
    expect(taken.filter((value) => !validate(value))).toEqual([]);
    expect(refused.filter((value) => validate(value))).toEqual([]);
  });

  it('tells only of problems that have a page', async () => {
    const { product } = trial.world;
    const { items } = (await product.request<{ items: { code: string; status: number }[] }>('GET', '/problems')).body;
    const known = new Map(items.map(({ code, status }) => [code, status]));
    for (const operation of trial.operations) {
      for (const status of Object.keys(operation.responses).filter((status) => Number(status) >= 400)) {
        const codes = codesOf(trial.responseOf(operation, Number(status)));
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
    const { app, product } = trial.world;
    const shape = (method: string, path: string) => `${method.toUpperCase()} ${path.replace(/\{\w+\}|:\w+/g, '{}')}`;
    const routes = new Set<string>();
    for (const { metatype, instance } of app.get(DiscoveryService).getControllers()) {
      const prototype = Object.getPrototypeOf(instance) as Record<string, object>;
      const base = Reflect.getMetadata('path', metatype!) as string;
      for (const name of Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor')) {
        const own = Reflect.getMetadata('path', prototype[name]!) as string | undefined;
        if (own === undefined) continue;
        const parts = [base, own].map((part) => part.replace(/^\/|\/$/g, '')).filter(Boolean);
        const path = `/${parts.join('/')}`;
        const method = RequestMethod[Reflect.getMetadata('method', prototype[name]!) as number]!;
        const options = await product.request('OPTIONS', path);
        routes.add(shape(method, options.status === 204 ? path : `/api/v1${path}`));
      }
    }
    const described = trial.operations.map(({ method, path }) => shape(method, path));
    expect([...routes].sort()).toEqual([...described, ...UNDESCRIBED.map((path) => shape('get', path))].sort());
  });

  it('has every path the router has', () => {
    const tree = trial.world.app
      .get(HttpAdapterHost)
      .httpAdapter.getInstance<{ printRoutes: (options: object) => string }>()
      .printRoutes({ commonPrefix: false });
    const paths = new Set<string>();
    const branch: string[] = [];
    for (const [, indent, segment, methods] of tree.matchAll(/^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/gm)) {
      branch.splice(indent!.length / 4, Infinity, segment!.replace(/:\w+(\|:\w+)*/g, '{}'));
      if (methods !== undefined) paths.add(branch.join(''));
    }
    const described = trial.operations.map(({ path }) => path.replace(/\{\w+\}/g, '{}'));
    expect([...paths].sort()).toEqual([...new Set([...described, ...UNDESCRIBED])].sort());
  });

  it('agrees with what each path says of its methods', async () => {
    const faults = [];
    for (const path of Object.keys(trial.document.paths)) {
      const documented = trial.operations.filter((operation) => operation.path === path).map(({ method }) => method);
      const { headers } = await trial.world.product.request('OPTIONS', path.replace(/\{\w+\}/g, NOBODYS_ID));
      const allowed = (headers.allow ?? '').split(', ').filter((method) => !['HEAD', 'OPTIONS'].includes(method));
      if (documented.sort().join() !== allowed.sort().join())
        faults.push(`${path}: ${documented.join()} is documented, ${allowed.join()} is allowed`);
    }
    expect(faults).toEqual([]);
  });
});
