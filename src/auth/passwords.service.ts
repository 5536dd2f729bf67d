import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { pseudonym, record } from '#audit';
import { Env } from '#config';
import { type Db, execute, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { type Actor, Budgets, clientNetwork } from '#security';
import { invalidCredentials } from './auth.errors.js';
import { isWeakerThan, normalise } from './passwords.rules.js';
import { type PasswordContext, type PasswordOwner, WeakPasswordsService } from './weak-passwords.service.js';

// OWASP Password Storage Cheat Sheet: the least for argon2id. 64 MiB a hash would kill a small container under parallel log-ins.
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const WINDOW_SECONDS = 900;
const ADDRESS_FACTOR = 10;
/** The hash of nobody's password: verified where there is none, so that unknown addresses take as long as known ones. */
const NOBODY = await hash(createHash('sha256').update(String(process.hrtime.bigint())).digest('hex'), PARAMETERS);

/** Tells whoever counts (tests, an operator's agent) of each verification. */
const verifications = channel('ashlar:password-verification');
/** Says nothing of which it was: no such account, another password, suspended, or not confirmed yet. */
const WRONG = 'The address or the password is wrong.';

const NO_ID = '00000000-0000-0000-0000-000000000000';

/** Who proves an account: the account's id where the address has one, and where the attempt comes from. */
export interface PasswordAttempt {
  userId: string | null;
  /** What the attempt names, known or not: attempts on unknown addresses are limited alike. */
  email: string;
  password: string;
  ip: string;
  /** What the password is to allow: names the failure in the audit log. */
  purpose: 'auth.login' | 'auth.password-change' | 'auth.step-up';
  /** Who asks; null before a login. */
  actor: Actor | null;
  /** Whose account the address is, whether or not it may log in. */
  subject: string | null;
}

/** Where the failures of log-ins with this address count. */
export function accountBucket(email: string): string {
  return `password ${createHash('sha256').update(email).digest('base64url')}`;
}

/** Keeps and proves passwords. Every attempt, for whomever, costs one verification and a place in two budgets of failures. */
@Injectable()
export class PasswordsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly budgets: Budgets,
    private readonly env: Env,
    private readonly weak: WeakPasswordsService,
  ) {}

  /** The hash of a new password. @throws auth/weak-password with advice */
  async hashNew(password: string, owner: PasswordOwner, context: PasswordContext = {}): Promise<string> {
    await this.refuseWeak(password, owner, context);
    return this.hash(password);
  }

  /** @throws auth/weak-password with advice */
  async refuseWeak(password: string, owner: PasswordOwner, context: PasswordContext = {}): Promise<void> {
    await this.weak.refuse(normalise(password), owner, context);
  }

  hash(password: string): Promise<string> {
    return hash(normalise(password), PARAMETERS);
  }

  async keep(userId: string, passwordHash: string, db: Db = this.prisma): Promise<void> {
    await db.password.upsert({
      where: { userId },
      create: { userId, hash: passwordHash },
      update: { hash: passwordHash, changedAt: new Date() },
    });
  }

  /**
   * Proves that the password is the account's, and returns the hash that it fits, for `whileItHolds`.
   * @throws auth/invalid-credentials, auth/too-many-attempts
   */
  async prove({ userId, email, password, ip, purpose, actor, subject }: PasswordAttempt): Promise<string> {
    const limit = this.env.AUTH_LOGIN_FAILURES_PER_WINDOW;
    const account = { bucket: accountBucket(email), limit, windowSeconds: WINDOW_SECONDS, forgive: true };
    const address = { bucket: `password-from ${clientNetwork(ip)}`, limit: limit * ADDRESS_FACTOR, windowSeconds: WINDOW_SECONDS };
    let fitting: string | null = null;
    const right = await this.budgets.attempt([account, address], async () => {
      fitting = await this.fitting(userId, normalise(password));
      return fitting !== null;
    });
    if (right) return this.upgraded(userId!, fitting!, normalise(password));
    const resource = subject === null ? { type: 'address', id: pseudonym(this.prisma, email) } : { type: 'user', id: subject };
    await record(this.prisma, { actor, action: `${purpose}-failed`, resource, subject, outcome: 'failed' });
    throw invalidCredentials(WRONG);
  }

  /**
   * Does what a proven password allows, in a transaction in which it stays the account's: a log-in whose password is replaced while it is
   * being verified must not open a session after all others have ended. @throws auth/invalid-credentials
   */
  async whileItHolds<T>(userId: string, proven: string, work: (db: Tx) => Promise<T>): Promise<T> {
    return transaction(this.prisma, async (db) => {
      const held = await rows(
        db,
        Prisma.sql`SELECT 1 AS one FROM passwords WHERE user_id = ${userId}::uuid AND hash = ${proven} FOR SHARE`,
      );
      if (held.length === 0) throw invalidCredentials(WRONG);
      return work(db);
    });
  }

  /** The hash that the password fits; null when it fits none. */
  private async fitting(userId: string | null, password: string): Promise<string | null> {
    const known = await this.prisma.password.findUnique({ where: { userId: userId ?? NO_ID } }); // asked for nobody, too, so that both take as long
    const right = await this.verify(known?.hash ?? NOBODY, password);
    return right && known !== null ? known.hash : null;
  }

  /** The one verification that every attempt costs. */
  private verify(kept: string, password: string): Promise<boolean> {
    verifications.publish(undefined);
    return verify(kept, password);
  }

  /** Hashes a password anew that was hashed with less than what is due today, unless it was changed meanwhile. */
  private async upgraded(userId: string, kept: string, password: string): Promise<string> {
    if (!isWeakerThan(kept, PARAMETERS)) return kept;
    const stronger = await hash(password, PARAMETERS);
    const changed = await execute(
      this.prisma,
      Prisma.sql`UPDATE passwords SET hash = ${stronger} WHERE user_id = ${userId}::uuid AND hash = ${kept}`,
    );
    return changed === 1 ? stronger : kept;
  }
}
