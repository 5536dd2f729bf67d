import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import { transaction, type Tx } from '#database';
import { cursorAt, endOfLog, positionAt, publish } from '#events';
import type { ProblemDocument } from '../libs/http/src/problem.filter.js';
import { sessionEnded } from '../src/auth/auth.events.js';
import { SessionsService } from '../src/auth/sessions.service.js';
import type { TicketResponse } from '../src/streams/tickets.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import type { Answer } from './harness/client.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { actorOf, anAdmin, aPost, aSession, aUser, type Person, unique } from './harness/people.js';
import { type Product, startProcess, stopProcesses } from './harness/product.js';
import { openStream, type StreamReader } from './harness/stream.js';

const LONG = 60_000;

/** Runs jobs, and so the log of events. */
let app: TestApp;
/** Another process on the same database, which only answers. */
let other: Product;
const open = new Set<StreamReader>();

beforeAll(async () => {
  app = await startApp();
  other = await startProcess({
    databaseUrl: app.databaseUrl,
    env: {
      ROLE: 'api',
      STREAMS_HEARTBEAT_SECONDS: '1',
      STREAMS_BUFFER_BYTES: '131072',
      STREAMS_PATIENCE_SECONDS: '2',
      STREAMS_PER_USER: '3',
    },
  });
}, LONG);

afterAll(async () => {
  for (const stream of open) stream.close();
  await stopProcesses();
  await app.close();
});

async function listen(
  person: Person | null,
  more: { lastEventId?: string; search?: string; at?: { url: string } } = {},
): Promise<StreamReader> {
  const { at = app, ...opening } = more;
  const stream = await openStream(at.url, { ...(person && { token: person.accessToken }), ...opening });
  open.add(stream);
  return stream;
}

/** Something happens to somebody that no consumer makes anything of; `what` tells it from all that happens in other tests. */
const happen = (to: Person, what: string, { because = '', db = app.prisma }: { because?: string; db?: TestApp['prisma'] | Tx } = {}) =>
  publish(
    db,
    sessionEnded,
    { sessionId: to.sessionId, userId: to.id, because },
    { actor: null, resource: { type: 'session', id: what }, subject: to.id },
  );
/** What precedes each test, and may get its place in the log only after a stream has begun. */
const PRELUDE = ['user.registered', 'session.started'];
const events = (stream: StreamReader) => stream.events().filter(({ name }) => !PRELUDE.includes(name));
const told = (stream: StreamReader) => events(stream).map(({ resource }) => resource.id);
const until = (stream: StreamReader, what: string) => eventually(() => told(stream).includes(what), LONG);
const ended = (stream: StreamReader) => eventually(() => stream.over(), LONG);
const refusal = ({ text, status }: StreamReader) => [status, (JSON.parse(text()) as ProblemDocument).code];
const numbered = (word: string, count: number) => Array.from({ length: count }, (_, index) => `${word}-${index}`);
/** All that was published has its place in the log. */
const settled = () =>
  eventually(async () => (await query(app.databaseUrl, 'SELECT FROM events WHERE position IS NULL LIMIT 1')).length === 0);
const aTicket = async (of: Person) => {
  const { body } = await app.request<TicketResponse>('POST', 'events/tickets', { token: of.accessToken });
  return body.ticket;
};

