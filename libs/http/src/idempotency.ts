import { hash } from 'node:crypto';
import { createParamDecorator, type ExecutionContext, Injectable, type PipeTransform } from '@nestjs/common';
import { Env } from '#config';
import { defer, look, Prisma, PrismaService, transaction, type Tx } from '#database';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiUrl } from './api.js';
import {
  idempotencyInProgress,
  idempotencyKeyGuessable,
  idempotencyKeyMalformed,
  idempotencyKeyRequired,
  idempotencyKeyReused,
} from './http.errors.js';
import { describe, entityTag } from './representation.js';

export const IDEMPOTENT = 'ashlar:idempotent';

/** How long a call that left the process may run before a retry takes it over. */
const LEASE_SECONDS = 30;
const STRANGERS_KEY_LENGTH = 16;
const KEPT_HEADERS = ['location', 'etag'] as const;

interface Call {
  request: FastifyRequest;
  reply: FastifyReply;
  status: number;
  options: IdempotentOptions;
}

interface IdempotentOptions {
  /** Whether a call without a key is refused. */
  required?: boolean;
  /** What tells one caller without a login from others: nobody else may share it by accident. Left out: such calls have no keys. */
  strangers?: (request: FastifyRequest) => string;
}

/** The answer as it is kept and repeated, byte for byte. */
interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

interface Claim {
  reference: string | null;
}

interface Kept extends Claim {
  fingerprint: Buffer;
  status: number | null;
  headers: Record<string, string> | null;
  body: string | null;
  leasedUntil: Date | null;
  expiresAt: Date;
}

/** A call that leaves the process between two transactions. Each step may run again after a crash; `call` must be idempotent by reference. */
export interface Crossing<Outcome, Body> {
  /** In the first transaction, once: makes the thing the call is about and returns its id. */
  begin: (db: Tx) => Promise<string>;
  /** Outside any transaction: asks the other system, as often as it takes. */
  call: (reference: string) => Promise<Outcome>;
  /** In the last transaction: records the outcome and returns the answer. */
  finish: (db: Tx, reference: string, outcome: Outcome) => Promise<Body>;
}

/**
 * Runs a write once for each `Idempotency-Key` of a caller. Claim and answer are written in the transaction of the write itself: either
 * both are there or neither, whatever is killed when. Only successes are kept.
 */
