import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigModule, loadEnv } from '#config';
import { DatabaseModule, PrismaService, Signals, signalSparingly, transaction } from '#database';
import { createLogger, TelemetryModule } from '#telemetry';
import { createDatabase, type TestDatabase } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { unique } from './harness/people.js';
import { testSettings } from './harness/run.js';

let database: TestDatabase;
let one: INestApplicationContext;
let two: INestApplicationContext;

/** As much of a process as signals need. */
function join(): Promise<INestApplicationContext> {
  const env = loadEnv(testSettings(database.url));
  class Part {}
  const imports = [ConfigModule.of(env), TelemetryModule.of(createLogger(env)), DatabaseModule];
  return NestFactory.createApplicationContext({ module: Part, imports }, { logger: false });
}

function heardOf(topic: string, at = two): string[] {
  const heard: string[] = [];
  at.get(Signals).on(topic, (key) => heard.push(key));
  return heard;
}

beforeAll(async () => {
  database = await createDatabase();
  one = await join();
  two = await join();
});
afterAll(async () => {
  await one?.close();
  await two?.close();
  await database?.drop();
});

describe('signals that are sent sparingly', () => {
  it('go out at once after a pause, and then together, each key once', async () => {
    const topic = unique();
    const [here, there] = [heardOf(topic, one), heardOf(topic)];
    const signals = one.get(Signals);
    signals.sendSparingly(topic, ['a', 'b']);
    for (let time = 0; time < 100; time++) signals.sendSparingly(topic, ['b', 'c']);
    expect(here).toEqual(['a', 'b']);
    await eventually(() => there.includes('c'));
    expect(there).toEqual(['a', 'b', 'b', 'c']);
    expect(new Set(here)).toEqual(new Set(['a', 'b', 'c']));
  });

  it('do not keep those of another topic waiting', () => {
    const [often, other] = [unique(), unique()];
    const here = heardOf(other, one);
    one.get(Signals).sendSparingly(often, ['x']);
    one.get(Signals).sendSparingly(other, ['y']);
    expect(here).toEqual(['y']);
  });

  it('tell of what is committed, not of what is undone', async () => {
    const topic = unique();
    const there = heardOf(topic);
    const prisma = one.get(PrismaService);
    const undone = transaction(prisma, async (db) => {
      signalSparingly(db, topic, 'undone');
      throw new Error('no');
    });
    await expect(undone).rejects.toThrow('no');
    await transaction(prisma, async (db) => signalSparingly(db, topic, 'done'));
    await eventually(() => there.length > 0);
    expect(there).toEqual(['done']);
  });

  it('go out before their process ends', async () => {
    const topic = unique();
    const there = heardOf(topic);
    const leaving = await join();
    leaving.get(Signals).sendSparingly(topic, ['first']);
    leaving.get(Signals).sendSparingly(topic, ['last']);
    await leaving.close();
    await eventually(() => there.includes('last'));
    expect(there).toEqual(['first', 'last']);
  });

  it('have short keys', () => {
    const signals = one.get(Signals);
    expect(() => signals.sendSparingly('topic', ['x'.repeat(61)])).toThrow('at most 60 characters');
  });
});
