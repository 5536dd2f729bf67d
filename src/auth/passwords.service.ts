import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { pseudonym, record } from '#audit';
import { Env } from '#config';
import { type Db, PrismaService } from '#database';
import { type Actor, Budgets, clientNetwork } from '#security';
import { invalidCredentials, weakPassword } from './auth.errors.js';
import { normalise, weakness } from './passwords.rules.js';

// OWASP Password Storage Cheat Sheet: the least for argon2id. 64 MiB a hash would kill a small container under parallel log-ins.
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const WINDOW_SECONDS = 900;
const ADDRESS_FACTOR = 10;
/** The hash of nobody's password: verified where there is none, so that unknown addresses take as long as known ones. */
const NOBODY = await hash(createHash('sha256').update(String(process.hrtime.bigint())).digest('hex'), PARAMETERS);

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
  ) {}

  /** The hash of a new password, which came as this member of the body. @throws auth/weak-password with advice */
  async hashNew(password: string, person: { name: string; email: string }, member = 'password'): Promise<string> {
    const normalised = normalise(password);
    const advice = weakness(normalised, person);
    if (advice !== null) throw weakPassword(advice, { fields: [{ pointer: `/${member}`, code: 'weak', detail: advice }] });
    return hash(normalised, PARAMETERS);
  }

  async keep(userId: string, passwordHash: string, db: Db = this.prisma): Promise<void> {
    await db.password.upsert({
      where: { userId },
      create: { userId, hash: passwordHash },
      update: { hash: passwordHash, changedAt: new Date() },
    });
  }

  /** Proves that the password is the account's. @throws auth/invalid-credentials, auth/too-many-attempts */
  async prove({ userId, email, password, ip, purpose, actor, subject }: PasswordAttempt): Promise<void> {
    const limit = this.env.AUTH_LOGIN_FAILURES_PER_WINDOW;
    const account = { bucket: accountBucket(email), limit, windowSeconds: WINDOW_SECONDS, forgive: true };
    const address = { bucket: `password-from ${clientNetwork(ip)}`, limit: limit * ADDRESS_FACTOR, windowSeconds: WINDOW_SECONDS };
    const right = await this.budgets.attempt([account, address], () => this.matches(userId, normalise(password)));
    if (right) return;
    const resource = subject === null ? { type: 'address', id: pseudonym(this.prisma, email) } : { type: 'user', id: subject };
    await record(this.prisma, { actor, action: `${purpose}-failed`, resource, subject, outcome: 'failed' });
    throw invalidCredentials('The address or the password is wrong.');
  }

  private async matches(userId: string | null, password: string): Promise<boolean> {
    const known = await this.prisma.password.findUnique({ where: { userId: userId ?? NO_ID } }); // asked for nobody, too, so that both take as long
    const right = await verify(known?.hash ?? NOBODY, password);
    return right && known !== null;
  }
}
