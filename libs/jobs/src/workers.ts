import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { Logger } from '#telemetry';
import type { Job, Logger as WorkerLogger, LogLevel, Runner, Task, WorkerEvents, WorkerPool } from 'graphile-worker';
import type pg from 'pg';
import { WorkerConnections } from './connections.js';
import { JobExecutor } from './executor.js';
import { FinalFailure, GivenBack } from './failures.js';
import { type Heart, Heartbeats, REPLACED } from './heartbeats.js';
import type { Envelope } from './job.js';
import { workerSchemaFault } from './schema.js';

/** The database does not have what this build's workers need. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
}

/** Workers at work. */
export interface OpenWorkers {
  /** There may be something to do. */
  wake(): void;
  /** Takes no more jobs, waits `JOBS_SHUTDOWN_SECONDS` for those that run, and gives back what is then left. */
  stop(): Promise<void>;
  /** Resolves when they have ended, however it came to that. */
  ended: Promise<void>;
}

type Worker = typeof import('graphile-worker');

const POLL_MS = 1_000; // finds what is due now, and what a lost signal did not tell
const HOARD_MS = 500; // how long a job waits behind busy workers before other processes may have it
const HANG_MS = 5_000;
const LONGEST_DELAY_SECONDS = 6 * 3_600;
/** A failure is written a moment after it was thrown. */
const SETTLE_AFTER_MS = [20, 100, 400, 2_000];
/** Of what has failed: a job whose work another has taken over meanwhile is not tried again, and no dead letter. */
const FORGET_REPLACED = `SELECT id FROM graphile_worker.complete_jobs(ARRAY(SELECT j.id FROM graphile_worker._private_jobs j WHERE j.id = $1 AND ${REPLACED}))`;

/** Opens pools of graphile-worker's workers on a few connections of their own. */
@Injectable()
export class Workers {
  constructor(
    private readonly env: Env,
    private readonly executor: JobExecutor,
    private readonly heartbeats: Heartbeats,
    private readonly logger: Logger,
  ) {}

  /** @throws NotReady while the database is not migrated to what this build needs */
  async open(): Promise<OpenWorkers> {
    const connections = new WorkerConnections(this.env.DATABASE_DIRECT_URL);
    try {
      const fault = await workerSchemaFault(
        async <Row extends object>(sql: string) => (await connections.query<Row & pg.QueryResultRow>(sql)).rows,
      );
      if (fault) throw new NotReady(`graphile-worker's schema is ${fault}`);
      // Loaded only now: it takes longer than all else at the start, and nobody waits for it.
      return await this.run(await import('graphile-worker'), connections);
    } catch (error) {
      await connections.end();
      throw error;
    }
  }

  private async run(worker: Worker, connections: WorkerConnections): Promise<OpenWorkers> {
    const events = new EventEmitter() as WorkerEvents;
    const underWay = new Set<Promise<void>>();
    const pending = new Set<Promise<void>>();
    let pool: WorkerPool | undefined;
    let heart: Promise<Heart> | undefined;
    const failed = Promise.withResolvers<void>();
    const begin = (why: string) => {
      this.logger.warn({}, `The workers of this process ${why}; they begin again`);
      failed.resolve();
    };
    // It takes its first jobs at once, but nothing is fetched before the others know whose jobs those are.
    events.once('pool:create', ({ workerPool }) => {
      pool = workerPool;
      heart = this.heartbeats.begin(workerPool.id, () => {
        this.executor.abortAll(new GivenBack('The workers of this process were taken for dead.'));
        begin('were taken for dead');
      });
      connections.hold(heart);
    });
    void connections.broken.then(() => begin('have lost the database'));
    events.once('pool:gracefulShutdown', () => failed.resolve());
    const attempt: Task = async (envelope, { job }) => {
      const taken = {
        id: job.id,
        name: job.task_identifier,
        envelope: envelope as Envelope,
        attempt: job.attempts,
        maxAttempts: job.max_attempts,
      };
      const attempted = this.executor.attempt(taken);
      underWay.add(attempted);
      try {
        await attempted;
      } catch (error) {
        this.report(job, error);
        const settled = this.settle(connections, job, error).finally(() => pending.delete(settled));
        pending.add(settled);
        throw error;
      } finally {
        underWay.delete(attempted);
      }
    };
    const handlers = this.executor.handlers.all();
    const runner = await worker.run({
      pgPool: connections,
      taskList: Object.fromEntries(handlers.map(([name]) => [name, attempt])),
      parsedCronItems: worker.parseCronItems(
        handlers.flatMap(([name, { schedule }]) =>
          schedule
            ? [
                {
                  task: name,
                  match: schedule.cron,
                  identifier: name,
                  // In a queue of its own it never runs beside itself; by its key only one waits.
                  options: {
                    queueName: name,
                    jobKey: name,
                    maxAttempts: schedule.maxAttempts ?? 5,
                    backfillPeriod: (schedule.catchUpSeconds ?? 0) * 1_000,
                  },
                },
              ]
            : [],
        ),
      ),
      noHandleSignals: true,
      events,
      logger: this.logOf(worker),
      preset: {
        worker: {
          concurrentJobs: this.env.JOBS_CONCURRENCY,
          pollInterval: POLL_MS,
          localQueue: { size: this.env.JOBS_CONCURRENCY * 5, ttl: HOARD_MS },
          // In batches, because only then does it survive a database that is gone when it reports.
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
          gracefulShutdownAbortTimeout: 3_600_000, // the executor's signals are the ones that handlers hear
        },
      },
    });
    // What a wake-up starts must not count as coming from the request that it was heard in.
    const wake = AsyncResource.bind(() => pool?.nudge(1));
    let stopping: Promise<void> | undefined;
    const stop = () => (stopping ??= this.stop(runner, underWay));
    const failure = runner.promise.catch((error: unknown) => this.logger.error({ err: error }, 'The workers of this process have failed'));
    const ended = Promise.race([failed.promise, failure])
      .then(stop)
      .then(() => this.close(connections, pending, heart));
    return { wake, stop: () => stop().then(() => ended), ended };
  }

