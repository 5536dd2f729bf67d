// A process with jobs, events and audit entries of the bench's own, on the product's libs; `npm run bench:jobs` starts it. Its decorators are called by hand,
// because Node runs it as it stands. Says over IPC what started when.
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { audited, AuditLogModule, record, Sealer, Verifier } from '#audit';
import { ConfigModule, loadEnv } from '#config';
import { DatabaseModule, execute, Prisma, PrismaService, transaction } from '#database';
import { Consumes, event, EventsModule, publish, type Published } from '#events';
import { enqueue, FinalFailure, Handles, job, JobRunner, type JobRun, JobsModule } from '#jobs';
import { RedisModule } from '#redis';
import { createLogger, TelemetryModule } from '#telemetry';
import { IsNumber } from 'class-validator';

class Stamp {
  at!: number;
}
IsNumber()(Stamp.prototype, 'at');

const now = () => performance.timeOrigin + performance.now();

const noop = job('bench.noop', Stamp);
const stamp = job('bench.stamp', Stamp);
const failing = job('bench.failing', Stamp);
const final = job('bench.final', Stamp);
const hanging = job('bench.hanging', Stamp, { timeoutSeconds: 5, maxAttempts: 1 });
const deaf = job('bench.deaf', Stamp, { timeoutSeconds: 5, maxAttempts: 1 });

const heard = event('bench.heard', { version: 1, payload: Stamp, description: 'The bench said something.', visibleTo: [] });
const auditedRow = audited('bench-row', { title: 'personal', state: 'plain' });

let done = 0;

class Work {
  async noop(): Promise<void> {
    done++;
  }

  async stamp({ at }: Stamp): Promise<void> {
    process.send!({ delay: now() - at });
  }

  async failing(): Promise<void> {
    throw new Error('poison');
  }

  async final(): Promise<void> {
    throw new FinalFailure('poison');
  }

  async hanging(_: Stamp, { signal }: JobRun): Promise<void> {
    await sleep(60_000, undefined, { signal });
  }

  async deaf(): Promise<void> {
    await sleep(60_000, undefined, { ref: false });
  }

  async hear({ payload }: Published<Stamp>): Promise<void> {
    process.send!({ delay: now() - payload.at });
  }
}
Consumes('bench.hearer', heard)(Work.prototype, 'hear', Object.getOwnPropertyDescriptor(Work.prototype, 'hear')!);

const jobs = { noop, stamp, failing, final, hanging, deaf };
for (const [name, definition] of Object.entries(jobs))
  Handles(definition)(Work.prototype, name, Object.getOwnPropertyDescriptor(Work.prototype, name)!);

class Root {}

const env = loadEnv();
const app = await NestFactory.createApplicationContext(
  {
    module: Root,
    imports: [
      ConfigModule.of(env),
      TelemetryModule.of(createLogger(env)),
      DatabaseModule,
      RedisModule,
      JobsModule,
      EventsModule,
      AuditLogModule,
    ],
    providers: [{ provide: Work, useFactory: () => new Work() }],
  },
  { logger: false, abortOnError: false },
);
const prisma = app.get(PrismaService);

/** Does so much from 16 callers at once; milliseconds. */
async function sixteen(count: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let left = count;
  const caller = async () => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: 16 }, caller));
  return performance.now() - began;
}

const actor = { id: randomUUID() };

/** What the bench may ask of this process. */
const COMMANDS = {
  /** Enqueues one job, and says when that was committed. */
  enqueue: (name: keyof typeof jobs) => enqueue(prisma, jobs[name], { at: now() }),
  publish: () => publish(prisma, heard, { at: now() }, { actor: null, resource: { type: 'bench', id: randomUUID() } }),
  /** Enqueues so many, each in a transaction with a row of its own. */
  load: (count: number) =>
    sixteen(count, () =>
      transaction(prisma, async (db) => {
        await execute(db, Prisma.sql`INSERT INTO bench_rows DEFAULT VALUES`);
        await enqueue(db, noop, { at: now() });
      }),
    ),
  /** Writes so many entries into the audit log, and seals them. */
  audit: async (count: number) => {
    const written = await sixteen(count, () => {
      const after = { title: 'On the engine', state: 'draft' };
      return record(prisma, { actor, action: 'bench.written', resource: auditedRow(randomUUID()), subject: actor.id, after });
    });
    const began = performance.now();
    const sealed = await app.get(Sealer).seal();
    return { written, sealed, sealing: performance.now() - began };
  },
  /** Verifies the whole log. */
  verify: async () => {
    const began = performance.now();
    const { verified, entries } = await app.get(Verifier).verify();
    return { verified, entries, took: performance.now() - began };
  },
  done: async () => done,
  stop: async () => {
    await app.get(JobRunner).stop();
    await app.close();
  },
};

process.on('message', ({ id, command, argument }: { id: number; command: keyof typeof COMMANDS; argument: never }) => {
  void COMMANDS[command](argument).then((answer) => process.send!({ id, answer }, () => command === 'stop' && process.exit(0)));
});
process.once('disconnect', () => process.exit(1));
process.send!({ ready: true });
