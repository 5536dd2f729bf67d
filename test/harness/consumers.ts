// Consumers to test with: in the process of a test, or (as a program on the product's libs) in one of their own that can be killed. Node runs
// that as it stands, so its decorators are called by hand.
import 'reflect-metadata';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigModule, loadEnv } from '#config';
import { DatabaseModule, execute, Prisma, rows, type Tx } from '#database';
import { Consumes, event, EventsModule, type Published } from '#events';
import { JobRunner, JobsModule } from '#jobs';
import { RedisModule } from '#redis';
import { createLogger, currentOrigin, Logger, TelemetryModule } from '#telemetry';
import { IsInt, IsOptional, IsString } from 'class-validator';
import { setTimeout as sleep } from 'node:timers/promises';

/** What has happened, and what it makes of its consumers. */
export class Happening {
  /** Its number among those of its resource. */
  declare n: number;
  /** Its consumers fail while the table `poison` has this word. */
  declare poison?: string;
  /** Its consumers take so long. */
  declare ms?: number;
}
IsInt()(Happening.prototype, 'n');
IsString()(Happening.prototype, 'poison');
IsOptional()(Happening.prototype, 'poison');
IsInt()(Happening.prototype, 'ms');
IsOptional()(Happening.prototype, 'ms');

export const happened = event('thing.happened', {
  version: 1,
  payload: Happening,
  description: 'Something was tested.',
  visibleTo: ['subject', 'things:read'],
});
export const elsewhere = event('place.changed', { version: 1, payload: Happening, description: '', visibleTo: ['everyone'] });

/** The tables that tell what consumers did: without any constraint, so that doing it twice shows. */
export const TABLES = `CREATE TABLE effects (consumer text, event_id uuid, resource text, n int, pid int, request_id text, at timestamptz DEFAULT clock_timestamp());
  CREATE TABLE poison (word text)`;

async function write(consumer: string, { id, resource, payload }: Published<Happening>, db: Tx): Promise<void> {
  await execute(
    db,
    Prisma.sql`INSERT INTO effects (consumer, event_id, resource, n, pid, request_id)
      VALUES (${consumer}, ${id}::uuid, ${resource.id}, ${payload.n}, ${process.pid}, ${currentOrigin()?.requestId ?? null})`,
  );
  if (payload.ms !== undefined) await sleep(payload.ms);
  if ((await rows(db, Prisma.sql`SELECT FROM poison WHERE word = ${payload.poison ?? null}`)).length > 0)
    throw new Error(`poison in ${payload.n}`);
}

const consumes = (name: string, type: { prototype: object }, ...events: [typeof happened, ...(typeof elsewhere)[]]) =>
  Consumes(name, ...events)(type.prototype, 'hear', Object.getOwnPropertyDescriptor(type.prototype, 'hear')!);

export class Recorder {
  hear(event: Published<Happening>, db: Tx): Promise<void> {
    return write('test.recorder', event, db);
  }
}
consumes('test.recorder', Recorder, happened);

/** Consumes more, and is not there from the beginning. */
export class Latecomer {
  hear(event: Published<Happening>, db: Tx): Promise<void> {
    return write('test.latecomer', event, db);
  }
}
consumes('test.latecomer', Latecomer, happened, elsewhere);

/** The part of an application that events need. */
export async function startConsumers(
  settings: Partial<Record<string, string>>,
  consumers: (new () => object)[] = [Recorder],
): Promise<INestApplicationContext> {
  const env = loadEnv({ ...settings });
  const imports = [ConfigModule.of(env), TelemetryModule.of(createLogger(env)), DatabaseModule, RedisModule, JobsModule, EventsModule];
  const part = class Part {};
  return NestFactory.createApplicationContext({ module: part, imports, providers: consumers }, { logger: false, abortOnError: false });
}

/** The file of this program, for `startProcess`. */
export const CONSUMERS = import.meta.filename;

// In Jest nobody is the main module.
if (import.meta.main) {
  const context = await startConsumers(process.env);
  process.once('SIGTERM', () => {
    void (async () => {
      await context.get(JobRunner).stop();
      await context.close();
      process.exit(0);
    })();
  });
  setInterval(() => undefined, 60_000); // nothing else keeps it alive
  context.get(Logger).info({ url: 'http://127.0.0.1:1' }, 'listening');
}
