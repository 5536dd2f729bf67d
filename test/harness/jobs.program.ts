// A process that runs jobs of the tests' own on the product's libs. Node runs it as it stands, so its decorators are called by hand.
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { ConfigModule, loadEnv } from '#config';
import { DatabaseModule, execute, Prisma, PrismaService } from '#database';
import { Handles, job, JobRunner, type JobRun, JobsModule, Schedule } from '#jobs';
import { createLogger, TelemetryModule } from '#telemetry';
import { IsInt } from 'class-validator';

class Effect {
  number!: number;
  ms!: number;
}
IsInt()(Effect.prototype, 'number');
IsInt()(Effect.prototype, 'ms');

/** Does its effect once, with `ms` before and after it. */
const effect = job('test.effect', Effect);
/** Runs until it is told to end; says when it began, and when and why it ended. */
const patient = job('test.patient', Effect);
/** Keeps its process from doing anything else for `ms`. */
const busy = job('test.busy', Effect, { maxAttempts: 1 });

class Work {
  private readonly prisma: PrismaService;

  constructor(prisma: PrismaService) {
    this.prisma = prisma;
  }

  async effect({ number, ms }: Effect, run: JobRun): Promise<void> {
    await sleep(ms);
    await run.once(this.prisma, (db) =>
      execute(db, Prisma.sql`INSERT INTO effects (number, pid, what) VALUES (${number}, ${process.pid}, 'done')`),
    );
    await sleep(ms);
  }

  async patient({ number, ms }: Effect, { signal }: JobRun): Promise<void> {
    const say = (what: string) =>
      execute(this.prisma, Prisma.sql`INSERT INTO effects (number, pid, what) VALUES (${number}, ${process.pid}, ${what})`);
    await say('began');
    try {
      await sleep(ms, undefined, { signal });
      await say('done');
    } catch (error) {
      await say((signal.reason as Error).name);
      throw error;
    }
  }

  async tick(): Promise<void> {
    await execute(this.prisma, Prisma.sql`INSERT INTO ticks DEFAULT VALUES`);
  }

  async busy({ ms }: Effect): Promise<void> {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }
}
Handles(effect)(Work.prototype, 'effect', Object.getOwnPropertyDescriptor(Work.prototype, 'effect')!);
Handles(patient)(Work.prototype, 'patient', Object.getOwnPropertyDescriptor(Work.prototype, 'patient')!);
Schedule('test.tick', '* * * * *')(Work.prototype, 'tick', Object.getOwnPropertyDescriptor(Work.prototype, 'tick')!);
Handles(busy)(Work.prototype, 'busy', Object.getOwnPropertyDescriptor(Work.prototype, 'busy')!);

class Root {}

const env = loadEnv();
const logger = createLogger(env);
const app = await NestFactory.createApplicationContext(
  {
    module: Root,
    imports: [ConfigModule.of(env), TelemetryModule.of(logger), DatabaseModule, JobsModule],
    providers: [{ provide: Work, useFactory: (prisma: PrismaService) => new Work(prisma), inject: [PrismaService] }],
  },
  { logger: false, abortOnError: false },
);
process.once('SIGTERM', () => {
  void (async () => {
    await app.get(JobRunner).stop();
    await app.close();
    process.exit(0);
  })();
});
setInterval(() => undefined, 60_000); // nothing else keeps it alive
logger.info({ url: 'http://127.0.0.1:1' }, 'listening');
