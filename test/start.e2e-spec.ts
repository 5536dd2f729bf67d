import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigModule, loadEnv } from '#config';
import { DatabaseModule } from '#database';
import { createEdge } from '#http';
import { type Permission, Public, Requires, SecurityModule } from '#security';
import { createLogger, NestLogger, TelemetryModule } from '#telemetry';
import pg from 'pg';
import type { PostResponse } from '../src/posts/posts.dto.js';
import { startApp, type TestApp } from './harness/app.js';
import { createDatabase, query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { aUser, unique } from './harness/people.js';
import { type Product, runProcess, startProcess, stopProcesses } from './harness/product.js';
import { testSettings } from './harness/run.js';

let app: TestApp;

beforeAll(async () => {
  app = await startApp();
}, 60_000);

afterAll(async () => {
  await stopProcesses();
  await app.close();
});

describe('a start in production', () => {
  const signingKey = () =>
    Buffer.from(generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })).toString('base64');
  const settings = (databaseUrl = app.databaseUrl): Record<string, string> => ({
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: '0',
    PUBLIC_URL: 'https://api.example.com',
    DATABASE_URL: databaseUrl,
    JWT_PRIVATE_KEYS: signingKey(),
    ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    SHUTDOWN_DRAIN_SECONDS: '0',
  });

  /** Ends with code 1, and with nothing but sentences for the operator. */
  async function refusal(env: Record<string, string | undefined>): Promise<string> {
    const { code, signal, output } = await runProcess(env);
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(output).not.toMatch(/^\s+at |node:internal|node_modules/m);
    return output;
  }

  it('succeeds with what it must be given, and says nothing of it', async () => {
    const env = settings();
    const product = await startProcess({ databaseUrl: app.databaseUrl, env });
    expect((await product.request('GET', '/health/ready')).status).toBe(200);
    const { headers, body } = await product.request('GET', 'users/me');
    expect(body.type).toBe('https://api.example.com/problems/auth/unauthenticated');
    expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8}/);
    expect((await product.request('GET', '/docs')).status).toBe(401);
    expect(await product.stop()).toEqual({ code: 0, signal: null });
    for (const secret of [env.JWT_PRIVATE_KEYS!, env.ENCRYPTION_KEYS!, new URL(app.databaseUrl).password])
      expect(product.output()).not.toContain(secret);
  });

  it('is refused in one message that names everything that is missing', async () => {
    const output = await refusal({ NODE_ENV: 'production' });
    for (const name of ['PUBLIC_URL', 'DATABASE_URL', 'JWT_PRIVATE_KEYS', 'ENCRYPTION_KEYS']) expect(output).toContain(name);
  });

  it('is refused with secrets that are samples or too short, which it does not repeat', async () => {
    const bad = {
      JWT_PRIVATE_KEYS: Buffer.from('change-me-please').toString('base64'),
      ENCRYPTION_KEYS: Buffer.alloc(32, 'changeme').toString('base64'),
      PUBLIC_URL: 'api.example.com/secret-place',
    };
    const output = await refusal({ ...settings(), ...bad });
    for (const [name, value] of Object.entries(bad)) {
      expect(output).toContain(`${name} must be`.replace('PUBLIC_URL must be', 'PUBLIC_URL'));
      expect(output).not.toContain(value);
    }
    expect(output).not.toContain('DATABASE_URL');
    const short = randomBytes(16).toString('base64');
    const again = await refusal({ ...settings(), ENCRYPTION_KEYS: short });
    expect(again).toContain('ENCRYPTION_KEYS');
    expect(again).not.toContain(short);
  });

  it('is refused on a database with demo accounts', async () => {
    const database = await createDatabase();
    try {
      await query(
        database.url,
        `INSERT INTO users (id, email, name, roles, updated_at) VALUES (gen_random_uuid(), 'admin@example.com', 'Admin', '{admin}', now())`,
      );
      const output = await refusal(settings(database.url));
      expect(output).toMatch(/demo account/i);
      expect(output).toContain('admin@example.com');
      expect(output).not.toContain('four calm otters at dawn');
    } finally {
      await database.drop();
    }
  });

  it('waits for a database that cannot be reached yet: live, and not ready', async () => {
    const url = new URL(app.databaseUrl);
    url.port = '1';
    const product = await startProcess({ databaseUrl: url.href, env: settings(url.href) });
    expect((await product.request('GET', '/health/live')).status).toBe(200);
    expect(await product.request('GET', '/health/ready')).toMatchObject({ status: 503, body: { code: 'http/unavailable' } });
    expect(await product.stop()).toEqual({ code: 0, signal: null });
    expect(product.output()).not.toContain(url.password);
  });
});

