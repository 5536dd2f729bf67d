import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { execute, Prisma, PrismaService, type Tx } from '#database';
import { tooManyAttempts } from './security.errors.js';

/** How many failures a bucket may take within a window. */
export interface Budget {
  /** Whose failures count together, such as `password <account>`; holds no secret and nothing personal in the clear. */
  bucket: string;
  limit: number;
  windowSeconds: number;
  /** Whether a success clears the failures before it. */
  forgive?: boolean;
}

type Outcome = 'failed' | 'released' | 'forgiven';

const LEASE_SECONDS = 30;
const PATIENCE_MS = 10_000;
const LONGEST_PAUSE_MS = 250;

/**
 * Budgets of failure that hold over all processes: of attempts that run at once, only as many are evaluated as failures are left. One
 * that fits is leased a place before it is evaluated; the others wait for a place rather than fail, so that right passwords tried in
 * parallel never lock anybody out. One row a bucket decides, in one statement.
 */
@Injectable()
export class Budgets {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {}

  /**
   * Evaluates an attempt within budgets: waits (10 s at most) for a place in each, runs `evaluate`, and counts a `false` as a failure in
   * all of them; a `true` clears those that `forgive`. One that breaks off with an error counts in none.
   * @throws auth/too-many-attempts with the seconds to wait; then nothing was evaluated
   */
  async attempt(budgets: readonly Budget[], evaluate: () => Promise<boolean>): Promise<boolean> {
    if (this.env.RATE_LIMIT === 'off') return evaluate();
    const held: { budget: Budget; lease: Date }[] = [];
    const settleAll = (outcome: (budget: Budget) => Outcome) =>
      Promise.all(held.map(({ budget, lease }) => this.settle(budget.bucket, lease, outcome(budget))));
    try {
      for (const budget of budgets) held.push({ budget, lease: await this.wait(budget) });
      const right = await evaluate();
      await settleAll((budget) => (!right ? 'failed' : budget.forgive ? 'forgiven' : 'released'));
      return right;
    } catch (error) {
      await settleAll(() => 'released');
      throw error;
    }
  }

  /** Counts one use of a bucket, whatever comes of it. @throws auth/too-many-attempts */
  async spend(budget: Budget): Promise<void> {
    await this.attempt([budget], async () => false);
  }

  /** Forgets what a bucket has counted, for somebody who is no more. */
  async forget(bucket: string, db: Tx): Promise<void> {
    await execute(db, Prisma.sql`DELETE FROM budgets WHERE bucket = ${bucket}`);
  }

  private async wait(budget: Budget): Promise<Date> {
    const deadline = Date.now() + PATIENCE_MS;
    for (let pause = 20; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      const lease = await this.lease(budget);
      if (lease !== null) return lease;
      const seconds = await this.secondsUntilFree(budget);
      if (seconds > 0) throw tooManyAttempts(`Too many attempts; try again in ${seconds} seconds.`, { retryAfterSeconds: seconds });
      if (Date.now() > deadline) throw tooManyAttempts('Too many attempts at once; try again in a few seconds.', { retryAfterSeconds: 2 });
      await sleep(pause * (0.5 + Math.random()));
    }
  }

  private async lease({ bucket, limit, windowSeconds }: Budget): Promise<Date | null> {
    const rows = await this.prisma.$queryRaw<{ lease: Date }[]>`
      INSERT INTO budgets AS b (bucket, failures, leases, window_ends_at)
      VALUES (${bucket}, 0, ARRAY[date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => ${LEASE_SECONDS})], now() + make_interval(secs => ${windowSeconds}))
      ON CONFLICT (bucket) DO UPDATE SET
        failures = CASE WHEN b.window_ends_at <= now() THEN 0 ELSE b.failures END,
        window_ends_at = CASE WHEN b.window_ends_at <= now() THEN excluded.window_ends_at ELSE b.window_ends_at END,
        leases = ARRAY(SELECT l FROM unnest(b.leases) AS l WHERE l > now()) || excluded.leases
      WHERE (CASE WHEN b.window_ends_at <= now() THEN 0 ELSE b.failures END)
        + (SELECT count(*) FROM unnest(b.leases) AS l WHERE l > now()) < ${limit}
      RETURNING leases[cardinality(leases)] AS lease`;
    return rows[0]?.lease ?? null;
  }

  /** Seconds until the window ends when its failures are used up; 0 when only attempts under way fill the bucket. */
  private async secondsUntilFree({ bucket, limit }: Budget): Promise<number> {
    const rows = await this.prisma.$queryRaw<{ seconds: number }[]>`
      SELECT ceil(extract(epoch FROM window_ends_at - now()))::int AS seconds FROM budgets
      WHERE bucket = ${bucket} AND failures >= ${limit} AND window_ends_at > now()`;
    return rows[0]?.seconds ?? 0;
  }

  private async settle(bucket: string, lease: Date, outcome: Outcome): Promise<void> {
    // Two attempts of one millisecond hold equal leases; one of them is taken out, whichever.
    await this.prisma.$executeRaw`
      UPDATE budgets SET
        failures = CASE ${outcome} WHEN 'failed' THEN failures + 1 WHEN 'forgiven' THEN 0 ELSE failures END,
        leases = coalesce(leases[:array_position(leases, ${lease}::timestamptz(3)) - 1] || leases[array_position(leases, ${lease}::timestamptz(3)) + 1:], leases)
      WHERE bucket = ${bucket}`;
  }
}
