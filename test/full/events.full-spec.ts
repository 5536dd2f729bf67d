import { randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrismaService } from '#database';
import { publish } from '#events';
import { CONSUMERS, happened, Recorder, startConsumers, TABLES } from '../harness/consumers.js';
import { createDatabase, query, type TestDatabase } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { type Product, startProcess, stopProcesses } from '../harness/product.js';
import { testSettings } from '../harness/run.js';

const THINGS = 25;
const EVENTS_EACH = 40;
const KILLS = 6;
const LONG = 300_000;

let database: TestDatabase;
let publisher: INestApplicationContext;

beforeAll(async () => {
  database = await createDatabase();
  await query(database.url, TABLES);
  publisher = await startConsumers({ ...testSettings(database.url), ROLE: 'api' }, [Recorder]);
}, LONG);

afterAll(async () => {
  await stopProcesses();
  await publisher.close();
  await database.drop();
});

describe('consumers whose processes are killed again and again', () => {
  it('do each thing once, and of each resource in its order', async () => {
    const things = Array.from({ length: THINGS }, () => randomUUID());
    const prisma = publisher.get(PrismaService);
    const workers: Product[] = await Promise.all([0, 1].map(() => startProcess({ databaseUrl: database.url, program: CONSUMERS })));
    const publishing = (async () => {
      for (let n = 1; n <= EVENTS_EACH; n++)
        for (const thing of things) await publish(prisma, happened, { n, ms: 20 }, { actor: null, resource: { type: 'thing', id: thing } });
    })();
    const done = async () => (await query<{ count: number }>(database.url, 'SELECT count(*)::int AS count FROM effects'))[0]!.count;
    for (let kill = 0; kill < KILLS; kill++) {
      const before = await done();
      if (before === THINGS * EVENTS_EACH) throw new Error(`Everything was done after ${kill} kills: there is too little to do.`);
      await eventually(async () => (await done()) > before, LONG);
      await workers[kill % 2]!.stop('SIGKILL');
      workers[kill % 2] = await startProcess({ databaseUrl: database.url, program: CONSUMERS });
    }
    await publishing;
    await eventually(async () => (await done()) >= THINGS * EVENTS_EACH, LONG);
    const effects = await query<{ resource: string; n: number }>(database.url, 'SELECT resource, n FROM effects ORDER BY at');
    const inOrder = Array.from({ length: EVENTS_EACH }, (_, index) => index + 1);
    for (const thing of things) expect(effects.filter(({ resource }) => resource === thing).map(({ n }) => n)).toEqual(inOrder);
    expect(await query(database.url, `SELECT FROM event_deliveries WHERE status <> 'done'`)).toEqual([]);
  });
});