describe('the event stream', () => {
  it('tells what happens as it happens, in any process, each event in one line of JSON', async () => {
    const person = await aUser(app);
    const streams = [await listen(person), await listen(person, { at: other })];
    await happen(person, unique());
    const post = await aPost(app, person);
    for (const stream of streams) {
      await until(stream, post.id);
      expect(stream.status).toBe(200);
      expect(stream.headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        'x-content-type-options': 'nosniff',
        'x-request-id': expect.any(String),
      });
      for (const absent of ['etag', 'content-encoding', 'content-length']) expect(stream.headers).not.toHaveProperty(absent);
      const frame = stream.frames.find(({ data }) => data?.includes(post.id))!;
      expect(frame.event).toBe('post.created');
      expect(JSON.parse(frame.data!)).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: 'post.created',
        version: 1,
        resource: { type: 'post', id: post.id },
        actorId: person.id,
        subjectId: person.id,
        payload: expect.objectContaining({ postId: post.id }),
        requestId: null,
        occurredAt: expect.stringMatching(/Z$/),
        cursor: frame.id,
      });
      expect(frame.data).not.toContain('\n');
    }
  });

  it('begins with what happens from now on, says where that is, and how long to wait before coming back', async () => {
    const person = await aUser(app);
    await happen(person, 'before');
    await settled();
    const stream = await listen(person, { at: other });
    await happen(person, 'after');
    await until(stream, 'after');
    expect(told(stream)).toEqual(['after']);
    expect(stream.frames[0]).toEqual({ retry: expect.stringMatching(/^[123]\d{3}$/), id: expect.stringMatching(/^[0-9a-f]{16}$/) });
  });

  it('tells everybody what is theirs, staff what they may see, and nobody else', async () => {
    const [ada, bob, support] = [await aUser(app), await aUser(app), await aUser(app, { roles: ['support'] })];
    const [adas, bobs, supports] = [await listen(ada), await listen(bob), await listen(support)];
    const draft = await aPost(app, bob);
    const [hers, his] = [unique(), unique()];
    await happen(ada, hers);
    await happen(bob, his);
    await until(adas, hers);
    await until(bobs, his);
    await until(supports, his);
    expect(told(adas)).toEqual([hers]);
    expect(told(bobs)).toEqual([draft.id, his]);
    expect(told(supports)).toEqual(expect.arrayContaining([hers, his])); // users:read
    expect(told(supports)).not.toContain(draft.id); // wants posts:manage
  });

  it('tells everybody what is public', async () => {
    const stream = await listen(await aUser(app), { at: other });
    const post = await aPost(app, await aUser(app), { published: true });
    await until(stream, post.id);
    expect(told(stream)).toEqual([post.id]);
    expect(stream.events().at(-1)).toMatchObject({ name: 'post.published', subjectId: post.authorId });
  });

  it('is closed to who is not logged in', async () => {
    expect(refusal(await listen(null))).toEqual([401, 'auth/unauthenticated']);
    expect(refusal(await openStream(app.url, { token: 'x' }))).toEqual([401, 'auth/invalid-token']);
  });

  it('tells only of the kinds that are asked for, and refuses those that nobody knows', async () => {
    const person = await aUser(app);
    const stream = await listen(person, { search: '?events=post.published,session.*' });
    await aPost(app, person); // post.created
    const post = await aPost(app, person, { published: true });
    const { sessionId: later } = await aSession(app, person.id);
    await eventually(() => stream.events().at(-1)?.resource.id === later);
    expect(told(stream)).toEqual([post.id]);
    expect(stream.events().filter(({ name }) => name === 'user.registered')).toEqual([]);
    for (const search of ['nothing.happened', 'post', 'post.*,', '*', '.*', '', 'order.paid,x.*', 'order.paid%0Aid:1', '__proto__.*']) {
      const refused = await listen(person, { search: `?events=${search}` });
      expect(refusal(refused)).toEqual([400, 'http/validation-failed']);
      expect(refused.text()).toContain('?events');
    }
  });

  it('CVE-2026-35515: lets no text forge a field', async () => {
    const person = await aUser(app);
    const stream = await listen(person);
    const because = 'over\n\nevent: order.paid\ndata: {"forged":true}\r\rid: 0000000000000001\r\n\r\nretry: 1\u2028\u2029\u0085: x\n\n';
    const forged = `x\n\ndata: forged\r\n${unique()}`;
    await happen(person, forged, { because });
    await happen(person, 'last');
    await until(stream, 'last');
    expect(told(stream)).toEqual([forged, 'last']);
    expect(events(stream).map(({ name }) => name)).toEqual(['session.ended', 'session.ended']);
    expect(events(stream)[0]!.payload).toMatchObject({ because });
    expect(stream.frames.every(({ retry, id }) => retry !== '1' && id !== '0000000000000001')).toBe(true);
  });

  it('keeps its connection open with heartbeats, which move on where to resume', async () => {
    const [person, somebody] = [await aUser(app), await aUser(app)];
    const stream = await listen(person, { at: other });
    const [first] = stream.frames;
    await happen(somebody, 'unseen');
    await eventually(() => stream.frames.filter(({ comment }) => comment === 'heartbeat').length >= 2, LONG);
    expect(stream.frames.at(-1)!.id! > first!.id!).toBe(true);
    expect(told(stream)).toEqual([]);
  });

  it('answers HEAD without a stream, other methods not at all, and every spelling of its path alike', async () => {
    const { accessToken: token } = await aUser(app);
    const head = await app.request('HEAD', 'events/stream', { token });
    expect([head.status, head.headers['content-type'], head.text]).toEqual([200, 'text/event-stream; charset=utf-8', '']);
    expect((await app.request('POST', 'events/stream', { token })).status).toBe(405);
    for (const path of ['/api/v1/events/%73tream', '/api/v1/events/stream', '/api/v1//events/stream', '/api/v1/events/stream/'])
      expect([401, 404]).toContain((await app.request('GET', path)).status);
  });

  it('is not served where only jobs run', async () => {
    const worker = await startProcess({ databaseUrl: app.databaseUrl, env: { ROLE: 'worker' } });
    expect(refusal(await openStream(worker.url, { token: (await aUser(app)).accessToken }))).toEqual([503, 'http/unavailable']);
    await worker.stop('SIGKILL');
  });
});

