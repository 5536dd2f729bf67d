/** @loaded-apart It defines events. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { publish } from '#events';
import type { DeliveryList, DeliveryResponse, EventList, ReplayResponse } from '../src/ops/events.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { CONSUMERS, happened, TABLES } from './harness/consumers.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { anAdmin, aUser, type Person, unique } from './harness/people.js';
import { startProcess, stopProcesses } from './harness/product.js';
import type { Wire } from './harness/wire.js';

const LONG = 60_000;
const BEGIN = '0'.repeat(16);
const NOBODYS_ID = '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49';

let app: TestApp;
let admin: Person;

beforeAll(async () => {
  app = await startApp({ ROLE: 'api' });
  await query(app.databaseUrl, TABLES);
  admin = await anAdmin(app);
  await startProcess({ databaseUrl: app.databaseUrl, program: CONSUMERS, env: { EVENTS_DELIVERY_ATTEMPTS: '1' } });
}, LONG);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

const get = async <Body>(path: string, token = admin.accessToken) => app.request<Wire<Body>>('GET', `ops/events${path}`, { token });
const post = async <Body>(path: string, body?: object) =>
  app.request<Wire<Body>>('POST', `ops/events${path}`, { token: admin.accessToken, ...(body && { body }) });

/** Publishes as many events of a thing as there are payloads, at different times: the list is in the order of their times. */
async function happen(thing: string, ...payloads: { n: number; poison?: string }[]): Promise<void> {
  for (const payload of payloads) {
    await publish(app.prisma, happened, payload, { actor: null, resource: { type: 'thing', id: thing }, subject: admin.id });
    await sleep(2);
  }
}
const effects = (thing: string) =>
  query<{ n: number }>(app.databaseUrl, 'SELECT n FROM effects WHERE resource = $1 ORDER BY at', [thing]).then((all) =>
    all.map(({ n }) => n),
  );
const until = (thing: string, expected: number[]) =>
  eventually(async () => (await effects(thing)).length >= expected.length, LONG).then(async () =>
    expect(await effects(thing)).toEqual(expected),
  );

/** An event that its consumer is stuck at, with one that waits behind it; `cure` lets it succeed. */
async function aStuckEvent(): Promise<{ thing: string; delivery: Wire<DeliveryResponse>; cure: () => Promise<unknown> }> {
  const [thing, word] = [randomUUID(), unique()];
  await query(app.databaseUrl, 'INSERT INTO poison VALUES ($1)', [word]);
  await happen(thing, { n: 1, poison: word }, { n: 2 });
  const delivery = await eventually(async () => {
    const { body } = await get<DeliveryList>('/deliveries?status=stuck&consumer=test.recorder&limit=100');
    return body.items.find(({ resource }) => resource === `thing:${thing}`);
  }, LONG);
  return { thing, delivery, cure: () => query(app.databaseUrl, 'DELETE FROM poison WHERE word = $1', [word]) };
}

describe('what happened', () => {
  it('is listed with everything that is known of it, the newest first', async () => {
    const thing = randomUUID();
    await happen(thing, { n: 1 }, { n: 2 });
    await until(thing, [1, 2]);
    const { status, body } = await get<EventList>(`?resource=thing:${thing}`);
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [2, 1].map((n) => ({
        id: expect.any(String),
        name: 'thing.happened',
        version: 1,
        resource: { type: 'thing', id: thing },
        actorId: null,
        subjectId: admin.id,
        payload: { n },
        requestId: null,
        occurredAt: expect.stringMatching(/Z$/),
        cursor: expect.any(String),
      })),
      nextCursor: null,
    });
  });

  it('is listed by kind, resource and time, a page at a time', async () => {
    const thing = randomUUID();
    await happen(thing, { n: 1 }, { n: 2 }, { n: 3 });
    const { body: all } = await get<EventList>(`?resource=thing:${thing}&name=thing.happened`);
    expect(all.items).toHaveLength(3);
    expect((await get<EventList>(`?resource=thing:${thing}&name=order.paid`)).body.items).toEqual([]);
    const { body: page } = await get<EventList>(`?resource=thing:${thing}&limit=2`);
    const { body: rest } = await get<EventList>(`?resource=thing:${thing}&limit=2&cursor=${page.nextCursor}`);
    expect([...page.items, ...rest.items].map(({ id }) => id)).toEqual(all.items.map(({ id }) => id));
    const [newest, , oldest] = all.items.map(({ occurredAt }) => encodeURIComponent(occurredAt));
    expect((await get<EventList>(`?resource=thing:${thing}&to=${oldest}`)).body.items).toEqual([]);
    expect((await get<EventList>(`?resource=thing:${thing}&from=${oldest}`)).body.items).toHaveLength(3);
    expect((await get<EventList>(`?resource=thing:${thing}&from=${oldest}&to=${newest}`)).body.items.length).toBeLessThan(3);
    expect((await get<EventList>('?name=user.registered&limit=100')).body.items.every(({ name }) => name === 'user.registered')).toBe(true);
  });
});