export class Once {
  private readonly key: string | null;
  private about: object | undefined;

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly context: Call,
  ) {
    this.key = readKey(context.request.headers['idempotency-key']);
    if (this.key === null && context.options.required)
      throw idempotencyKeyRequired('Send an Idempotency-Key header with a value of your own, the same for retries of this call.');
    // What tells a stranger's calls from others' is the key itself.
    if (this.key !== null && this.isStrangers && this.key.length < STRANGERS_KEY_LENGTH)
      throw idempotencyKeyGuessable(
        `Without a login the Idempotency-Key must have ${STRANGERS_KEY_LENGTH} characters or more, and be one that nobody guesses: a random UUID.`,
      );
  }

  /**
   * Runs `work` in one transaction, which also keeps the answer it returns. Without a key it is just that transaction. `about` stands for a
   * body that was read as a stream: another one is another call.
   */
  async do<Body extends object>(work: (db: Tx) => Promise<Body>, about?: object): Promise<Body> {
    this.about = about;
    if (this.key === null) return transaction(this.prisma, work);
    const answer = await transaction(this.prisma, async (db) => {
      const earlier = await this.claim(db);
      if (earlier && 'body' in earlier) return this.replayed(earlier);
      return this.keep(db, await work(db));
    });
    return this.send(answer);
  }

  /** Runs a call that must leave the process: claimed and begun in the first transaction, answered in the last, resumed by a retry. */
  async across<Outcome, Body extends object>(steps: Crossing<Outcome, Body>): Promise<Body> {
    const begun = await transaction(this.prisma, async (db) => {
      const earlier = await this.claim(db);
      if (earlier && 'body' in earlier) return this.replayed(earlier);
      const reference = earlier?.reference ?? (await steps.begin(db));
      await this.lease(db, reference);
      return { reference };
    });
    if ('body' in begun) return this.send(begun);
    try {
      const outcome = await steps.call(begun.reference);
      return this.send(await transaction(this.prisma, async (db) => this.keep(db, await steps.finish(db, begun.reference, outcome))));
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  private get isStrangers(): boolean {
    return this.context.request.guest !== undefined || !this.context.request.actor;
  }

  private get id() {
    const { request, options } = this.context;
    if (!this.isStrangers) return { scope: request.actor!.id, key: this.key! };
    // Hashed with the key, so that what lies in the database names nobody and opens nothing.
    return { scope: `stranger ${hash('sha256', `${options.strangers!(request)} ${this.key!}`)}`, key: this.key! };
  }

  private get fingerprint(): Buffer<ArrayBuffer> {
    const { method, url, body } = this.context.request;
    return Buffer.from(hash('sha256', `${method} ${url}\n${JSON.stringify(this.about ?? body ?? {})}`, 'buffer'));
  }

  /** Takes the key for this transaction, or finds what an earlier call left: its answer, or what it had begun. */
  private async claim(db: Tx): Promise<Answer | Claim | null> {
    const { scope, key } = this.id;
    // Statements of their own: one that saw the table before it had the lock would miss what was committed in between.
    const [[lock], [row]] = await Promise.all([
      look<{ mine: boolean }>(db, Prisma.sql`SELECT pg_try_advisory_xact_lock(hashtextextended(${`${scope} ${key}`}, 0)) AS mine`),
      look<Kept>(
        db,
        Prisma.sql`SELECT fingerprint, status, headers, body, reference, leased_until AS "leasedUntil", expires_at AS "expiresAt"
          FROM idempotency_keys WHERE scope = ${scope} AND key = ${key}`,
      ),
    ]);
    if (!lock?.mine) throw this.inProgress(1);
    if (row === undefined) return null;
    if (row.expiresAt < new Date()) {
      await db.idempotencyKey.delete({ where: { scope_key: this.id } });
      return null;
    }
    if (!this.fingerprint.equals(row.fingerprint))
      throw idempotencyKeyReused('This Idempotency-Key was used for another call; use a new one.');
    if (row.status !== null) return { status: row.status, headers: row.headers!, body: row.body! };
    const busyMs = (row.leasedUntil?.getTime() ?? 0) - Date.now();
    if (busyMs > 0) throw this.inProgress(Math.ceil(busyMs / 1_000));
    return { reference: row.reference };
  }

  private inProgress(seconds: number): Error {
    return idempotencyInProgress('The first call with this Idempotency-Key is still running; try again shortly.', {
      retryAfterSeconds: seconds,
    });
  }

  private async lease(db: Tx, reference: string): Promise<void> {
    const { scope, key } = this.id;
    await db.$executeRaw`INSERT INTO idempotency_keys (scope, key, fingerprint, reference, leased_until, expires_at)
      VALUES (${scope}, ${key}, ${this.fingerprint}, ${reference}::uuid, now() + make_interval(secs => ${LEASE_SECONDS}), ${this.expiresAt})
      ON CONFLICT (scope, key) DO UPDATE SET leased_until = excluded.leased_until`;
  }

  private async release(): Promise<void> {
    await this.prisma.idempotencyKey.updateMany({ where: { ...this.id, status: null }, data: { leasedUntil: null } });
  }

  private async keep(db: Tx, body: object): Promise<Answer> {
    const { request, reply, status } = this.context;
    const text = JSON.stringify(body);
    describe(request, reply, body, apiUrl(this.env));
    reply.header('ETag', entityTag(request.version, text));
    const headers = Object.fromEntries(
      KEPT_HEADERS.flatMap((name) => (reply.hasHeader(name) ? [[name, String(reply.getHeader(name))]] : [])),
    );
    const { scope, key } = this.id;
    await defer(
      db,
      Prisma.sql`INSERT INTO idempotency_keys (scope, key, fingerprint, status, headers, body, expires_at)
      VALUES (${scope}, ${key}, ${this.fingerprint}, ${status}, ${JSON.stringify(headers)}::jsonb, ${text}, ${this.expiresAt})
      ON CONFLICT (scope, key) DO UPDATE SET status = excluded.status, headers = excluded.headers, body = excluded.body, leased_until = NULL`,
    );
    return { status, headers, body: text };
  }

  private get expiresAt(): Date {
    return new Date(Date.now() + this.env.IDEMPOTENCY_TTL_SECONDS * 1_000);
  }

  private replayed(answer: Answer): Answer {
    this.context.reply.headers({ ...answer.headers, 'Idempotency-Replayed': 'true' });
    return answer;
  }

  /** The kept text goes out as it is: to Nest it looks like the body it stands for. */
  private send<Body>(answer: Answer): Body {
    this.context.reply.header('Content-Type', 'application/json; charset=utf-8');
    return answer.body as Body;
  }
}

function readKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  const key = typeof header === 'string' ? header.replace(/^"(.*)"$/, '$1') : '';
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw idempotencyKeyMalformed('The Idempotency-Key header must hold 1 to 255 visible ASCII characters, once.');
  return key;
}

@Injectable()
export class OncePipe implements PipeTransform<Call, Once> {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {}

  transform(call: Call): Once {
    return new Once(this.prisma, this.env, call);
  }
}

const HTTP_CODE = '__httpCode__'; // where Nest keeps @HttpCode

const call = createParamDecorator((options: IdempotentOptions, context: ExecutionContext): Call => {
  const http = context.switchToHttp();
  const status = (Reflect.getMetadata(HTTP_CODE, context.getHandler()) as number | undefined) ?? 201;
  return { request: http.getRequest<FastifyRequest>(), reply: http.getResponse<FastifyReply>(), status, options };
});

/** Hands the route a `Once` for the caller's `Idempotency-Key`. */
export const Idempotent =
  (options: IdempotentOptions = {}): ParameterDecorator =>
  (target, method, index) => {
    Reflect.defineMetadata(IDEMPOTENT, options.required ? 'required' : 'optional', (target as Record<string | symbol, object>)[method!]!);
    call(options, OncePipe)(target, method, index);
  };
