import { type Db, Prisma, rows, signal } from '#database';
import { currentOrigin } from '#telemetry';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';

export interface JobOptions {
  /** How often it is tried before it becomes a dead letter; 12 by default, which with the default delays takes about a day. */
  maxAttempts?: number;
  /** How long one attempt may take; `JOBS_TIMEOUT_SECONDS` by default. */
  timeoutSeconds?: number;
  /** Seconds to wait after the attempt of this number (from 1) has failed, before jitter; e^attempt by default, six hours at most. */
  retryAfterSeconds?: (attempt: number) => number;
}

/** A kind of work: its name, the class that describes and validates its payload, and how it is tried. */
export interface JobDefinition<Payload extends object = object> {
  readonly name: string;
  readonly payload: new () => Payload;
  readonly options: Readonly<JobOptions>;
}

export interface EnqueueOptions {
  /** Not before this time; at once by default. */
  runAt?: Date;
  /**
   * At most one job with this key waits: enqueueing again replaces the payload and the time of the one that does. One that already runs
   * is left alone, and another waits behind it. Up to 400 characters; jobs of other names have keys of their own.
   */
  key?: string;
  /** Instead of the job's own. */
  maxAttempts?: number;
}

/** The topic on which processes tell each other that there is something to do. */
export const WAKE = 'jobs';

const DEFAULT_MAX_ATTEMPTS = 12;
const NAME = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$/;
const LONGEST_NAME = 60; // what a signal's key may hold
const LONGEST_KEY = 400;

const defined = new Map<string, JobDefinition>();

/** Defines a kind of work, once for each name: `export const sendMail = job('mail.send', SendMailPayload, { maxAttempts: 10 })`. */
export function job<Payload extends object>(name: string, payload: new () => Payload, options: JobOptions = {}): JobDefinition<Payload> {
  if (!NAME.test(name) || name.length > LONGEST_NAME)
    throw new Error(`"${name}" cannot name a job: write module.verb in small letters, at most ${LONGEST_NAME} of them.`);
  if (defined.has(name)) throw new Error(`The job ${name} is defined twice; a name means one kind of work.`);
  const definition = { name, payload, options };
  defined.set(name, definition);
  return definition;
}

/** Every job that anything imported has defined. */
export function definedJobs(): Iterable<JobDefinition> {
  return defined.values();
}

/** A payload as it lies in the queue, with the request that asked for the work. */
export interface Envelope {
  payload?: object;
  origin?: { requestId: string; traceId: string };
}

/**
 * Has work done later, if what `db` writes is committed, and not otherwise. Returns the id of the job.
 * @throws TypeError when the payload breaks the rules of its class: a mistake of the caller's program
 */
export async function enqueue<Payload extends object>(
  db: Db,
  { name, payload: Payload, options }: JobDefinition<Payload>,
  payload: Payload,
  { runAt, key, maxAttempts = options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS }: EnqueueOptions = {},
): Promise<string> {
  const faults = payloadFaults(plainToInstance(Payload, payload), { strict: true });
  if (faults.length > 0) throw new TypeError(`The payload of ${name} is not valid: ${faults.join('; ')}`);
  if (key !== undefined && (key.length === 0 || key.length > LONGEST_KEY))
    throw new TypeError(`The key of a job has 1 to ${LONGEST_KEY} characters.`);
  const origin = currentOrigin();
  const envelope: Envelope = { payload, ...(origin && { origin: { requestId: origin.requestId, traceId: origin.traceId } }) };
  const [added] = await rows<{ id: string }>(
    db,
    Prisma.sql`SELECT id::text AS id FROM graphile_worker.add_job(${name}, ${JSON.stringify(envelope)}::json,
      run_at => ${runAt ?? null}::timestamptz, max_attempts => ${maxAttempts}::int, job_key => ${key === undefined ? null : `${name}:${key}`}::text)`,
  );
  if (runAt === undefined || runAt.getTime() <= Date.now()) signal(db, WAKE, name);
  return added!.id;
}

/** Of these keys those that no job has any more: neither one that waits or runs, nor a dead letter. */
export async function withoutJob(db: Db, { name }: JobDefinition, keys: readonly string[]): Promise<string[]> {
  const lost = await rows<{ key: string }>(
    db,
    Prisma.sql`SELECT wanted.key FROM unnest(${[...keys]}::text[]) AS wanted (key)
      WHERE NOT EXISTS (SELECT FROM graphile_worker.jobs WHERE jobs.key = ${`${name}:`}::text || wanted.key)`,
  );
  return lost.map(({ key }) => key);
}

/** What breaks the rules of a payload's class, by member, without values. `strict` also refuses members that the class does not have. */
export function payloadFaults(payload: object, { strict }: { strict: boolean }): string[] {
  const errors = validateSync(payload, { whitelist: true, forbidNonWhitelisted: strict, forbidUnknownValues: false });
  return errors.flatMap(({ property, constraints }) => Object.values(constraints ?? { invalid: `${property} is not valid` }));
}
