import { Injectable } from '@nestjs/common';
import { record, SYSTEM } from '#audit';
import { Env } from '#config';
import { execute, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { publish } from '#events';
import { Handles, type JobRun, withoutJob } from '#jobs';
import { OutgoingFailed, OutgoingRefused, OutgoingRequests } from '#security';
import { admit, type Due, enqueueAttempt, enqueueResume, findDue, mark } from './deliveries.queries.js';
import { SecretsService } from './secrets.service.js';
import { webhookEndpointDisabled } from './webhooks.events.js';
import { attemptDelivery, attemptKey, type AttemptPayload, resumeEndpoint, type ResumePayload } from './webhooks.jobs.js';
import { auditedEndpoint, disableEndpoint, type Endpoint, keepHealth, lockEndpoint, lockEndpointOf } from './webhooks.queries.js';
import { healthAfter, limitsOf, nextAttempt, type Outcome, places, reasonToDisable, succeeded } from './webhooks.rules.js';

/** An attempt that has its place. */
interface Sending {
  id: string;
  endpointId: string;
  url: string;
  body: string;
  messageId: string;
  attempt: number;
  /** Of those, how many count for the schedule. */
  tries: number;
  test: boolean;
  slow: boolean;
  startedAt: Date;
  headers: Record<string, string>;
}

/** What was sent, and what came back of it. */
interface Result extends Outcome {
  error: string | null;
  answer: string | null;
  truncated: boolean;
}

const ANSWER_BYTES = 4_096;
/** Slow endpoints leave the other half of this process's workers to the rest. */
const SLOW_SHARE = 2;
const CROWDED_MS = 1_000;
const AT_ONCE = 1_000;

/**
 * Sends messages. An attempt takes a place at its endpoint, posts, and says what came of it, together with what follows: the next attempt, the
 * next that waits, the end of the endpoint. Killed in between, it is made again under the same `webhook-id`.
 */
@Injectable()
export class AttemptsService {
  private slowOnes = 0;

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly outgoing: OutgoingRequests,
    private readonly secrets: SecretsService,
  ) {}

  @Handles(attemptDelivery)
  async attempt(payload: AttemptPayload, { signal }: JobRun): Promise<void> {
    const sending = await transaction(this.prisma, (db) => this.begin(payload, db));
    if (sending === null) return;
    this.slowOnes += Number(sending.slow);
    try {
      const result = await this.post(sending, signal);
      await transaction(this.prisma, (db) => this.finish(sending, result, db));
    } finally {
      this.slowOnes -= Number(sending.slow);
    }
  }

  @Handles(resumeEndpoint)
  async resume({ endpointId }: ResumePayload): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const endpoint = await lockEndpoint(db, endpointId);
      if (endpoint !== null) await admit(db, endpoint, limitsOf(this.env), new Date());
    });
  }

  /** Finds what has lost its job (an operator has discarded it), and what waits although there are places. */
  async sweep(): Promise<void> {
    const overdue = await rows<{ id: string; attempts: number }>(
      this.prisma,
      Prisma.sql`SELECT id, attempts FROM webhook_deliveries
        WHERE status IN ('scheduled', 'sending') AND next_attempt_at < now() - interval '1 minute' ORDER BY next_attempt_at LIMIT ${AT_ONCE}`,
    );
    const attemptOf = new Map(overdue.map(({ id, attempts }) => [attemptKey(id, attempts + 1), { id, attempt: attempts + 1 }]));
    const lost = await withoutJob(this.prisma, attemptDelivery, [...attemptOf.keys()]);
    for (const key of lost) {
      const { id, attempt } = attemptOf.get(key)!;
      await transaction(this.prisma, (db) => enqueueAttempt(db, id, attempt));
    }
    const waiting = await rows<{ endpointId: string }>(
      this.prisma,
      Prisma.sql`SELECT DISTINCT endpoint_id AS "endpointId" FROM webhook_deliveries WHERE status = 'waiting'`,
    );
    for (const endpoint of waiting) await this.resume(endpoint);
  }

  /** Takes a place for an attempt. Null when there is none, when there is nothing left to do, or when somebody else has done it. */
  private async begin({ deliveryId, attempt }: AttemptPayload, db: Tx): Promise<Sending | null> {
    const endpoint = await lockEndpointOf(db, deliveryId);
    if (endpoint === null) return null;
    // A statement of its own: what it finds is as the lock's last holder left it.
    const due = await findDue(db, deliveryId, attempt);
    if (due === null) return null;
    const { id, body, messageId, test, attemptsBefore } = due;
    const startedAt = new Date();
    if (endpoint.disabledAt !== null) {
      await mark(db, id, 'failed', startedAt);
      return null;
    }
    // One that was killed has kept its place.
    if (due.status === 'scheduled') {
      const placed = await this.hasPlace(endpoint, due, startedAt, db);
      await mark(db, id, placed ? 'sending' : 'waiting');
      if (!placed) return null;
    }
    const headers = await this.secrets.headersFor(endpoint.id, { messageId, body }, startedAt, db);
    const { id: endpointId, url, slow } = endpoint;
    return { id, endpointId, url, body, messageId, attempt, tries: attempt - attemptsBefore, test, slow, startedAt, headers };
  }

  /** Where it has none, somebody will look after it: whoever leaves a place, or a job. */
  private async hasPlace(endpoint: Endpoint, { others }: Due, now: Date, db: Tx): Promise<boolean> {
    const { id, pausedUntil, slow } = endpoint;
    if (pausedUntil !== null && pausedUntil > now) {
      await enqueueResume(db, id, pausedUntil);
      return false;
    }
    if (slow && this.slowOnes >= Math.max(1, Math.floor(this.env.JOBS_CONCURRENCY / SLOW_SHARE))) {
      await enqueueResume(db, id, new Date(now.getTime() + CROWDED_MS * (1 + Math.random())));
      return false;
    }
    return others < places(endpoint, limitsOf(this.env));
  }

  private async post({ url, body, headers, startedAt }: Sending, signal: AbortSignal): Promise<Result> {
    const took = () => Date.now() - startedAt.getTime();
    try {
      const answer = await this.outgoing.send({
        url,
        method: 'POST',
        headers: requestHeaders(headers),
        body,
        timeoutMs: this.env.WEBHOOKS_TIMEOUT_MS,
        maxBytes: ANSWER_BYTES,
        signal,
      });
      const { status: statusCode, headers: answered, truncated } = answer;
      const retryAfter = answered['retry-after']?.slice(0, 100) ?? null;
      return { statusCode, retryAfter, durationMs: took(), error: null, answer: storable(answer.body), truncated };
    } catch (error) {
      const reason = failureOf(error);
      if (reason === null) throw error;
      return { statusCode: null, retryAfter: null, durationMs: took(), error: reason, answer: null, truncated: false };
    }
  }

  /** Writes down what came of an attempt, and sees to what follows. */
  private async finish(sending: Sending, result: Result, db: Tx): Promise<void> {
    const { id, attempt, endpointId, startedAt, headers } = sending;
    const { durationMs, statusCode, error, retryAfter, answer, truncated } = result;
    const endpoint = await lockEndpoint(db, endpointId);
    if (endpoint === null) return; // deleted meanwhile, and its deliveries with it
    const now = new Date();
    const written = await execute(
      db,
      Prisma.sql`INSERT INTO webhook_attempts (delivery_id, number, started_at, duration_ms, sent_headers, status_code, error, retry_after, answer, truncated)
        VALUES (${id}::uuid, ${attempt}, ${startedAt}, ${durationMs}, ${JSON.stringify(headers)}::jsonb, ${statusCode}, ${error}, ${retryAfter}, ${answer}, ${truncated})
        ON CONFLICT (delivery_id, number) DO NOTHING`,
    );
    if (written === 0) return; // a process that was taken for dead has woken up
    const limits = limitsOf(this.env);
    const ended = endpoint.disabledAt !== null;
    const health = healthAfter(endpoint, result, now, limits);
    const reason = ended || succeeded(result) ? null : reasonToDisable(result, health, now, limits);
    const next = ended || reason !== null ? null : this.nextAttempt(sending, result, now);
    const status = succeeded(result) ? 'delivered' : next === null ? 'failed' : 'scheduled';
    await execute(
      db,
      Prisma.sql`UPDATE webhook_deliveries SET attempts = ${attempt}, status = ${status}::webhook_delivery_status, next_attempt_at = ${next},
        completed_at = ${next === null ? now : null} WHERE id = ${id}::uuid`,
    );
    if (next !== null) await enqueueAttempt(db, id, attempt + 1, next);
    await keepHealth(db, endpoint, health);
    if (reason !== null) await this.disable(endpoint, reason, db);
    else await admit(db, { id: endpointId, ...health }, limits, now);
  }

  private nextAttempt({ tries, test }: Sending, result: Result, now: Date): Date | null {
    if (test || succeeded(result)) return null;
    return nextAttempt(tries, this.env.WEBHOOKS_RETRY_DELAYS_SECONDS.map(Number), result, now, Math.random());
  }

  private async disable({ id, ownerId }: Endpoint, reason: 'gone' | 'failing', db: Tx): Promise<void> {
    await disableEndpoint(db, id, reason);
    const resource = { type: 'webhook-endpoint', id };
    await publish(db, webhookEndpointDisabled, { endpointId: id, reason }, { actor: null, resource, subject: ownerId });
    await record(db, {
      actor: SYSTEM,
      action: 'webhooks.disabled',
      resource: auditedEndpoint(id),
      subject: ownerId,
      before: { enabled: true },
      after: { enabled: false, disabledReason: reason },
    });
  }
}

/** All that is sent beside the three headers of the standard. */
export function requestHeaders(headers: Record<string, string>): Record<string, string> {
  return { 'content-type': 'application/json', 'user-agent': 'Ashlar-Webhooks/1', ...headers };
}

/** Why there was no answer; null for what is not the receiver's doing. */
function failureOf(error: unknown): string | null {
  if (error instanceof OutgoingRefused) return `The URL is refused: ${error.message}.`;
  return error instanceof OutgoingFailed ? error.message : null;
}

/** PostgreSQL holds no NUL. */
function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd');
}
