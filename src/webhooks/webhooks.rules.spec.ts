import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  bodyOf,
  type Health,
  healthAfter,
  type Limits,
  namesOf,
  newSecret,
  nextAttempt,
  type Outcome,
  patternsOf,
  places,
  reasonToDisable,
  retryAfterSeconds,
  succeeded,
  unknownPatterns,
} from './webhooks.rules.js';

const NOW = new Date('2030-01-01T12:00:00Z');
const inSeconds = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);
const LIMITS: Limits = { concurrency: 4, circuitFailures: 5, circuitPauseSeconds: 300, disableAfterHours: 120 };
const WELL: Health = { failures: 0, failingSince: null, pausedUntil: null, slow: false };
const outcome = (statusCode: number | null, more: Partial<Outcome> = {}): Outcome => ({
  statusCode,
  retryAfter: null,
  durationMs: 100,
  ...more,
});
const NAMES = ['order.paid', 'order.placed', 'post.published', 'webhook-endpoint.disabled'];
const SPEC = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

describe('what an endpoint asks for', () => {
  it('is a name, all of a noun, or everything', () => {
    expect(patternsOf('webhook-endpoint.disabled')).toEqual(['webhook-endpoint.disabled', 'webhook-endpoint.*', '*']);
    expect(namesOf(['order.*', 'post.published'], NAMES)).toEqual(['order.paid', 'order.placed', 'post.published']);
    expect(namesOf(['*'], NAMES)).toEqual(NAMES);
    expect(namesOf(['order.lost'], NAMES)).toEqual([]);
  });

  it('is known, or refused', () => {
    expect(unknownPatterns(['*', 'order.*', 'order.paid'], NAMES)).toEqual([]);
    expect(unknownPatterns(['ord.*', 'order.lost', 'order', '*.paid', 'post.published'], NAMES)).toEqual([
      'ord.*',
      'order.lost',
      'order',
      '*.paid',
    ]);
  });
});

describe('a message', () => {
  it('has the form of the standard', () => {
    expect(bodyOf('order.paid', NOW, { orderId: 'x' })).toBe(
      '{"type":"order.paid","timestamp":"2030-01-01T12:00:00.000Z","data":{"orderId":"x"}}',
    );
  });

  it('is signed with a secret of the standard, another for each endpoint', () => {
    expect(newSecret()).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(newSecret()).not.toBe(newSecret());
  });
});

describe('an attempt', () => {
  it.each([
    [200, true],
    [204, true],
    [299, true],
    [199, false],
    [300, false],
    [301, false],
    [304, false],
    [404, false],
    [410, false],
    [500, false],
    [null, false],
  ])('that was answered %j has succeeded: %j', (statusCode, success) => {
    expect(succeeded({ statusCode })).toBe(success);
  });

  it('that failed is followed by the next of the schedule, a twentieth sooner or later, until there is none', () => {
    for (const [tries, delay] of SPEC.entries()) {
      expect(nextAttempt(tries + 1, SPEC, outcome(500), NOW, 0)).toEqual(inSeconds(delay * 0.95));
      expect(nextAttempt(tries + 1, SPEC, outcome(500), NOW, 1)).toEqual(inSeconds(delay * 1.05));
    }
    expect(nextAttempt(SPEC.length + 1, SPEC, outcome(500), NOW, 0.5)).toBeNull();
  });

  it.each([
    [429, '120', 120],
    [503, ' 120 ', 120],
    [503, inSeconds(90).toUTCString(), 90],
    [503, inSeconds(-90).toUTCString(), 0],
    [503, '999999999', 86_400],
    [503, inSeconds(10_000_000).toUTCString(), 86_400],
    [503, '-5', 0],
    [503, '1e9', 0],
    [503, 'soon', 0],
    [503, 'Not A Date GMT', 0],
    [503, '', 0],
    [503, null, 0],
    [500, '120', 0],
    [200, '120', 0],
  ])('answered %j with Retry-After: %j waits %j seconds', (statusCode, retryAfter, seconds) => {
    expect(retryAfterSeconds(outcome(statusCode, { retryAfter }), NOW)).toBe(seconds);
  });

  it('comes no sooner than the receiver asked for, and no sooner than the schedule says', () => {
    expect(nextAttempt(1, SPEC, outcome(429, { retryAfter: '60' }), NOW, 0.5)).toEqual(inSeconds(60));
    expect(nextAttempt(2, SPEC, outcome(429, { retryAfter: '60' }), NOW, 0.5)).toEqual(inSeconds(300));
  });
});

describe('an endpoint', () => {
  const after = (...outcomes: Outcome[]) => outcomes.reduce((health, each) => healthAfter(health, each, NOW, LIMITS), WELL);
  const failed = (times: number) => Array.from({ length: times }, () => outcome(500));

  it('that fails has one place until it succeeds', () => {
    expect(places(WELL, LIMITS)).toBe(4);
    expect(places(after(outcome(500)), LIMITS)).toBe(1);
    expect(places(after(outcome(500), outcome(200)), LIMITS)).toBe(4);
  });

  it('is paused from the fifth failure on, twice as long each time, five minutes at most', () => {
    const pauses = [1, 4, 5, 6, 7, 10, 11, 12, 1_000].map((times) => after(...failed(times)).pausedUntil);
    expect(pauses).toEqual([null, null, 5, 10, 20, 160, 300, 300, 300].map((seconds) => seconds && inSeconds(seconds)));
    expect(after(...failed(1_000), outcome(200))).toEqual(WELL);
  });

  it('is paused for as long as it asks', () => {
    expect(after(outcome(429, { retryAfter: '7' })).pausedUntil).toEqual(inSeconds(7));
  });

  it('is slow while its last answer took longer than two seconds', () => {
    expect(after(outcome(200, { durationMs: 2_001 })).slow).toBe(true);
    expect(after(outcome(200, { durationMs: 2_001 }), outcome(200)).slow).toBe(false);
  });

  it('is disabled when it is gone, and when it has only failed for five days', () => {
    const since = (hours: number): Health => ({ ...WELL, failures: 9, failingSince: inSeconds(-hours * 3_600) });
    expect(reasonToDisable(outcome(410), WELL, NOW, LIMITS)).toBe('gone');
    expect(reasonToDisable(outcome(500), since(119), NOW, LIMITS)).toBeNull();
    expect(reasonToDisable(outcome(null), since(120), NOW, LIMITS)).toBe('failing');
    expect(reasonToDisable(outcome(500), WELL, NOW, LIMITS)).toBeNull();
  });

  it('has failures exactly while it is failing, whatever happens', () => {
    const any = fc.record({
      statusCode: fc.constantFrom(null, 200, 404, 410, 429, 503),
      retryAfter: fc.option(fc.string()),
      durationMs: fc.nat(60_000),
    });
    fc.assert(
      fc.property(fc.array(any), (outcomes) => {
        const health = after(...outcomes);
        expect(health.failures === 0).toBe(health.failingSince === null);
        if (health.pausedUntil !== null) expect(health.pausedUntil.getTime() - NOW.getTime()).toBeLessThanOrEqual(86_400_000);
      }),
    );
  });
});
