import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually } from './eventually.js';

/** A real Redis on a port of its own, for a test to do to it what happens to servers. */
export interface RedisServer {
  url: string;
  client: Redis;
  /** Stops it in the midst of what it does; connections stay, nobody answers. */
  freeze(): void;
  thaw(): void;
  /** Kills it at once. */
  kill(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const installed = await promisify(execFile)('redis-server', ['--version']).then(
  () => true,
  () => false,
);

/** A `describe` that is skipped where there is no redis-server, unless `REQUIRE_REDIS` says that there has to be one. */
export function describeWithRedis(name: string, tests: () => void): void {
  (installed || process.env.REQUIRE_REDIS !== undefined ? describe : describe.skip)(name, tests);
}
if (!installed)
  process.stderr.write('There is no redis-server here, so the tests that need one are skipped: apt-get install redis-server\n');

export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'ashlar-redis-'));
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => undefined); // what becomes of the server is the test's affair
  let child: ChildProcess;
  const start = async () => {
    child = spawn('redis-server', settings, { stdio: 'ignore' });
    await once(child, 'spawn');
    if (client.status === 'wait') await client.connect().catch(() => undefined); // it is tried again
    await eventually(async () => (await client.ping()) === 'PONG');
  };
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}/0`,
    client,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    restart: async () => {
      await kill();
      await start();
    },
    close: async () => {
      client.disconnect();
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
