// `npm run bench:streams`: how soon, for how many and at what cost event streams tell what happens. docs/operate.md says what the figures mean.
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { INestApplication } from '@nestjs/common';
import { Env, loadEnv } from '#config';
import { PrismaService } from '#database';
import { eventCatalogue, publish } from '#events';
import { KeyRing } from '#security';
import { createLogger } from '#telemetry';
import type { Logger } from 'pino';
import { keepReport, makeEmptyDatabase, PRODUCT, Program, query, settingsFor, startRedis, startServer, table } from './world.ts';

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '1,100,2000' },
    events: { type: 'string', default: '60' },
    redis: { type: 'boolean', default: false },
  },
});
const sizes = options.connections.split(',').map(Number);
const events = Number(options.events);
const most = Math.max(...sizes);
const STREAMS_OF_EACH = 20;
const PAUSE_MS = 150;

const quantile = (values: number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]!;

/** When each event was published, by its resource. */
const published = new Map<string, number>();

/** One connection with an event stream on it: as little as can tell when an event came. */
class Listener {
  readonly delays: number[] = [];
  private readonly socket: Socket;
  private rest = '';

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  static async open(url: string, token: string): Promise<Listener> {
    const { hostname, port, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    const listener = new Listener(socket);
    await new Promise<void>((resolve, reject) => {
      socket.setEncoding('latin1').on('data', (chunk) => {
        listener.hear(String(chunk), performance.now());
        resolve();
      });
      socket.once('error', reject);
      socket.write(`GET /api/v1/events/stream HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    });
    return listener;
  }

  private hear(chunk: string, now: number): void {
    const blocks = (this.rest + chunk).split('\n\n');
    this.rest = blocks.pop()!;
    for (const block of blocks) {
      const at = published.get(/"resource":\{"type":"post","id":"([^"]+)"/.exec(block)?.[1] ?? '');
      if (at !== undefined) this.delays.push(now - at);
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

/** People without a password, each with sessions of their own. */
async function tokens(publisher: INestApplication, databaseUrl: string, count: number): Promise<string[]> {
  const people = Math.ceil(count / STREAMS_OF_EACH);
  const sessions = await query<{ id: string; user: string }>(
    databaseUrl,
    `WITH people AS (
      INSERT INTO users (id, email, name, roles, updated_at) SELECT gen_random_uuid(), 'u' || n || '@example.org', 'U', '{customer}', now()
      FROM generate_series(1, ${people}) n RETURNING id
    )
    INSERT INTO sessions (id, user_id, refresh_hash, ip, user_agent, expires_at)
    SELECT gen_random_uuid(), id, '\\x00', '127.0.0.1', 'bench', now() + interval '1 day' FROM people, generate_series(1, ${STREAMS_OF_EACH}) RETURNING id, user_id AS "user"`,
  );
  const keys = publisher.get(KeyRing);
  return Promise.all(sessions.slice(0, count).map(({ id, user }) => keys.sign({ sub: user, sid: id })));
}

async function connectAll(url: string, credentials: string[]): Promise<Listener[]> {
  const listeners: Listener[] = [];
  for (let from = 0; from < credentials.length; from += 50)
    listeners.push(...(await Promise.all(credentials.slice(from, from + 50).map((token) => Listener.open(url, token)))));
  return listeners;
}

async function measure(prisma: PrismaService, count: number, listeners: Listener[]): Promise<number[]> {
  const kind = eventCatalogue().get('post.published')!;
  for (const listener of listeners) listener.delays.length = 0;
  for (let sent = 0; sent < count; sent++) {
    const id = randomUUID();
    published.set(id, performance.now());
    const at = new Date().toISOString();
    await publish(prisma, kind, { postId: id, authorId: id, publishedAt: at }, { actor: null, resource: { type: 'post', id } });
    await sleep(PAUSE_MS * (0.5 + Math.random()));
  }
  const deadline = performance.now() + 20_000;
  while (listeners.some(({ delays }) => delays.length < count)) {
    if (performance.now() > deadline) throw new Error('Some events did not come.');
    await sleep(20);
  }
  return listeners.flatMap(({ delays }) => delays);
}

const server = await startServer();
const databaseUrl = await makeEmptyDatabase(server, 'streams');
const redis = options.redis ? await startRedis() : undefined;
const settings = { ...settingsFor(databaseUrl), ...(redis && { REDIS_URL: redis.url }) };
const worker = await Program.start(PRODUCT, { ...settings, ROLE: 'worker' });
const serving = await Program.start(PRODUCT, { ...settings, ROLE: 'api' });
const env = loadEnv({ ...settings, ROLE: 'api', LOG_LEVEL: 'silent' });
const { createApp } = (await import(pathToFileURL(join(import.meta.dirname, '../dist/src/app.setup.js')).href)) as {
  createApp: (env: Readonly<Env>, logger: Logger) => Promise<INestApplication>;
};
const publisher = await createApp(env, createLogger(env));
try {
  const prisma = publisher.get(PrismaService);
  const credentials = await tokens(publisher, databaseUrl, most);
  const warm = await connectAll(serving.url, credentials.slice(0, 50));
  await measure(prisma, 20, warm);
  for (const listener of warm) listener.close();
  await sleep(2_000);
  const before = serving.rssMb();
  const rows: string[][] = [];
  for (const size of sizes) {
    const listeners = await connectAll(serving.url, credentials.slice(0, size));
    await sleep(2_000);
    const opened = serving.rssMb() - before;
    const [idleFrom, idleAt] = [serving.cpuMs(), performance.now()];
    await sleep(5_000);
    const idle = (serving.cpuMs() - idleFrom) / (performance.now() - idleAt);
    const cpu = serving.cpuMs();
    const began = performance.now();
    const delays = await measure(prisma, events, listeners);
    const busy = serving.cpuMs() - cpu - idle * (performance.now() - began);
    rows.push([
      String(size),
      quantile(delays, 0.5).toFixed(1),
      quantile(delays, 0.99).toFixed(1),
      opened.toFixed(0),
      (serving.rssMb() - before).toFixed(0),
      `${(idle * 100).toFixed(1)} %`,
      ((busy * 1_000) / (events * size)).toFixed(0),
    ]);
    console.log(rows.at(-1)!.join('  '));
    for (const listener of listeners) listener.close();
    await sleep(1_000);
  }
  const head = ['connections', 'p50, ms', 'p99, ms', 'MB more, open', 'MB more, after the events', 'CPU while idle', 'CPU a delivery, µs'];
  const report = table(head, rows);
  console.log(`\n${report}`);
  await keepReport(
    'bench:streams',
    `${events} events that everybody may see, about ${PAUSE_MS} ms apart; published, placed and streamed by three processes${redis ? ', with Redis' : ''}.`,
    report,
  );
} finally {
  await publisher.close();
  await serving.stop();
  await worker.stop();
  redis?.child.kill('SIGKILL');
  await server.stop();
}
process.exit();