  /** Resolves when no attempt is under way any more, and graphile-worker has had a moment to report them. */
  private async stop(runner: Runner, underWay: Set<Promise<void>>): Promise<void> {
    void runner.stop().catch((error: unknown) => this.logger.debug({ err: error }, 'graphile-worker did not stop cleanly'));
    const over = runner.promise.then(() => true).catch(() => true);
    const late = setInterval(() => this.executor.abortAll(new GivenBack('The process stops.')), this.env.JOBS_SHUTDOWN_SECONDS * 1_000);
    // What was being fetched when it was told to stop may still begin.
    do await Promise.allSettled(underWay);
    while (!(await Promise.race([over, sleep(HANG_MS, false, { ref: false })])) && underWay.size > 0);
    clearInterval(late);
  }

  private async close(connections: WorkerConnections, pending: Set<Promise<void>>, heart: Promise<Heart> | undefined): Promise<void> {
    // A database that is gone must not hold up the end: others find the silence.
    const quietly = (what: Promise<unknown> | undefined) =>
      Promise.race([what, sleep(HANG_MS, undefined, { ref: false })]).catch((error: unknown) =>
        this.logger.warn({ err: error }, 'The workers of this process did not end cleanly'),
      );
    await quietly(Promise.all(pending));
    await quietly(heart?.then((beating) => beating.stop()));
    await quietly(connections.end());
  }

  private report({ id, task_identifier: task, attempts: attempt, max_attempts: maxAttempts }: Job, error: unknown): void {
    const context = { jobId: id, task, attempt, maxAttempts };
    if (error instanceof GivenBack) this.logger.warn(context, 'A job was given back');
    else if (error instanceof FinalFailure || attempt >= maxAttempts)
      this.logger.error({ ...context, err: error }, 'A job has failed for good; it is kept as a dead letter');
    else this.logger.warn({ ...context, err: error }, 'An attempt at a job has failed; it is tried again');
  }

  /**
   * graphile-worker writes a failure with a delay of e^attempt seconds. This puts the job where it belongs instead, by graphile-worker's
   * own functions; should the process die before, that delay stands.
   */
  private async settle(connections: WorkerConnections, job: Job, error: unknown): Promise<void> {
    const [sql, values] = this.settlement(job, error);
    for (const ms of SETTLE_AFTER_MS) {
      await sleep(ms);
      try {
        if (((await connections.query(FORGET_REPLACED, [job.id])).rowCount ?? 0) > 0) return;
        if (sql !== null && ((await connections.query(sql, values)).rowCount ?? 0) > 0) return;
      } catch (cause) {
        this.logger.warn({ err: cause, jobId: job.id }, 'A failed job could not be put in its place yet');
      }
    }
  }

  private settlement({ id, task_identifier: name, attempts, max_attempts: maxAttempts }: Job, error: unknown): [string | null, unknown[]] {
    if (error instanceof GivenBack)
      return ['SELECT id FROM graphile_worker.reschedule_jobs(ARRAY[$1::bigint], run_at => now(), attempts => $2)', [id, attempts - 1]];
    if (error instanceof FinalFailure)
      return ['SELECT id FROM graphile_worker.permanently_fail_jobs(ARRAY[$1::bigint], $2)', [id, error.message]];
    if (attempts >= maxAttempts) return [null, []];
    const { retryAfterSeconds = Math.exp } = this.executor.handlers.get(name)?.job?.options ?? {};
    const seconds = Math.min(retryAfterSeconds(attempts), LONGEST_DELAY_SECONDS) * (0.5 + Math.random());
    return [
      'SELECT id FROM graphile_worker.reschedule_jobs(ARRAY[$1::bigint], run_at => now() + make_interval(secs => $2))',
      [id, seconds],
    ];
  }

  /** What graphile-worker says of jobs holds their payloads; `report` says it without. */
  private logOf({ Logger }: Worker): WorkerLogger {
    // Its warnings are advice on settings, which are chosen here on purpose.
    const levels = { error: 'error', warning: 'debug', info: 'debug', debug: 'debug' } as const satisfies Record<LogLevel, string>;
    return new Logger(() => (level, message, { failure, success, error } = {}) => {
      if (!failure && !success)
        this.logger[levels[level]]({ ...(error instanceof Error && { err: error }) }, `graphile-worker: ${message}`);
    });
  }
}
