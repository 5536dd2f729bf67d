import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { type Db, execute, Prisma, PrismaService, rows } from '#database';
import { Budgets, clientNetwork } from '#security';
import { invalidOneTimeToken } from './one-time-tokens.errors.js';

/** What a one-time token is good for. */
export type OneTimePurpose = `${string}:${string}`;

export interface OneTimeGrant {
  /** Whose token it is; null for one that was issued before anybody was known. */
  userId: string | null;
  data: Record<string, unknown>;
}

interface Issue {
  purpose: OneTimePurpose;
  userId?: string;
  /** What the bearer is to be allowed, as JSON; nobody but this table sees it. */
  data?: Record<string, unknown>;
  /** How long it may be used. */
  seconds: number;
}

const WINDOW_SECONDS = 900;
const ADDRESS_FACTOR = 10;
const TOKEN = /^[\w-]{43}$/;
const COLUMNS = Prisma.sql`user_id AS "userId", data`;

/**
 * Tokens that are good once, for one purpose, for a short time: 32 random bytes, kept as SHA-256. Using one deletes it, so of many who
 * try at once one statement succeeds; a transaction that fails leaves it usable.
 */
@Injectable()
export class OneTimeTokensService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly budgets: Budgets,
    private readonly env: Env,
  ) {}

  async issue({ purpose, userId, data = {}, seconds }: Issue, db: Db = this.prisma): Promise<string> {
    const token = randomBytes(32).toString('base64url');
    await execute(
      db,
      Prisma.sql`INSERT INTO one_time_tokens (hash, purpose, user_id, data, expires_at)
        VALUES (${hashOf(token)}, ${purpose}, ${userId ?? null}::uuid, ${JSON.stringify(data)}::jsonb, now() + make_interval(secs => ${seconds}))`,
    );
    return token;
  }

  /** Uses a token up; null for one that is none (any more), or is for something else. */
  async redeem(purpose: OneTimePurpose, token: string, db: Db = this.prisma): Promise<OneTimeGrant | null> {
    if (!TOKEN.test(token)) return null;
    const [grant] = await rows<OneTimeGrant>(
      db,
      Prisma.sql`DELETE FROM one_time_tokens WHERE hash = ${hashOf(token)} AND purpose = ${purpose} AND expires_at > now() RETURNING ${COLUMNS}`,
    );
    return grant ?? null;
  }

  /** What a token is good for, without using it up: for one that may be tried more than once. */
  async read(purpose: OneTimePurpose, token: string, db: Db = this.prisma): Promise<OneTimeGrant | null> {
    if (!TOKEN.test(token)) return null;
    const [grant] = await rows<OneTimeGrant>(
      db,
      Prisma.sql`SELECT ${COLUMNS} FROM one_time_tokens WHERE hash = ${hashOf(token)} AND purpose = ${purpose} AND expires_at > now()`,
    );
    return grant ?? null;
  }

  /**
   * What somebody at this address gets for a token, by `use`, which answers null when the token is none (any more): that counts as a
   * failure of the address. @throws auth/invalid-one-time-token, auth/too-many-attempts
   */
  async attempt<T>(ip: string, use: (db: Db) => Promise<T | null>): Promise<T> {
    const limit = this.env.AUTH_LOGIN_FAILURES_PER_WINDOW * ADDRESS_FACTOR;
    const budget = { bucket: `one-time-token-from ${clientNetwork(ip)}`, limit, windowSeconds: WINDOW_SECONDS };
    let got: T | null = null;
    const right = await this.budgets.attempt([budget], async () => {
      got = await use(this.prisma);
      return got !== null;
    });
    if (!right) throw invalidOneTimeToken('The link is not valid: it was used, has expired, or is for something else. Ask for another.');
    return got!;
  }

  /** Makes all of somebody's tokens worthless but those of these purposes, which somebody else may hold. */
  async revokeAllBut(userId: string, purposes: readonly OneTimePurpose[], db: Db = this.prisma): Promise<void> {
    await execute(db, Prisma.sql`DELETE FROM one_time_tokens WHERE user_id = ${userId}::uuid AND NOT purpose = ANY (${[...purposes]})`);
  }

  /** Makes all of somebody's tokens of these purposes worthless. */
  async revoke(userId: string, purposes: readonly OneTimePurpose[], db: Db = this.prisma): Promise<void> {
    await execute(db, Prisma.sql`DELETE FROM one_time_tokens WHERE user_id = ${userId}::uuid AND purpose = ANY (${[...purposes]})`);
  }

  /** Deletes at most so many that nobody has used in time, and says how many. */
  async purge(limit: number): Promise<number> {
    return execute(
      this.prisma,
      Prisma.sql`DELETE FROM one_time_tokens WHERE hash IN
        (SELECT hash FROM one_time_tokens WHERE expires_at < now() LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
    );
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
