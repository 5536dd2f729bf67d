import { randomBytes } from 'node:crypto';
import type { Env } from '#config';

/** The `type` of test messages; no event has this name. */
export const TEST_TYPE = 'webhook.test';

const SECRET_BYTES = 32;
const FIRST_PAUSE_SECONDS = 5;
const LONGEST_RETRY_AFTER_SECONDS = 86_400;
/** An answer that takes longer makes its endpoint a slow one. */
const SLOW_MS = 2_000;

/** `whsec_` and 32 random bytes in base64 (Standard Webhooks 1.0: 24 to 64). */
export function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** The names that an event is asked for by: its own, all of its noun, all there are. */
export function patternsOf(name: string): string[] {
  return [name, `${name.slice(0, name.indexOf('.'))}.*`, '*'];
}

/** The names of these that a pattern stands for. */
export function namesOf(patterns: readonly string[], names: Iterable<string>): string[] {
  return [...names].filter((name) => patternsOf(name).some((pattern) => patterns.includes(pattern)));
}

/** Patterns that stand for none of these names. */
export function unknownPatterns(patterns: readonly string[], names: Iterable<string>): string[] {
  const known = new Set([...names].flatMap(patternsOf));
  return patterns.filter((pattern) => !known.has(pattern));
}

/** A message as it is sent (Standard Webhooks 1.0, "Payload structure"). */
export function bodyOf(type: string, at: Date, data: object): string {
  return JSON.stringify({ type, timestamp: at.toISOString(), data });
}

/** What came of an attempt: an answer, or none. */
export interface Outcome {
  statusCode: number | null;
  /** The header, as it came. */
  retryAfter: string | null;
  durationMs: number;
}

export function succeeded({ statusCode }: Pick<Outcome, 'statusCode'>): boolean {
  return statusCode !== null && statusCode >= 200 && statusCode < 300;
}

/** How it went with an endpoint lately. */
export interface Health {
  failures: number;
  failingSince: Date | null;
  pausedUntil: Date | null;
  slow: boolean;
}

export interface Limits {
  /** Deliveries at the same time. */
  concurrency: number;
  circuitFailures: number;
  circuitPauseSeconds: number;
  disableAfterHours: number;
}

export function limitsOf(env: Env): Limits {
  return {
    concurrency: env.WEBHOOKS_ENDPOINT_CONCURRENCY,
    circuitFailures: env.WEBHOOKS_CIRCUIT_FAILURES,
    circuitPauseSeconds: env.WEBHOOKS_CIRCUIT_PAUSE_SECONDS,
    disableAfterHours: env.WEBHOOKS_DISABLE_AFTER_HOURS,
  };
}

/** How it goes with an endpoint after an attempt; a pause that it asked for, or that follows from failing, holds for all its deliveries. */
export function healthAfter(health: Health, outcome: Outcome, now: Date, limits: Limits): Health {
  const slow = outcome.durationMs > SLOW_MS;
  if (succeeded(outcome)) return { failures: 0, failingSince: null, pausedUntil: null, slow };
  const failures = health.failures + 1;
  const pause = Math.max(retryAfterSeconds(outcome, now), circuitPause(failures, limits));
  return { failures, failingSince: health.failingSince ?? now, pausedUntil: pause > 0 ? later(now, pause) : null, slow };
}

/** Why an endpoint is to get nothing any more; null when there is no reason. */
export function reasonToDisable({ statusCode }: Outcome, { failingSince }: Health, now: Date, limits: Limits): 'gone' | 'failing' | null {
  if (statusCode === 410) return 'gone';
  const since = failingSince === null ? Infinity : failingSince.getTime();
  return now.getTime() - since >= limits.disableAfterHours * 3_600_000 ? 'failing' : null;
}

/** How many deliveries may be under way: one to an endpoint that fails, or of which nothing good is known. */
export function places({ failures }: Health, { concurrency }: Limits): number {
  return failures === 0 ? concurrency : 1;
}

/**
 * When a delivery is tried again after its `tries`-th failure; null when it has had all its attempts. Half a tenth more or less, so that
 * what failed together does not come again together; never before what the receiver asked for.
 */
export function nextAttempt(tries: number, delays: readonly number[], outcome: Outcome, now: Date, random: number): Date | null {
  const delay = delays[tries - 1];
  if (delay === undefined) return null;
  return later(now, Math.max(delay * (0.95 + random / 10), retryAfterSeconds(outcome, now)));
}

/** `Retry-After` of 429 and 503 (RFC 9110, 10.2.3: seconds, or a date), a day at most; 0 for none, and for what is none. */
export function retryAfterSeconds({ statusCode, retryAfter }: Outcome, now: Date): number {
  if ((statusCode !== 429 && statusCode !== 503) || retryAfter === null) return 0;
  const text = retryAfter.trim();
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : /GMT$/.test(text) ? (Date.parse(text) - now.getTime()) / 1_000 : 0;
  return Number.isNaN(seconds) ? 0 : Math.min(Math.max(seconds, 0), LONGEST_RETRY_AFTER_SECONDS);
}

function circuitPause(failures: number, { circuitFailures, circuitPauseSeconds }: Limits): number {
  if (failures < circuitFailures) return 0;
  return Math.min(FIRST_PAUSE_SECONDS * 2 ** Math.min(failures - circuitFailures, 20), circuitPauseSeconds);
}

function later(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * 1_000);
}
