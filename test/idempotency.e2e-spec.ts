import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Env } from '#config';
import { Once } from '../libs/http/src/idempotency.js';
import { startApp, type TestApp } from './harness/app.js';
import { aUser, type Person, unique } from './harness/people.js';

type Call = ConstructorParameters<typeof Once>[2];

let app: TestApp;
let person: Person;

beforeAll(async () => {
  app = await startApp({ ROLE: 'api' });
  person = await aUser(app);
});
afterAll(() => app.close());

/** A call that leaves the process, and what Fastify would have been told to answer. */
function aCall(
  key: string | string[] | undefined,
  {
    body = {},
    required = true,
    method = 'POST',
    url = '/things',
    actor = person,
  }: { body?: object | null; required?: boolean; method?: string; url?: string; actor?: Person } = {},
) {
  const sent: Record<string, string> = {};
  const request = {
    headers: { 'idempotency-key': key },
    actor,
    method,
    url,
    body,
    routeOptions: { config: { location: '/things/:id' } },
  };
  const reply = {
    header: (name: string, value: string) => void (sent[name.toLowerCase()] = value),
    headers: (all: Record<string, string>) => Object.entries(all).forEach(([name, value]) => void (sent[name.toLowerCase()] = value)),
    hasHeader: (name: string) => name in sent,
    getHeader: (name: string) => sent[name],
  };
  const once = () => new Once(app.prisma, app.get(Env), { request, reply, status: 201, options: { required } } as unknown as Call);
  return { once, sent };
}

/** What a call between two transactions does, and how often each step was asked. */
function steps(outcome: (reference: string) => Promise<string>) {
  const asked = { begun: 0, finished: 0, references: [] as string[] };
  return {
    asked,
    begin: async () => (asked.begun++, randomUUID()),
    call: async (reference: string) => (asked.references.push(reference), outcome(reference)),
    finish: async (_: unknown, id: string, result: string) => (asked.finished++, { id, result }),
  };
}

const refusal = (code: string, more: object = {}) => expect.objectContaining({ code, ...more });

describe('a call that leaves the process', () => {
  it('is refused while the first one runs, with the time after which it may be tried', async () => {
    const { once } = aCall(unique());
    const other = Promise.withResolvers<string>();
    const waiting = steps(() => other.promise);
    const first = once().across(waiting);
    while (waiting.asked.references.length === 0) await new Promise(setImmediate);
    const second = steps(async () => 'twice');
    const error = await once()
      .across(second)
      .catch((reason: unknown) => reason as { code: string; retryAfterSeconds: number });
    expect(error).toMatchObject({ code: 'idempotency/in-progress' });
    expect((error as { retryAfterSeconds: number }).retryAfterSeconds).toBeGreaterThan(20);
    expect((error as { retryAfterSeconds: number }).retryAfterSeconds).toBeLessThanOrEqual(30);
    other.resolve('done');
    expect(JSON.parse((await first) as unknown as string)).toMatchObject({ result: 'done' });
    expect(second.asked).toEqual({ begun: 0, finished: 0, references: [] });
  });

  it('is answered as the first time, with its headers and the mark of a repetition', async () => {
    const { once, sent } = aCall(unique());
    const first = await once().across(steps(async () => 'done'));
    const { location, etag } = sent;
    expect(sent).toEqual({
      location: expect.stringMatching(/\/things\/[0-9a-f-]{36}$/),
      etag: expect.stringMatching(/^"[\w-]{22}"$/),
      'content-type': 'application/json; charset=utf-8',
    });
    const again = steps(async () => 'twice');
    expect(await once().across(again)).toBe(first);
    expect(again.asked.references).toEqual([]);
    expect(sent).toMatchObject({ location, etag, 'idempotency-replayed': 'true' });
  });

  it('that failed may be tried again at once, and goes on with what it had begun', async () => {
    const { once } = aCall(unique());
    const failing = steps(() => Promise.reject(new Error('no line')));
    await expect(once().across(failing)).rejects.toThrow('no line');
    const retry = steps(async () => 'done');
    expect(JSON.parse((await once().across(retry)) as unknown as string)).toEqual({ id: failing.asked.references[0], result: 'done' });
    expect(retry.asked).toEqual({ begun: 0, finished: 1, references: failing.asked.references });
  });

  it('whose process has died is taken over when its time is up', async () => {
    const key = unique();
    const { once } = aCall(key);
    const dying = steps(() => new Promise(() => undefined));
    void once().across(dying);
    while (dying.asked.references.length === 0) await new Promise(setImmediate);
    const aged = await app.prisma.idempotencyKey.updateMany({ where: { key }, data: { leasedUntil: new Date(Date.now() - 1) } });
    expect(aged.count).toBe(1);
    const heir = steps(async () => 'done');
    await once().across(heir);
    expect(heir.asked).toEqual({ begun: 0, finished: 1, references: dying.asked.references });
  });
});