describe('an event that a consumer is stuck at', () => {
  it('is listed with what went wrong, and what waits behind it as pending', async () => {
    const { thing, delivery, cure } = await aStuckEvent();
    expect(delivery).toEqual({
      eventId: expect.any(String),
      name: 'thing.happened',
      consumer: 'test.recorder',
      resource: `thing:${thing}`,
      status: 'stuck',
      attempts: 1,
      lastError: 'Error: poison in 1',
      nextAttemptAt: null,
      createdAt: expect.any(String),
    });
    const behind = await eventually(async () => {
      const { body } = await get<DeliveryList>('/deliveries?status=pending&limit=100');
      const [first, ...more] = body.items.filter(({ resource }) => resource === `thing:${thing}`);
      return first && [first, ...more];
    });
    expect(behind).toMatchObject([{ status: 'pending', attempts: 0 }]);
    const { body: none } = await get<DeliveryList>('/deliveries?consumer=test.other');
    expect(none.items).toEqual([]);
    await cure();
  });

  it('is paged through', async () => {
    await aStuckEvent();
    await aStuckEvent();
    const { body: all } = await get<DeliveryList>('/deliveries?limit=100');
    const ids: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body: page }: { body: Wire<DeliveryList> } = await get<DeliveryList>(`/deliveries?limit=1${cursor && `&cursor=${cursor}`}`);
      ids.push(...page.items.map(({ eventId }) => eventId));
      cursor = page.nextCursor;
    }
    expect(ids).toEqual(all.items.map(({ eventId }) => eventId));
    expect(ids.length).toBeGreaterThan(1);
  });

  it('is tried again on request, and then the others go on', async () => {
    const { thing, delivery, cure } = await aStuckEvent();
    await cure();
    const path = `/${delivery.eventId}/deliveries/test.recorder/retry`;
    const { status, body } = await post<DeliveryResponse>(path);
    expect([status, body]).toMatchObject([200, { eventId: delivery.eventId, status: 'pending', attempts: 0 }]);
    await until(thing, [1, 2]);
    expect((await post(path)).body).toMatchObject({ code: 'ops/delivery-not-stuck' });
  });

  it('is given up on request, and then the others go on', async () => {
    const { thing, delivery } = await aStuckEvent();
    const path = `ops/events/${delivery.eventId}/deliveries/test.recorder`;
    expect((await app.request('DELETE', path, { token: admin.accessToken })).status).toBe(204);
    await until(thing, [2]);
    const again = await app.request('DELETE', path, { token: admin.accessToken });
    expect([again.status, again.body.code]).toEqual([404, 'ops/delivery-not-stuck']);
  });

  it('must be one', async () => {
    for (const path of [`/${NOBODYS_ID}/deliveries/test.recorder/retry`, `/${NOBODYS_ID}/deliveries/nobody/retry`])
      expect((await post(path)).body).toMatchObject({ code: 'ops/delivery-not-stuck' });
    expect((await post('/no-id/deliveries/test.recorder/retry')).status).toBe(400);
  });
});

describe('a replay', () => {
  it('delivers again what came after a place in the log, when it is asked to', async () => {
    const thing = randomUUID();
    await happen(thing, { n: 1 }, { n: 2 }, { n: 3 });
    await until(thing, [1, 2, 3]);
    const { body: log } = await get<EventList>(`?resource=thing:${thing}`);
    const from = log.items.at(-1)!.cursor!;
    const { status, body } = await post<ReplayResponse>('/replay', { consumer: 'test.recorder', from, again: true });
    expect([status, body]).toEqual([202, { consumer: 'test.recorder', after: from, until: expect.any(String), again: true }]);
    await until(thing, [1, 2, 3, 2, 3]);
    // Without `again`, what is done stays as it is: what is published after it comes through, and nothing else.
    expect((await post('/replay', { consumer: 'test.recorder', from })).status).toBe(202);
    await happen(thing, { n: 4 });
    await until(thing, [1, 2, 3, 2, 3, 4]);
  });

  it('begins with a time', async () => {
    const thing = randomUUID();
    await happen(thing, { n: 1 });
    await until(thing, [1]);
    const { body: log } = await get<EventList>(`?resource=thing:${thing}`);
    const { status } = await post('/replay', { consumer: 'test.recorder', from: log.items[0]!.occurredAt, again: true });
    expect(status).toBe(202);
    await until(thing, [1, 1]);
  });

  it('is of a consumer that there is, from somewhere', async () => {
    expect((await post('/replay', { consumer: 'test.nobody', from: BEGIN })).body).toMatchObject({ code: 'ops/consumer-not-found' });
    for (const from of ['', '0', 'yesterday', '2026-11-21', 'f'.repeat(16), `${BEGIN}0`, 5, null])
      expect((await post('/replay', { consumer: 'test.recorder', from })).status).toBe(400);
    for (const body of [
      {},
      { from: BEGIN },
      { consumer: 'test.recorder', from: BEGIN, again: 'yes' },
      { consumer: 'test.recorder', from: BEGIN, to: '1' },
    ])
      expect((await post('/replay', body)).status).toBe(400);
  });
});

describe('the operations of events', () => {
  const OPERATIONS = [
    ['GET', ''],
    ['GET', '/deliveries'],
    ['POST', '/replay'],
    ['POST', `/${NOBODYS_ID}/deliveries/test.recorder/retry`],
    ['DELETE', `/${NOBODYS_ID}/deliveries/test.recorder`],
  ] as const;

  it.each(OPERATIONS)('%s %s is for whoever may manage operations', async (method, path) => {
    const body = path === '/replay' ? { consumer: 'test.recorder', from: BEGIN } : undefined;
    const ask = (token?: string) =>
      app.request(method, `ops/events${path}`, { ...(token !== undefined && { token }), ...(body && { body }) });
    expect((await ask()).status).toBe(401);
    for (const role of ['customer', 'editor', 'support'] as const)
      expect((await ask((await aUser(app, { roles: [role] })).accessToken)).status).toBe(403);
  });

  it.each([
    '?name=Order%20Paid',
    '?resource=order',
    '?from=yesterday',
    '?cursor=x',
    '?limit=0',
    '?what=1',
    '/deliveries?status=done',
    '/deliveries?cursor=x',
    '/deliveries?consumer=%00',
  ])('refuses %s', async (path) => {
    expect((await get(path)).status).toBe(400);
  });
});
