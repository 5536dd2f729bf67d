import type { Db, Tx } from '#database';
import type { JobDefinition } from './job.js';

/** One attempt at a job. */
export interface JobRun {
  /** Of the job: the same for each of its attempts. */
  readonly id: string;
  /** From 1. */
  readonly attempt: number;
  /** The attempt after which the job becomes a dead letter. */
  readonly maxAttempts: number;
  /** Aborts when the attempt takes too long, and when the process stops or has lost the job to another. */
  readonly signal: AbortSignal;
  /**
   * Does `effect` once for this job, however often it is attempted and whatever is killed when: that it was done is written in the same
   * transaction. Says whether it was done now. A job with several effects gives each a `step`.
   */
  once(db: Db, effect: (tx: Tx) => Promise<unknown>, step?: string): Promise<boolean>;
}

/** A property descriptor; the compiler's own would refuse a method that takes fewer arguments. */
type Handler<Arguments extends unknown[]> = { value?: (...args: Arguments) => Promise<void> };

export interface ScheduleOptions {
  /** How far back a firing is made up for that fell into a time when no process ran; not at all by default. */
  catchUpSeconds?: number;
  maxAttempts?: number;
  timeoutSeconds?: number;
}

export interface ScheduleDefinition extends ScheduleOptions {
  name: string;
  /** Minute, hour, day of month, month, day of week; in UTC. */
  cron: string;
}

const HANDLES = 'ashlar:handles';
const SCHEDULE = 'ashlar:schedule';

/** This method does the work of a job. It may run more than once for a job: effects that must not repeat go through `run.once`. */
export const Handles =
  <Payload extends object>(definition: JobDefinition<Payload>) =>
  (_target: object, _method: string | symbol, descriptor: Handler<[payload: Payload, run: JobRun]>): void => {
    Reflect.defineMetadata(HANDLES, definition, descriptor.value!);
  };

/**
 * This method runs at the times of a crontab line (in UTC), once across all processes, and never beside itself: a firing that finds the
 * last one still running waits for it, and one that finds another waiting takes its place.
 */
export const Schedule =
  (name: string, cron: string, options: ScheduleOptions = {}) =>
  (_target: object, _method: string | symbol, descriptor: Handler<[run: JobRun]>): void => {
    Reflect.defineMetadata(SCHEDULE, { name, cron, ...options } satisfies ScheduleDefinition, descriptor.value!);
  };

export function handledBy(method: object): JobDefinition | undefined {
  return Reflect.getMetadata(HANDLES, method) as JobDefinition | undefined;
}

export function scheduleOf(method: object): ScheduleDefinition | undefined {
  return Reflect.getMetadata(SCHEDULE, method) as ScheduleDefinition | undefined;
}
