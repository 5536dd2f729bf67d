import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { type Db, execute, Prisma, transaction, type Tx } from '#database';
import { withOrigin } from '#telemetry';
import { plainToInstance } from 'class-transformer';
import { FinalFailure, GivenBack, TimeLimitExceeded } from './failures.js';
import { type JobHandler, JobHandlers } from './handlers.js';
import { type Envelope, payloadFaults } from './job.js';
import type { JobRun } from './jobs.decorator.js';

/** A job that this process has taken. */
export interface TakenJob {
  id: string;
  name: string;
  envelope: Envelope;
  attempt: number;
  maxAttempts: number;
}

/** How long a handler that was told to stop may take to do so before it is left behind. */
const LEAVE_MS = 2_000;

/** Runs attempts: with a payload that keeps its rules, as coming from the request that asked for the work, and within a time limit. */
@Injectable()
export class JobExecutor {
  private readonly running = new Set<AbortController>();

  constructor(
    readonly handlers: JobHandlers,
    private readonly env: Env,
  ) {}

  /** @throws what the handler throws; FinalFailure for a payload that breaks its rules; TimeLimitExceeded; GivenBack */
  async attempt(job: TakenJob): Promise<void> {
    const handler = this.handlers.get(job.name);
    if (handler === undefined) throw new FinalFailure(`No handler knows ${job.name}.`);
    const payload = this.payloadOf(handler, job);
    const { origin } = job.envelope;
    const controller = new AbortController();
    const work = () => this.within(controller, handler, (run) => handler.call(payload, run), job);
    return origin ? withOrigin({ ...origin, ip: null, userAgent: null }, work) : work();
  }

  /** Tells every attempt under way to end. */
  abortAll(reason: GivenBack): void {
    for (const controller of this.running) controller.abort(reason);
  }

  private payloadOf({ job }: JobHandler, { envelope }: TakenJob): object {
    if (job === null) return {};
    const payload = plainToInstance(job.payload, envelope.payload ?? {});
    // A process of the next version may already write members that this one does not know.
    const faults = payloadFaults(payload, { strict: false });
    if (faults.length > 0) throw new FinalFailure(`The payload is not valid: ${faults.join('; ')}`);
    return payload;
  }

  private async within(
    controller: AbortController,
    { timeoutSeconds = this.env.JOBS_TIMEOUT_SECONDS }: JobHandler,
    call: (run: JobRun) => Promise<void>,
    { id, attempt, maxAttempts }: TakenJob,
  ): Promise<void> {
    const { signal } = controller;
    const timer = setTimeout(() => controller.abort(new TimeLimitExceeded(timeoutSeconds)), timeoutSeconds * 1_000);
    this.running.add(controller);
    try {
      await Promise.race([call({ id, attempt, maxAttempts, signal, once: onceFor(id) }), leftBehind(signal)]);
    } catch (error) {
      // Whatever it threw on being told to end, that it was told is the reason.
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
      this.running.delete(controller);
    }
  }
}

/** Rejects some time after the signal: one handler that does not listen must not hold a place for ever. */
function leftBehind(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => void sleep(LEAVE_MS, undefined, { ref: false }).then(() => reject(signal.reason as Error)), {
      once: true,
    });
  });
}

function onceFor(id: string): JobRun['once'] {
  return (db: Db, effect: (tx: Tx) => Promise<unknown>, step = '') =>
    transaction(db, async (tx) => {
      // Another attempt that is at it has the row's lock: this one waits, and finds it done or undone.
      const claimed = await execute(
        tx,
        Prisma.sql`INSERT INTO job_effects (job_id, step) VALUES (${id}::bigint, ${step}) ON CONFLICT DO NOTHING`,
      );
      if (claimed === 0) return false;
      await effect(tx);
      return true;
    });
}