describe('a key', () => {
  it('is taken while the transaction of its first call runs', async () => {
    const { once } = aCall(unique());
    const hold = Promise.withResolvers<{ id: string }>();
    const begun = Promise.withResolvers<void>();
    const first = once().do(() => (begun.resolve(), hold.promise));
    await begun.promise;
    await expect(once().do(async () => ({ id: 'twice' }))).rejects.toEqual(refusal('idempotency/in-progress', { retryAfterSeconds: 1 }));
    hold.resolve({ id: 'once' });
    expect(JSON.parse((await first) as unknown as string)).toEqual({ id: 'once' });
  });

  it('may be quoted, and is the same without the quotes', async () => {
    const key = unique();
    const first = await aCall(`"${key}"`)
      .once()
      .do(async () => ({ id: 'a' }));
    expect(
      await aCall(key)
        .once()
        .do(async () => ({ id: 'b' })),
    ).toBe(first);
  });

  it('keeps quotes that do not enclose it', async () => {
    const key = unique();
    await aCall(`x"${key}"`)
      .once()
      .do(async () => ({ id: 'a' }));
    await aCall(`"${key}"x`)
      .once()
      .do(async () => ({ id: 'b' }));
    expect(await app.prisma.idempotencyKey.count({ where: { key: { in: [`x"${key}"`, `"${key}"x`] } } })).toBe(2);
  });

  it.each([[['a', 'b']], [''], ['a b'], ['é'], ['x'.repeat(256)], ['""']])('is refused as %j', (key) => {
    expect(() => aCall(key).once()).toThrow(expect.objectContaining({ code: 'idempotency/key-malformed' }));
  });

  it('is required where the route says so, and elsewhere not', async () => {
    expect(() => aCall(undefined).once()).toThrow(expect.objectContaining({ code: 'idempotency/key-required' }));
    expect(
      await aCall(undefined, { required: false })
        .once()
        .do(async () => ({ id: 'a' })),
    ).toEqual({ id: 'a' });
  });

  it('belongs to the call it was first used for', async () => {
    const key = unique();
    await aCall(key, { body: { a: 1 } })
      .once()
      .do(async () => ({ id: 'a' }));
    await expect(
      aCall(key, { body: { a: 2 } })
        .once()
        .do(async () => ({ id: 'b' })),
    ).rejects.toEqual(refusal('idempotency/key-reused'));
  });

  it('may be used anew when it has expired', async () => {
    const key = unique();
    await aCall(key)
      .once()
      .do(async () => ({ id: 'a' }));
    await app.prisma.idempotencyKey.updateMany({ where: { key }, data: { expiresAt: new Date(Date.now() - 1) } });
    expect(
      JSON.parse(
        (await aCall(key)
          .once()
          .do(async () => ({ id: 'b' }))) as unknown as string,
      ),
    ).toEqual({ id: 'b' });
  });

  it.each<[string, Parameters<typeof aCall>[1], object | undefined]>([
    ['method', { method: 'PUT' }, undefined],
    ['path', { url: '/things?other' }, undefined],
    ['content, where the body is read as a stream', {}, { sha256: 'b' }],
  ])('is not for a call with another %s', async (_what, other, about) => {
    const key = unique();
    const make = async () => ({ id: 'a' });
    const first = await aCall(key)
      .once()
      .do(make, about && { sha256: 'a' });
    expect(
      await aCall(key)
        .once()
        .do(make, about && { sha256: 'a' }),
    ).toBe(first);
    await expect(aCall(key, other).once().do(make, about)).rejects.toEqual(refusal('idempotency/key-reused'));
  });

  it('is the same for no body and an empty one', async () => {
    const key = unique();
    const first = await aCall(key, { body: null })
      .once()
      .do(async () => ({ id: 'a' }));
    expect(
      await aCall(key, { body: {} })
        .once()
        .do(async () => ({ id: 'b' })),
    ).toBe(first);
  });

  it('is everybody’s own', async () => {
    const key = unique();
    const first = await aCall(key)
      .once()
      .do(async () => ({ id: 'a' }));
    const others = await aCall(key, { actor: await aUser(app) })
      .once()
      .do(async () => ({ id: 'a' }));
    expect([first, others]).toEqual(['{"id":"a"}', '{"id":"a"}']);
    expect(await app.prisma.idempotencyKey.count({ where: { key } })).toBe(2);
  });

  it('is kept for IDEMPOTENCY_TTL_SECONDS', async () => {
    const key = unique();
    await aCall(key)
      .once()
      .do(async () => ({ id: 'a' }));
    await aCall(`${key}-across`)
      .once()
      .across(steps(async () => 'done'));
    const kept = await app.prisma.idempotencyKey.findMany({ where: { key: { startsWith: key } } });
    const hours = kept.map(({ expiresAt }) => Math.round((expiresAt.getTime() - Date.now()) / 3_600_000));
    expect(hours).toEqual([24, 24]);
    expect(kept.map(({ leasedUntil }) => leasedUntil)).toEqual([null, null]);
  });

  it('that failed is free, and what was written with it is undone', async () => {
    const key = unique();
    await expect(
      aCall(key)
        .once()
        .do(() => Promise.reject(new Error('no'))),
    ).rejects.toThrow('no');
    expect(await app.prisma.idempotencyKey.count({ where: { key } })).toBe(0);
  });
});

