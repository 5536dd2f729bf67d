/** @loaded-apart It defines events. */
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
const BACKLOG = 500;
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
    const done = async () => (await query<{ count: number }>(database.url, 'SELECT count(*)::int AS count FROM effects'))[0]!.count;
    let rounds = 0;
    let killing = true;
    const publishing = (async () => {
      while (killing) {
        rounds++;
        for (const thing of things)
          await publish(prisma, happened, { n: rounds, ms: 20 }, { actor: null, resource: { type: 'thing', id: thing } });
        // There is always something to do when a process dies, and never more than is soon done afterwards.
        await eventually(async () => !killing || rounds * THINGS - (await done()) < BACKLOG, LONG);
      }
    })();
    for (let kill = 0; kill < KILLS; kill++) {
      const before = await done();
      await eventually(async () => (await done()) > before, LONG);
      await workers[kill % 2]!.stop('SIGKILL');
      workers[kill % 2] = await startProcess({ databaseUrl: database.url, program: CONSUMERS });
    }
    killing = false;
    await publishing;
    await eventually(async () => (await done()) >= THINGS * rounds, LONG);
    const effects = await query<{ resource: string; n: number }>(database.url, 'SELECT resource, n FROM effects ORDER BY at');
    const inOrder = Array.from({ length: rounds }, (_, index) => index + 1);
    for (const thing of things) expect(effects.filter(({ resource }) => resource === thing).map(({ n }) => n)).toEqual(inOrder);
    expect(await query(database.url, `SELECT FROM event_deliveries WHERE status <> 'done'`)).toEqual([]);
  });
});