describe('a start without npm', () => {
  it('is refused without a database, with the way out', async () => {
    const { code, output } = await runProcess({ NODE_ENV: 'development', PORT: '0' });
    expect(code).toBe(1);
    expect(output).toMatch(/DATABASE_URL is not set/);
    expect(output).toContain('npm start');
    expect(output).not.toMatch(/^\s+at /m);
  });

  it('on a port that is in use is refused in one sentence, with the way out', async () => {
    const product = await startProcess({ databaseUrl: app.databaseUrl });
    const { port } = new URL(product.url);
    const { code, output } = await runProcess({ ...testSettings(app.databaseUrl), PORT: port });
    expect(code).toBe(1);
    expect(output.trim().split('\n')).toEqual([expect.stringMatching(new RegExp(`^Port ${port} is in use .* PORT=\\d+ npm start$`))]);
    expect((await product.request('GET', '/health/ready')).status).toBe(200);
    await product.stop('SIGKILL');
  });
});

describe('a start by a Node that is too old', () => {
  /** Says of the first process that it is older than it is; the one that takes over is told from it by its arguments. */
  const old = `data:text/javascript,process.execArgv.join().includes('SIGKILL')||Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})`;
  const start = () => startProcess({ databaseUrl: app.databaseUrl, env: { NODE_OPTIONS: `--import=${old}`, SHUTDOWN_DRAIN_SECONDS: '0' } });

  it('hands over to the Node of the project, and passes on what it is told', async () => {
    const product = await start();
    expect(product.log.find(({ msg }) => msg === 'listening')!.pid).not.toBe(product.pid);
    expect((await product.request('GET', '/health/ready')).status).toBe(200);
    expect(await product.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(product.log.map(({ msg }) => msg)).toContain('stopped');
  });

  it('leaves nothing behind when it is killed', async () => {
    const product = await start();
    await product.stop('SIGKILL');
    expect(
      await eventually(
        () =>
          fetch(`${product.url}/health/live`).then(
            () => false,
            () => true,
          ),
        10_000,
      ),
    ).toBe(true);
  });
});

describe('a process that is told to stop', () => {
  /** Holds a user's row, so that a request which changes it cannot finish before `release`. */
  async function hold(userId: string): Promise<{ release: () => Promise<void>; wanted: () => Promise<boolean> }> {
    const client = new pg.Client({ connectionString: app.databaseUrl });
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT id FROM users WHERE id = $1 FOR UPDATE', [userId]);
    return {
      wanted: async () =>
        (await query(app.databaseUrl, `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`))
          .length > 0,
      release: async () => {
        await client.query('COMMIT');
        await client.end();
      },
    };
  }

  const isClosed = (product: Product) =>
    eventually(() =>
      product.request('GET', '/health/live', { headers: { connection: 'close' } }).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
      ),
    );

  it('by SIGTERM says that it is not ready, answers everybody until balancers have noticed, and ends well', async () => {
    const product = await startProcess({ databaseUrl: app.databaseUrl, env: { SHUTDOWN_DRAIN_SECONDS: '2' } });
    const person = await aUser(app);
    const statuses: number[] = [];
    let noticed = false;
    const caller = async () => {
      while (!noticed) statuses.push((await product.request('GET', 'users/me', { token: person.accessToken })).status);
    };
    const load = Promise.all(Array.from({ length: 8 }, caller));
    await eventually(() => statuses.length > 50);
    process.kill(product.pid, 'SIGTERM');
    const unready = await eventually(async () => {
      const answer = await product.request('GET', '/health/ready');
      return answer.status === 503 && answer;
    });
    expect(unready).toMatchObject({ body: { code: 'http/unavailable' }, headers: { 'retry-after': expect.any(String) } });
    const before = statuses.length;
    await eventually(() => statuses.length > before + 50);
    expect((await product.request('GET', '/health/live')).status).toBe(200);
    noticed = true;
    await load;
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await product.exited).toEqual({ code: 0, signal: null });
    expect(product.log.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['stopping', 'stopped']));
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('by %s finishes the requests that run, and takes no new ones', async (signal) => {
    const product = await startProcess({ databaseUrl: app.databaseUrl });
    const person = await aUser(app);
    const lock = await hold(person.id);
    const running = product.request('PATCH', 'users/me', { token: person.accessToken, body: { name: 'Finished' } });
    await eventually(lock.wanted);
    process.kill(product.pid, signal);
    await isClosed(product);
    await lock.release();
    expect(await running).toMatchObject({ status: 200, body: { name: 'Finished' } });
    expect(await product.exited).toEqual({ code: 0, signal: null });
  });

  it('by Ctrl-C does not wait for balancers', async () => {
    const product = await startProcess({ databaseUrl: app.databaseUrl, env: { SHUTDOWN_DRAIN_SECONDS: '25' } });
    expect((await product.request('GET', '/health/ready')).status).toBe(200);
    const began = performance.now();
    expect(await product.stop('SIGINT')).toEqual({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('is not held up by connections on which nobody asks', async () => {
    const product = await startProcess({ databaseUrl: app.databaseUrl });
    await Promise.all(Array.from({ length: 5 }, () => product.request('GET', '/health/live')));
    process.kill(product.pid, 'SIGTERM');
    expect(await product.exited).toEqual({ code: 0, signal: null });
  });
});

describe('a process that is killed', () => {
  it('has kept everything it acknowledged', async () => {
    const product = await startProcess({ databaseUrl: app.databaseUrl });
    const person = await aUser(app);
    const mark = unique();
    const acknowledged: string[] = [];
    const writer = async (name: number) => {
      for (let count = 0; ; count++) {
        const answer = await product
          .request<PostResponse>('POST', 'posts', {
            token: person.accessToken,
            body: { title: `Killed ${mark} ${name} ${count}`, body: 'Written.' },
          })
          .catch(() => null);
        if (answer === null) return;
        expect(answer.status).toBe(201);
        acknowledged.push(answer.body.id);
      }
    };
    const writers = Promise.all(Array.from({ length: 8 }, (_, name) => writer(name)));
    await eventually(() => acknowledged.length >= 60);
    process.kill(product.pid, 'SIGKILL');
    await writers;
    const kept = await app.prisma.post.findMany({ where: { authorId: person.id }, select: { id: true } });
    expect(kept.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged));
    expect(kept.length - acknowledged.length).toBeLessThanOrEqual(8);
  });
});

describe('the start-up check of routes', () => {
  @Controller('forgotten')
  class ForgottenController {
    @Get()
    @Public()
    open(): object {
      return {};
    }

    @Get('door')
    door(): object {
      return {};
    }
  }

  @Controller('declared')
  class DeclaredController {
    @Get()
    @Public()
    open(): object {
      return {};
    }

    @Get('known')
    @Requires('things:read')
    known(): object {
      return {};
    }
  }

  @Controller('misspelt')
  class MisspeltController {
    @Get()
    @Requires('thigns:read')
    misspelt(): object {
      return {};
    }
  }

  async function start(...controllers: (new () => object)[]): Promise<void> {
    const env = loadEnv(testSettings(app.databaseUrl));
    const logger = createLogger(env);
    @Module({
      controllers,
      imports: [ConfigModule.of(env), TelemetryModule.of(logger), DatabaseModule, SecurityModule.of(new Set<Permission>(['things:read']))],
    })
    class SmallModule {}
    const small = await NestFactory.create(SmallModule, createEdge(env, logger), {
      logger: new NestLogger(logger),
      bodyParser: false,
      abortOnError: false,
    });
    try {
      await small.init();
    } finally {
      await small.close();
    }
  }

  it('lets routes pass that say who may call them', async () => {
    await expect(start(DeclaredController)).resolves.toBeUndefined();
  });

  it('stops a start with a route that says nothing, and names it', async () => {
    await expect(start(DeclaredController, ForgottenController)).rejects.toThrow(
      /ForgottenController\.door does not say who may call it: add @Requires/,
    );
    await expect(start(ForgottenController)).rejects.not.toThrow(/ForgottenController\.open/);
  });

  it('stops a start with a permission that no role has', async () => {
    await expect(start(MisspeltController)).rejects.toThrow(/MisspeltController\.misspelt requires thigns:read, which no role has/);
  });
});
