import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { encrypt, Env, namedKeys } from '#config';
import type { Prisma } from '#database';
import { cursorAt, endOfLog, positionAt, publish, type Published, readEvents } from '#events';
import { Redis } from '#redis';
import { Redis as RedisClient } from 'ioredis';
import { sessionEnded } from '../src/auth/auth.events.js';
import { startApp, type TestApp } from './harness/app.js';
import { eventually } from './harness/eventually.js';
import { aUser, type Person, unique } from './harness/people.js';
import { startRelay } from './harness/relay.js';
import { describeWithRedis, type RedisServer, startRedis } from './harness/redis-server.js';
import { openStream, type StreamReader } from './harness/stream.js';

const LONG = 60_000;

describeWithRedis('event streams with Redis', () => {
  let redis: RedisServer;
  /** Gives events their place. */
  let one: TestApp;
  /** Only tells of them. */
  let two: TestApp;
  let person: Person;
  let stream: StreamReader;
  /** What is published on the channel, as anybody sees it who may read there. */
  const messages: Buffer[] = [];
  let spy: RedisClient;
  const open = new Set<StreamReader>();

  const join = (settings: Record<string, string> = {}) =>
    startApp({ DATABASE_URL: one.databaseUrl, REDIS_URL: redis.url, ROLE: 'api', ...settings });
  const listen = async (at: TestApp, lastEventId?: string) => {
    const opened = await openStream(at.url, { token: person.accessToken, ...(lastEventId && { lastEventId }) });
    open.add(opened);
    return opened;
  };
  const happen = (what: string, because = '') =>
    publish(
      one.prisma,
      sessionEnded,
      { sessionId: person.sessionId, userId: person.id, because },
      { actor: null, resource: { type: 'session', id: what }, subject: person.id },
    );
  const told = (to: StreamReader, word: string) =>
    to
      .events()
      .map(({ resource }) => resource.id)
      .filter((what) => what.startsWith(word));
  const until = (to: StreamReader, what: string) => eventually(() => told(to, what).includes(what), LONG);
  const numbered = (word: string, count: number) => Array.from({ length: count }, (_, index) => `${word}-${index}`);
  const channel = () => `${one.get(Redis).prefix}log-1`;

  /** Counts what a process asks of the log: statements, and the events they brought. */
  const readsOf = (app: TestApp) => {
    const reads = { statements: 0, events: 0 };
    const { send } = app.prisma;
    const counted = async (sql: Prisma.Sql) => {
      const result = await send(sql);
      if (sql.text.includes('FROM events e WHERE e.position >')) {
        reads.statements += 1;
        reads.events += result.rowCount ?? 0;
      }
      return result;
    };
    Object.assign(app.prisma, { send: counted });
    return reads;
  };

  beforeAll(async () => {
    redis = await startRedis();
    one = await startApp({ REDIS_URL: redis.url });
    two = await join();
    person = await aUser(one);
    stream = await listen(two);
    spy = new RedisClient(redis.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
    spy.on('error', () => undefined); // what becomes of the server is the test's affair
    spy.on('messageBuffer', (_: Buffer, message: Buffer) => messages.push(message));
    await spy.subscribe(channel());
  }, LONG);

  afterEach(() => {
    for (const each of open) if (each !== stream) each.close();
  });

  afterAll(async () => {
    spy?.disconnect();
    stream?.close();
    await two?.close();
    await one?.close();
    await redis?.close();
  });

  /** Until a round of events arrives of which this process has read none. */
  const broadcast = async (app: TestApp, to: StreamReader) => {
    const reads = readsOf(app);
    await eventually(async () => {
      const [before, word] = [reads.statements, unique()];
      for (const what of numbered(word, 20)) await happen(what);
      await until(to, `${word}-19`);
      expect(told(to, word)).toEqual(numbered(word, 20));
      return reads.statements === before;
    }, LONG);
    return reads;
  };

  it(
    'are told by a process that has not read the log',
    async () => {
      const reads = await broadcast(two, stream);
      await redis.kill();
      const before = reads.events;
      await happen('without');
      await until(stream, 'without');
      expect(reads.events).toBeGreaterThan(before);
      await redis.restart();
      await broadcast(two, stream);
    },
    LONG,
  );

  it(
    'tell the same as the log, to the last member',
    async () => {
      const word = unique();
      const from = await endOfLog(one.prisma);
      await happen(word, '"\u2028\n💧');
      await until(stream, word);
      const { occurredAt, traceId: _, ...event } = (await readEvents(one.prisma, { after: from, limit: 1 }))[0]!;
      expect(stream.events().at(-1)).toEqual({ ...event, occurredAt: occurredAt.toISOString() });
    },
    LONG,
  );

  it(
    'tell each event once and in order, whatever becomes of Redis meanwhile',
    async () => {
      const word = unique();
      const from = await endOfLog(one.prisma);
      const listeners = [stream, await listen(one)];
      let number = 0;
      let over = false;
      const publishing = (async () => {
        while (!over) await happen(`${word}-${number++}`).then(() => sleep(2));
      })();
      const some = async () => {
        const upTo = number + 20;
        for (const listener of listeners) await eventually(() => told(listener, word).length > upTo, LONG);
      };
      await some();
      redis.freeze();
      await some();
      listeners.push(await listen(two, from));
      redis.thaw();
      await some();
      await redis.kill();
      await some();
      await redis.restart();
      await some();
      await redis.client.flushall();
      await redis.client.client('KILL', 'TYPE', 'pubsub');
      await some();
      await redis.restart();
      await some();
      over = true;
      await publishing;
      for (const listener of listeners) {
        await until(listener, `${word}-${number - 1}`);
        expect(told(listener, word)).toEqual(numbered(word, number));
      }
      for (const app of [one, two]) await eventually(() => app.get(Redis).state === 'connected', LONG);
      await broadcast(two, stream);
    },
    LONG,
  );

  it(
    'tell of what a connection swallows',
    async () => {
      const relay = await startRelay(redis.url);
      const three = await join({ REDIS_URL: relay.url });
      try {
        const listener = await listen(three);
        const reads = await broadcast(three, listener);
        relay.freeze();
        const before = reads.events;
        const word = unique();
        for (const what of numbered(word, 20)) await happen(what);
        await until(listener, `${word}-19`);
        expect(told(listener, word)).toEqual(numbered(word, 20));
        expect(reads.events).toBeGreaterThan(before);
        await broadcast(three, listener); // over another connection
        listener.close();
      } finally {
        await relay.close();
        await three.close();
      }
    },
    LONG,
  );

  it(
    'change by nothing that is forged, doubled, late or has a gap',
    async () => {
      const [key] = namedKeys(one.get(Env), 'event-log');
      const publishRaw = (message: Buffer | string) => redis.client.publish(channel(), message);
      const sealed = (passage: object) => encrypt(key!.key, channel(), JSON.stringify(passage));
      await broadcast(two, stream);
      const word = unique();
      const from = messages.length;
      await happen(`${word}-0`);
      await until(stream, `${word}-0`);
      const [genuine] = await eventually(() => messages.length > from && messages.slice(from));
      const end = await endOfLog(one.prisma);
      const [last] = await readEvents(one.prisma, { after: cursorAt(positionAt(end)! - 1n), limit: 1 });
      const behind = (places: number): Published => ({
        ...last!,
        cursor: cursorAt(positionAt(end)! + BigInt(places)),
        resource: { type: 'session', id: `${word}-forged` },
      });
      const forged = { after: end, events: [behind(1)] };
      const altered = Buffer.from(genuine!);
      altered[20]! ^= 1;
      // Of others, who have no key.
      for (const message of [
        '',
        'x',
        randomBytes(1_000),
        JSON.stringify(forged),
        encrypt(randomBytes(32), channel(), JSON.stringify(forged)),
      ])
        await publishRaw(message);
      await publishRaw(encrypt(key!.key, 'another channel', JSON.stringify(forged)));
      await publishRaw(altered);
      // Of ours, gone astray.
      for (let time = 0; time < 40; time++) await publishRaw(messages[time % messages.length]!);
      for (const passage of [
        { after: cursorAt(positionAt(end)! + 999n), events: [behind(1_000)] },
        { after: end, events: [behind(2)] },
        { after: end, events: [behind(1), behind(3)] },
        { after: end, events: [behind(1), behind(1)] },
        { after: 'x', events: [behind(1)] },
        { after: end, events: [] },
      ])
        await publishRaw(sealed(passage));
      await sleep(200);
      for (const what of [1, 2, 3]) await happen(`${word}-${what}`);
      await until(stream, `${word}-3`);
      expect(told(stream, word)).toEqual(numbered(word, 4));
      await broadcast(two, stream);
    },
    LONG,
  );

  it(
    'leave nothing in Redis, and nothing that can be read there',
    async () => {
      const word = unique();
      const from = messages.length;
      await broadcast(two, stream);
      await redis.client.flushall();
      await happen(word, `${word} is a secret`);
      await until(stream, word);
      const heard = await eventually(() => messages.length > from && messages.slice(from));
      expect(await redis.client.keys('*')).toEqual([]);
      expect(Buffer.concat(heard).includes(word)).toBe(false);
      expect(Buffer.concat(heard).includes(person.id)).toBe(false);
    },
    LONG,
  );

  it(
    'tell of what is too large for Redis',
    async () => {
      const word = unique();
      for (const what of numbered(word, 2)) await happen(what, 'x'.repeat(300_000));
      await until(stream, `${word}-1`);
      expect(told(stream, word)).toEqual(numbered(word, 2));
      expect(Math.max(...messages.map(({ length }) => length))).toBeLessThan(257 * 1024);
      await broadcast(two, stream);
    },
    LONG,
  );

  it(
    'read the log where Redis permits no channel, which disturbs nothing else',
    async () => {
      await redis.client.call('ACL', 'SETUSER', 'deaf', 'on', '>pw', '~*', 'resetchannels', '+@all');
      const three = await join({ REDIS_URL: redis.url.replace('redis://', 'redis://deaf:pw@') });
      try {
        const listener = await listen(three);
        const word = unique();
        for (const what of numbered(word, 5)) await happen(what);
        await until(listener, `${word}-4`);
        expect(told(listener, word)).toEqual(numbered(word, 5));
        expect(await three.get(Redis).run((client) => client.publish(channel(), 'x'))).toBeUndefined();
        expect(three.get(Redis).state).toBe('connected');
        listener.close();
      } finally {
        await three.close();
      }
    },
    LONG,
  );

  it(
    'are heard of only where somebody listens',
    async () => {
      const three = await join();
      try {
        const subscribers = async () => Number((await redis.client.pubsub('NUMSUB', channel()))[1]);
        const before = await subscribers();
        const listener = await listen(three);
        await eventually(async () => (await subscribers()) === before + 1);
        listener.close();
        await eventually(async () => (await subscribers()) === before);
      } finally {
        await three.close();
      }
    },
    LONG,
  );
});