describe('a stream that is resumed', () => {
  it('goes on after the last event, without gap or double, wherever it is resumed', async () => {
    const person = await aUser(app);
    const word = unique();
    const stream = await listen(person);
    for (const what of numbered(word, 3)) await happen(person, what);
    await until(stream, `${word}-2`);
    const [first] = events(stream);
    for (const at of [app, other])
      for (const more of [{ lastEventId: first!.cursor }, { search: `?lastEventId=${first!.cursor}` }]) {
        const resumed = await listen(person, { at, ...more });
        await until(resumed, `${word}-2`);
        expect(told(resumed)).toEqual([`${word}-1`, `${word}-2`]);
        resumed.close();
        await eventually(() => resumed.over());
      }
    // An EventSource repeats its URL and adds what it has got since.
    const both = await listen(person, { lastEventId: events(stream)[1]!.cursor, search: `?lastEventId=${first!.cursor}` });
    await until(both, `${word}-2`);
    expect(told(both)).toEqual([`${word}-2`]);
  });

  it(
    'hears each event once while much is happening',
    async () => {
      const person = await aUser(app);
      const word = unique();
      const before = await endOfLog(app.prisma);
      const publishing = (async () => {
        for (const what of numbered(word, 300)) await happen(person, what);
      })();
      // Joining, at any moment of this, from the beginning of it.
      const streams: StreamReader[] = [];
      for (let count = 0; count < 10; count++) streams.push(await listen(person, { lastEventId: before }));
      await publishing;
      for (const stream of streams) {
        await until(stream, `${word}-299`);
        expect(told(stream).filter((what) => what.startsWith(word))).toEqual(numbered(word, 300));
      }
    },
    LONG,
  );

  it('misses nothing that was begun earlier and committed later', async () => {
    const person = await aUser(app);
    const stream = await listen(person);
    let commit: () => void = () => undefined;
    const told1 = new Promise<void>((resolve) => (commit = resolve));
    let begun: () => void = () => undefined;
    const written = new Promise<void>((resolve) => (begun = resolve));
    const slow = transaction(app.prisma, async (db) => {
      await happen(person, 'begun first', { db });
      begun();
      await told1;
    });
    await written;
    await happen(person, 'committed first');
    await until(stream, 'committed first');
    const resumed = await listen(person, { lastEventId: events(stream)[0]!.cursor, at: other });
    commit();
    await slow;
    for (const each of [stream, resumed]) await until(each, 'begun first');
    expect(told(stream)).toEqual(['committed first', 'begun first']);
    expect(told(resumed)).toEqual(['begun first']);
  });

  it(
    'gets each event once although the process that serves it is killed',
    async () => {
      const { databaseUrl } = app;
      const person = await aUser(app);
      const word = unique();
      const serving = await startProcess({ databaseUrl, env: { ROLE: 'api' } });
      let url = serving.url;
      // The client is told another address when it comes back, as by a balancer.
      const source = new EventSource('http://balancer/', {
        fetch: (_, init) =>
          fetch(`${url}/api/v1/events/stream`, { ...init, headers: { ...init.headers, Authorization: `Bearer ${person.accessToken}` } }),
      });
      const heard: string[] = [];
      source.addEventListener('session.ended', ({ data }) =>
        heard.push((JSON.parse(data as string) as { resource: { id: string } }).resource.id),
      );
      await new Promise((resolve) => source.addEventListener('open', resolve, { once: true }));
      let number = 0;
      let publishing = true;
      const publisher = (async () => {
        while (publishing) await happen(person, `${word}-${number++}`).then(() => sleep(2));
      })();
      await eventually(() => heard.length > 20, LONG);
      url = other.url;
      await serving.stop('SIGKILL');
      const sofar = heard.length;
      await eventually(() => heard.length > sofar + 20, LONG);
      publishing = false;
      await publisher;
      await eventually(() => heard.includes(`${word}-${number - 1}`), LONG);
      source.close();
      expect(heard).toEqual(numbered(word, number));
    },
    LONG,
  );

  it(
    'gets each event once although the worker is killed and started again',
    async () => {
      const api = await startApp({ ROLE: 'api' });
      const startWorker = () => startProcess({ databaseUrl: api.databaseUrl, env: { ROLE: 'worker' } });
      const worker = await startWorker();
      const person = await aUser(api);
      const stream = await listen(person, { at: api });
      const word = unique();
      const publishing = (async () => {
        for (const what of numbered(word, 200)) await happen(person, what, { db: api.prisma }).then(() => sleep(2));
      })();
      await eventually(() => told(stream).length > 20, LONG);
      await worker.stop('SIGKILL');
      await publishing;
      expect(told(stream).length).toBeLessThan(200);
      const next = await startWorker();
      await until(stream, `${word}-199`);
      expect(told(stream)).toEqual(numbered(word, 200));
      stream.close();
      await next.stop('SIGKILL');
      await api.close();
    },
    LONG,
  );

  it('is told to begin anew when what it missed is forgotten, or not of this log', async () => {
    const person = await aUser(app);
    await happen(person, 'forgotten');
    await happen(person, 'kept');
    await settled();
    const [gone] = await query<{ position: string }>(
      app.databaseUrl,
      `DELETE FROM events WHERE resource_id = 'forgotten' RETURNING position`,
    );
    const missing = BigInt(gone!.position);
    const end = positionAt(await endOfLog(app.prisma))!;
    const cases = [
      ['expired', cursorAt(missing - 1n)],
      ['unknown', cursorAt(end + 1_000n)],
      ['unknown', '7fffffffffffffff'],
    ] as [string, string][];
    for (const [reason, lastEventId] of cases) {
      const stream = await listen(person, { lastEventId, at: other });
      await eventually(() => stream.frames.some(({ event }) => event === 'reset'));
      const [, frame] = stream.frames;
      const { cursor, ...data } = JSON.parse(frame!.data!) as { reason: string; cursor: string };
      expect([lastEventId, data]).toEqual([lastEventId, { reason }]);
      expect(frame!.id).toBe(cursor);
      const what = unique();
      await happen(person, what);
      await until(stream, what);
      expect(told(stream)).toEqual([what]);
      stream.close();
    }
    // Behind the gap nothing is missing.
    const whole = await listen(person, { lastEventId: cursorAt(missing), at: other });
    await until(whole, 'kept');
    expect(whole.frames.every(({ event }) => event !== 'reset')).toBe(true);
  });

  it('is told to begin anew when it missed too much', async () => {
    const small = await startProcess({ databaseUrl: app.databaseUrl, env: { ROLE: 'api', STREAMS_RESUME_EVENTS: '3' } });
    const person = await aUser(app);
    await settled();
    const before = await endOfLog(app.prisma);
    for (const what of ['a', 'b', 'c']) await happen(person, what);
    await settled();
    const whole = await listen(person, { at: small, lastEventId: before });
    await until(whole, 'c');
    expect(told(whole)).toEqual(['a', 'b', 'c']);
    await happen(person, 'd');
    await until(whole, 'd');
    const anew = await listen(person, { at: small, lastEventId: before });
    await eventually(() => anew.frames.some(({ event }) => event === 'reset'));
    expect(anew.frames[1]).toMatchObject({ event: 'reset', data: expect.stringContaining('too-far-behind') });
    await happen(person, 'e');
    await until(anew, 'e');
    expect(told(anew)).toEqual(['e']);
    await small.stop('SIGKILL');
  });

  it('is refused when its Last-Event-ID is none', async () => {
    const person = await aUser(app);
    for (const lastEventId of [
      'x',
      '0',
      '-1',
      'ffffffffffffffff',
      '00000000000000001',
      "' OR 1=1",
      '0000000000000001, 0000000000000002',
      'ü',
    ])
      expect(
        refusal(await openStream(app.url, { token: person.accessToken, lastEventId: Buffer.from(lastEventId).toString('latin1') })),
      ).toEqual([400, 'streams/invalid-last-event-id']);
    expect(refusal(await listen(person, { search: '?lastEventId=x' }))).toEqual([400, 'http/validation-failed']);
    const none = await listen(person, { lastEventId: '' });
    expect(none.status).toBe(200);
  });
});

