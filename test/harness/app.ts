import type { Type } from '@nestjs/common';
import { loadEnv } from '#config';
import { PrismaService } from '#database';
import { createLogger } from '#telemetry';
import { createApp } from '../../src/app.setup.js';
import { Client } from './client.js';
import { createDatabase } from './database.js';
import { testSettings } from './run.js';

/** The real application, listening in this process on a database of its own. */
export interface TestApp extends Pick<Client, 'request' | 'raw' | 'url'> {
  databaseUrl: string;
  prisma: PrismaService;
  get<T>(service: Type<T> | (abstract new (...args: never[]) => T)): T;
  /** Stops it and drops the database that was made for it. */
  close(): Promise<void>;
}

/** Starts the application; `settings` go over those of `testSettings`. With a `DATABASE_URL` it joins others on that database. */
export async function startApp(settings: Partial<Record<string, string>> = {}): Promise<TestApp> {
  const own = settings.DATABASE_URL === undefined ? await createDatabase() : undefined;
  const databaseUrl = own?.url ?? settings.DATABASE_URL!;
  const env = loadEnv({ ...testSettings(databaseUrl), ...settings });
  const app = await createApp(env, createLogger(env));
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  const client = new Client(`http://127.0.0.1:${port}`);
  return {
    url: client.url,
    request: client.request,
    raw: client.raw,
    databaseUrl,
    prisma: app.get(PrismaService),
    get: (service) => app.get(service),
    close: async () => {
      client.close();
      await app.close();
      await own?.drop();
    },
  };
}
