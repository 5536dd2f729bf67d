import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Operation, Schema } from './document.js';
import { aUser, unique } from '../harness/people.js';
import { INHERITED_NAMES } from '../harness/wire.js';
import { heedsTokens, isPublic, JSON_TYPE, NOBODYS_ID, pathOf, streams, takes, Trial } from './trial.js';

/** Operations that overlook members they do not know, and why. */
const LENIENT: Record<string, string> = {
  'oauth.finish': 'a client must ignore what a provider adds to its answer (RFC 6749, 4.1.2)',
};

const NO_IDS = [
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
];
const NO_JSON = ['{', '[', '{"a":}', "{'a':1}", '\u0000', 'undefined', '{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}'];
const NO_OBJECTS = [
  '[]',
  '1',
  '"x"',
  'true',
  '[{}]',
  '['.repeat(10_000) + ']'.repeat(10_000),
  `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
];
const OTHER_TYPES = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json\ta',
  'application/jsonx',
  'application/ld+json',
  '*/*',
  'x',
];
/** A cursor of the right form that no list has given. */
const FORGED_CURSOR = Buffer.from(`["-createdAt","0000-01-01T00:00:00.000Z","${NOBODYS_ID}"]`).toString('base64url');
const STRANGE_VALUES = [
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
const STRANGE_TEXTS = [
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
  FORGED_CURSOR,
];

const takesQuery = ({ parameters }: Operation) => parameters.some((parameter) => parameter.in === 'query');

/** Each test asks all operations. */
jest.setTimeout(180_000);

let trial: Trial;

beforeAll(async () => {
  trial = await Trial.start();
}, 60_000);

afterAll(() => trial.end());

describe('every operation', () => {
  it('is closed without a login, unless it is public', async () => {
    const closed = await trial.overAll(
      (operation) => !isPublic(operation),
      async (operation, { by: _, ...happy }) => {
        const answer = await trial.send(operation, happy);
        const faults = trial.unlessRefused(operation, answer, 401, 'auth/unauthenticated');
        return answer.headers['www-authenticate'] === 'Bearer' ? faults : [...faults, `${operation.id} asks for no Bearer`];
      },
      { shared: true },
    );
    const open = await trial.overAll(isPublic, async (operation, { by: _, ...happy }) => {
      const answer = await trial.send(operation, happy);
      return trial.unless(answer.status < 400 || answer.status === 404, operation, answer, 'its job'); // a draft is not there for the public
    });
    expect([...closed, ...open]).toEqual([]);
  });

  it('is closed to a token that is none', async () => {
    const { accessToken } = await aUser(trial.world.app);
    const faults = await trial.overAll(
      heedsTokens,
      async (operation, happy) => {
        const faults = [];
        for (const token of ['x', 'a.b.c', 'ash_x', `${accessToken}x`]) {
          const answer = await trial.send(operation, happy, { call: { token } });
          faults.push(...trial.unlessRefused(operation, answer, 401, 'auth/invalid-token'));
        }
        return faults;
      },
      { shared: true },
    );
    expect(faults).toEqual([]);
  });

  it('that needs a permission is closed to who has none', async () => {
    const nobody = await aUser(trial.world.app, { roles: [] });
    const faults = await trial.overAll(
      ({ description }) => /Needs the permission/.test(description!),
      async (operation, happy) => {
        const answer = await trial.send(operation, { ...happy, by: nobody });
        return trial.unlessRefused(operation, answer, 403, 'auth/forbidden');
      },
      { shared: true },
    );
    expect(faults).toEqual([]);
  });

  it('refuses members it does not know, in body and query', async () => {
    const faults = await trial.overAll(
      ({ operationId }) => !(operationId in LENIENT),
      async (operation, happy) => {
        const answers = [];
        for (const name of ['unknown', 'where', 'sort[]', ...INHERITED_NAMES]) {
          const search = [happy.query, `${name}=1`].filter(Boolean).join('&');
          answers.push(await trial.send(operation, happy, { path: pathOf(operation, happy.params, search) }));
        }
        if (operation.method !== 'GET' && !streams(operation))
          for (const name of ['unknown', 'id', 'role', ...INHERITED_NAMES]) {
            const members = Object.entries(happy.body ?? {}).map(([other, value]) => `${JSON.stringify(other)}:${JSON.stringify(value)}`);
            answers.push(await trial.send(operation, happy, { call: { body: `{${[...members, `"${name}":1`].join()}}` } }));
          }
        return answers.flatMap((answer) => trial.unlessRefused(operation, answer, 400));
      },
      { shared: true },
    );
    expect(faults).toEqual([]);
  });

  it('refuses ids that are none, and finds nothing under those of nobody', async () => {
    const faults = await trial.overAll(
      ({ path }) => path.includes('{') && !path.includes('{page}'), // pages are counted
      async (operation, happy) => {
        const faults = [];
        for (const id of NO_IDS) {
          const segment = /^(%|\.\.)/.test(id) ? id : encodeURIComponent(id);
          const answer = await trial.send(operation, happy, { path: operation.path.replace(/\{\w+\}/g, segment) });
          // Beyond the router's limit a path is no operation's.
          if (id.length < 500) faults.push(...trial.unless([400, 404].includes(answer.status), operation, answer, '400 or 404'));
          else if (answer.status !== 404) faults.push(`${operation.id} answers ${answer.status} to an endless path`);
        }
        const nobodys = await trial.send(operation, happy, { path: pathOf(operation, { n: '1' }, happy.query) });
        return [...faults, ...trial.unlessRefused(operation, nobodys, 404)];
      },
      { shared: true },
    );
    expect(faults).toEqual([]);
  });

  it('refuses bodies that are no JSON, too large or of another type', async () => {
    const faults = await trial.overAll(
      (operation) => operation.method !== 'GET' && !streams(operation),
      async (operation, happy) => {
        const refused = async (status: number, body: string, type = JSON_TYPE) => {
          const key = takes(operation, 'Idempotency-Key') && { 'idempotency-key': unique() };
          const answer = await trial.send(operation, happy, { call: { body, headers: { ...key, 'content-type': type } } });
          return trial.unlessRefused(operation, answer, status).map((fault) => `${fault} (to ${body.slice(0, 20)} as ${type})`);
        };
        const faults = [];
        for (const body of NO_JSON) faults.push(...(await refused(400, body)));
        for (const body of [...(operation.requestBody ? ['null'] : []), ...NO_OBJECTS]) faults.push(...(await refused(400, body)));
        for (const type of OTHER_TYPES)
          if (operation.requestBody?.content[type.split(';', 1)[0]!] === undefined) faults.push(...(await refused(415, '{}', type)));
        return [...faults, ...(await refused(413, JSON.stringify({ text: 'x'.repeat(1_100_000) })))];
      },
      { shared: true },
    );
    expect(faults).toEqual([]);
  });

  it('never breaks on members of another type or size', async () => {
    const faults = await trial.overAll(
      ({ requestBody }) => requestBody?.content[JSON_TYPE] !== undefined,
      async (operation, happy) => {
        const { $ref, ...inline } = operation.requestBody!.content[JSON_TYPE]!.schema;
        const schema = $ref ? trial.resolve<Schema>($ref) : inline;
        const { properties } = schema.oneOf ? trial.resolve<Schema>(schema.oneOf[0]!.$ref!) : schema;
        const faults = [];
        for (const name of Object.keys(properties!)) {
          const rest = Object.entries(happy.body ?? {})
            .filter(([other]) => other !== name)
            .map(([other, value]) => `${JSON.stringify(other)}:${JSON.stringify(value)}`);
          const answers = await Promise.all(
            STRANGE_VALUES.map((value) => trial.send(operation, happy, { call: { body: `{${[...rest, `"${name}":${value}`].join()}}` } })),
          );
          faults.push(...answers.flatMap((answer) => trial.faultsOf(operation, answer)));
        }
        return faults;
      },
    );
    expect(faults).toEqual([]);
  });

  it('never breaks on query members of another type or size', async () => {
    const faults = await trial.overAll(
      takesQuery,
      async (operation, happy) => {
        const faults = [];
        for (const { name } of operation.parameters.filter((parameter) => parameter.in === 'query')) {
          const twice = [`${name}=1&${name}=2`, `${name}[]=1`, `${name}[a]=1`, `${name}[contains]=1`, name];
          const searches = [...STRANGE_TEXTS.map((value) => `${name}=${value}`), ...twice];
          const answers = await Promise.all(
            searches.map((search) => trial.send(operation, happy, { path: pathOf(operation, happy.params, search) })),
          );
          faults.push(...answers.flatMap((answer) => trial.faultsOf(operation, answer)));
        }
        return faults;
      },
      { shared: true },
    );
    expect(faults).toEqual([]);
  });

  it('that lists begins at cursors of its own only', async () => {
    const faults = await trial.overAll(
      (operation) => takes(operation, 'cursor'),
      async (operation, happy) => {
        const faults = [];
        for (const cursor of ['x', '!', FORGED_CURSOR]) {
          const answer = await trial.send(operation, happy, { path: pathOf(operation, happy.params, `cursor=${cursor}`) });
          faults.push(...trial.unlessRefused(operation, answer, 400, 'http/invalid-cursor'));
        }
        return faults;
      },
      { shared: true },
    );
    expect(faults).toEqual([]);
  });

  it('has left no error of its own in the log', () => trial.expectQuietLog());
});
