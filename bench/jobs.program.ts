// A process with jobs of the bench's own, on the product's libs; `npm run bench:jobs` starts it. Its decorators are called by hand,
// because Node runs it as it stands. Says over IPC what started when.
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { ConfigModule, loadEnv } from '#config';
import { DatabaseModule, execute, Prisma, PrismaService, transaction } from '#database';
import { enqueue, FinalFailure, Handles, job, JobRunner, type JobRun, JobsModule } from '#jobs';
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
}

const jobs = { noop, stamp, failing, final, hanging, deaf };
for (const [name, definition] of Object.entries(jobs))
  Handles(definition)(Work.prototype, name, Object.getOwnPropertyDescriptor(Work.prototype, name)!);

class Root {}

const env = loadEnv();
const app = await NestFactory.createApplicationContext(
  {
    module: Root,
    imports: [ConfigModule.of(env), TelemetryModule.of(createLogger(env)), DatabaseModule, JobsModule],
    providers: [{ provide: Work, useFactory: () => new Work() }],
  },
  { logger: false, abortOnError: false },
);
const prisma = app.get(PrismaService);

/** What the bench may ask of this process. */
const COMMANDS = {
  /** Enqueues one job, and says when that was committed. */
  enqueue: (name: keyof typeof jobs) => enqueue(prisma, jobs[name], { at: now() }),
  /** Enqueues so many from 16 callers at once, each in a transaction with a row of its own; milliseconds. */
  load: async (count: number) => {
    const began = performance.now();
    let left = count;
    const caller = async () => {
      while (left-- > 0)
        await transaction(prisma, async (db) => {
          await execute(db, Prisma.sql`INSERT INTO bench_rows DEFAULT VALUES`);
          await enqueue(db, noop, { at: now() });
        });
    };
    await Promise.all(Array.from({ length: 16 }, caller));
    return performance.now() - began;
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