describe('a route', () => {
  const post = (path: string, key: string | undefined, body: object, token = person.accessToken) =>
    app.request<{ id: string; code?: string }>('POST', path, { token, body, headers: key === undefined ? {} : { 'idempotency-key': key } });

  it('answers a retry with the status, the headers and the bytes of the first time', async () => {
    const key = unique();
    const body = { title: 'Once', body: 'And only once.' };
    const first = await post('posts', key, body);
    const again = await post('posts', key, body);
    expect([first.status, first.headers['idempotency-replayed']]).toEqual([201, undefined]);
    expect([again.status, again.headers['idempotency-replayed'], again.text]).toEqual([201, 'true', first.text]);
    for (const name of ['location', 'etag', 'content-type']) expect([name, again.headers[name]]).toEqual([name, first.headers[name]]);
    expect((await post('posts', undefined, body)).body.id).not.toBe(first.body.id);
  });

  it('whose answer has another status than that of a creation keeps it', async () => {
    const { accessToken } = await aUser(app);
    const key = unique();
    expect((await post('users/me/export', key, {}, accessToken)).status).toBe(202);
    expect((await app.prisma.idempotencyKey.findFirstOrThrow({ where: { key } })).status).toBe(202);
    const again = await post('users/me/export', key, {}, accessToken);
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([202, 'true']);
  });

  it('says whether it needs a key', async () => {
    const refused = await post('orders', undefined, { items: [] });
    expect([refused.status, refused.body.code]).toEqual([400, 'idempotency/key-required']);
  });
});