describe('a stream ends', () => {
  const withinSeconds = async (streams: StreamReader[]) => {
    const began = performance.now();
    for (const stream of streams) expect(await ended(stream)).toBe('ended');
    expect(performance.now() - began).toBeLessThan(5_000); // a second is promised; the machine is shared
  };

  it('with its session, and only that one’s', async () => {
    const person = await aUser(app);
    const elsewhere = { ...person, ...(await aSession(app, person.id)) };
    const kept = await listen(elsewhere, { at: other });
    const streams = [await listen(person), await listen(person, { at: other })];
    await app.request('POST', 'auth/logout', { token: person.accessToken });
    await withinSeconds(streams);
    await happen(person, 'still here');
    await until(kept, 'still here');
    for (const stream of streams) expect(told(stream)).not.toContain('still here');
  });

  it('when its user is suspended', async () => {
    const [admin, person] = [await anAdmin(app), await aUser(app)];
    const streams = [await listen(person), await listen(person, { at: other })];
    const suspended = await app.request('PATCH', `users/${person.id}`, { token: admin.accessToken, body: { status: 'suspended' } });
    expect(suspended.status).toBe(200);
    await withinSeconds(streams);
  });

  it('when its user is erased', async () => {
    const person = await aUser(app);
    const streams = [await listen(person), await listen(person, { at: other })];
    expect((await app.request('DELETE', 'users/me', { token: person.accessToken })).status).toBe(204);
    await withinSeconds(streams);
  });

  it('when its session runs out, of which no signal tells', async () => {
    const person = await aUser(app);
    const streams = [await listen(person), await listen(person, { at: other })];
    await query(app.databaseUrl, 'UPDATE sessions SET rotated_at = $2 WHERE id = $1', [person.sessionId, new Date(0)]);
    await withinSeconds(streams);
  });

  it('but goes on with other roles, telling what those may see', async () => {
    const [admin, support, somebody] = [await anAdmin(app), await aUser(app, { roles: ['support'] }), await aUser(app)];
    const streams = [await listen(support), await listen(support, { at: other })];
    await happen(somebody, 'seen');
    for (const stream of streams) await until(stream, 'seen');
    await app.request('PATCH', `users/${support.id}`, { token: admin.accessToken, body: { roles: ['customer'] } });
    // How soon is a second at most; the signal makes it sooner, and what is told afterwards proves that it has come.
    await sleep(1_500);
    await happen(somebody, 'unseen');
    await happen(support, 'own');
    for (const stream of streams) {
      await until(stream, 'own');
      expect(told(stream)).not.toContain('unseen');
    }
  });

  it('cleanly when its process is told to stop, which that does not hold up', async () => {
    const person = await aUser(app);
    const stopping = await startProcess({ databaseUrl: app.databaseUrl, env: { ROLE: 'api' } });
    const streams = [await listen(person, { at: stopping }), await listen(person, { at: stopping })];
    const slow = await listen(person, { at: stopping });
    slow.pause();
    const began = performance.now();
    const exit = await stopping.stop('SIGTERM');
    expect(exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(10_000);
    for (const stream of streams) expect(await ended(stream)).toBe('ended');
    expect(stopping.log.filter(({ level }) => level >= 40)).toEqual([]);
    const line = stopping.log.find(({ route }) => route === '/api/v1/events/stream');
    expect(line).toMatchObject({ status: 200, userId: person.id, path: '/api/v1/events/stream' });
  });

  it(
    'when its client does not read, and can be resumed without loss; one that does is told all, however much comes at once',
    async () => {
      const person = await aUser(app);
      const [idle, kept] = [await listen(person, { at: other }), await listen(person, { at: other })];
      idle.pause();
      const word = unique();
      const before = await endOfLog(app.prisma);
      const text = 'x'.repeat(100_000);
      for (const what of numbered(word, 300)) await happen(person, what, { because: text });
      await eventually(
        () => other.log.some(({ msg, userId }) => msg.startsWith('An event stream was cut off') && userId === person.id),
        LONG,
      );
      await until(kept, `${word}-299`);
      expect(told(kept).filter((what) => what.startsWith(word))).toEqual(numbered(word, 300));
      idle.close();
      kept.close();
      const resumed = await listen(person, { at: other, lastEventId: before });
      await until(resumed, `${word}-299`);
      expect(told(resumed).filter((what) => what.startsWith(word))).toEqual(numbered(word, 300));
    },
    LONG,
  );
});

describe('the number of streams', () => {
  it('is limited for each user', async () => {
    const person = await aUser(app);
    const streams = await Promise.all([1, 2, 3].map(() => listen(person, { at: other })));
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
    const refused = await listen(person, { at: other });
    expect(refusal(refused)).toEqual([429, 'streams/too-many']);
    expect(refused.headers['retry-after']).toBe('10');
    const another = await listen(await aUser(app), { at: other });
    expect(another.status).toBe(200);
    streams[0]!.close();
    await eventually(async () => (await listen(person, { at: other })).status === 200);
  });

  it('is limited for each process', async () => {
    const small = await startProcess({
      databaseUrl: app.databaseUrl,
      env: { ROLE: 'api', STREAMS_PER_PROCESS: '2', RATE_LIMIT: 'off', STREAMS_PER_USER: '1' },
    });
    const person = await aUser(app);
    const streams = [await listen(person, { at: small }), await listen(person, { at: small })]; // RATE_LIMIT=off
    const refused = await listen(person, { at: small });
    expect(refusal(refused)).toEqual([503, 'streams/full']);
    expect(refused.headers['retry-after']).toBe('5');
    for (let count = 0; count < 3; count++) expect((await listen(person, { at: small })).status).toBe(503);
    // No fault of the program's: said once in a while, beside the access lines.
    const said = small.log.filter(({ level, code }) => level > 40 || (level === 40 && code !== undefined));
    expect(said).toEqual([expect.objectContaining({ level: 40, code: 'streams/full' })]);
    streams[0]!.close();
    await eventually(async () => (await listen(person, { at: small })).status === 200);
    await small.stop('SIGKILL');
  });
});

describe('readers that leave before they are let in', () => {
  it('leave nothing behind', async () => {
    const small = await startProcess({ databaseUrl: app.databaseUrl, env: { ROLE: 'api', STREAMS_PER_PROCESS: '5' } });
    const person = await aUser(app);
    const head = `GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${person.accessToken}\r\n\r\n`;
    const { hostname, port } = new URL(small.url);
    for (let count = 0; count < 50; count++) {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.write(head);
      await sleep(count % 10);
      socket.destroy();
    }
    const stream = await eventually(async () => {
      const opened = await listen(person, { at: small });
      return opened.status === 200 && opened;
    });
    await happen(person, 'told');
    await until(stream, 'told');
    expect(small.log.filter(({ level }) => level >= 50)).toEqual([]);
    await small.stop('SIGKILL');
  });
});

describe('a lost signal', () => {
  it('delays an event by a second or so', async () => {
    const person = await aUser(app);
    const stream = await listen(person, { at: other });
    await query(
      app.databaseUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ashlar-signals' AND datname = current_database()`,
    );
    await happen(person, 'unannounced');
    await until(stream, 'unannounced');
  });
});

describe('a ticket', () => {
  const withTicket = (ticket: string, at: { url: string } = app) => openStream(at.url, { search: `?ticket=${ticket}` });

  it('lets an EventSource in that sends no headers', async () => {
    const person = await aUser(app);
    const { status, body, headers } = await app.request<TicketResponse>('POST', 'events/tickets', { token: person.accessToken });
    expect([status, body, headers['cache-control']]).toEqual([
      201,
      { ticket: expect.stringMatching(/^[\w-]{43}$/), expiresIn: 30 },
      'no-store',
    ]);
    const source = new EventSource(`${other.url}/api/v1/events/stream?ticket=${body.ticket}`);
    const heard: string[] = [];
    source.addEventListener('session.ended', ({ data }) =>
      heard.push((JSON.parse(data as string) as { resource: { id: string } }).resource.id),
    );
    await new Promise((resolve) => source.addEventListener('open', resolve, { once: true }));
    await happen(person, 'by ticket');
    await eventually(() => heard.length > 0);
    expect(heard).toEqual(['by ticket']);
    source.close();
  });

  it('lets in once, however many try at once in two processes', async () => {
    const person = await aUser(app);
    for (let round = 0; round < 3; round++) {
      const ticket = await aTicket(person);
      const streams = await Promise.all(Array.from({ length: 10 }, (_, index) => withTicket(ticket, index % 2 === 0 ? app : other)));
      expect(streams.filter(({ status }) => status === 200)).toHaveLength(1);
      for (const refused of streams.filter(({ status }) => status !== 200)) expect(refusal(refused)).toEqual([401, 'auth/invalid-ticket']);
      for (const stream of streams) stream.close();
    }
  });

  it('lives for 30 seconds, and no longer than its session', async () => {
    const person = await aUser(app);
    const [late, orphaned] = [await aTicket(person), await aTicket(person)];
    await query(app.databaseUrl, `UPDATE tickets SET expires_at = now() - interval '1 ms' WHERE hash = sha256($1)`, [Buffer.from(late)]);
    expect(refusal(await withTicket(late))).toEqual([401, 'auth/invalid-ticket']);
    await app.get(SessionsService).end(actorOf(person), person.sessionId);
    expect(refusal(await withTicket(orphaned))).toEqual([401, 'auth/invalid-ticket']);
    expect((await app.request('POST', 'events/tickets', { token: person.accessToken })).status).toBe(401);
  });

  it('is nothing that was made up, cut off or sent twice', async () => {
    const ticket = await aTicket(await aUser(app));
    for (const search of [`ticket=${ticket.slice(1)}`, `ticket=${'x'.repeat(43)}`, 'ticket=', 'ticket=%00', `ticket=${ticket}x`])
      expect(refusal(await openStream(app.url, { search: `?${search}` }))).toEqual([401, 'auth/invalid-ticket']);
    expect(refusal(await openStream(app.url, { search: `?ticket=${ticket}&ticket=${ticket}` }))).toEqual([401, 'auth/unauthenticated']);
    const unspent = await withTicket(ticket);
    expect(unspent.status).toBe(200);
    unspent.close();
  });

  it('ends its stream with its session', async () => {
    const person = await aUser(app);
    const stream = await withTicket(await aTicket(person), other);
    await app.request('POST', 'auth/logout', { token: person.accessToken });
    expect(await ended(stream)).toBe('ended');
  });

  it('is accepted nowhere else, not as a token either', async () => {
    const person = await aUser(app);
    const refused: Answer<ProblemDocument>[] = [];
    for (const path of ['users/me', 'auth/sessions', 'notifications'])
      refused.push(await app.request('GET', `${path}?ticket=${await aTicket(person)}`));
    refused.push(await app.request('POST', `events/tickets?ticket=${await aTicket(person)}`));
    refused.push(await app.request('GET', 'users/me', { token: await aTicket(person) }));
    refused.push(await app.request('GET', 'events/stream', { token: await aTicket(person) }));
    expect(refused.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 401]);
  });

  it('is kept as a hash, logged nowhere, and forgotten', async () => {
    const person = await aUser(app);
    const [ticket, unused] = [await aTicket(person), await aTicket(person)];
    const stream = await withTicket(ticket, other);
    stream.close();
    await withTicket(ticket, other);
    await eventually(() => other.log.some(({ code }) => code === 'auth/invalid-ticket'));
    expect(other.output()).not.toContain(ticket);
    const kept = await query<{ text: string }>(app.databaseUrl, 'SELECT t::text AS text FROM tickets t');
    expect(kept.map(({ text }) => text).join()).not.toContain(Buffer.from(unused).toString('hex'));
    await query(app.databaseUrl, `UPDATE tickets SET expires_at = now() - interval '1 ms'`);
    await aTicket(person);
    expect(await query(app.databaseUrl, 'SELECT FROM tickets WHERE session_id = $1', [person.sessionId])).toHaveLength(1);
  });
});
