import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { decrypt, encrypt, Env, type NamedKey, namedKeys } from '#config';
import { execute, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { publish } from '#events';
import { senderOf } from '#mail';
import { type Actor, Budgets } from '#security';
import { auditedUser, type User } from '../users/users.service.js';
import { invalidCode, totpEnabled } from './factors.errors.js';
import { recoveryCodesRenewed, recoveryCodeUsed } from './factors.events.js';
import { newRecoveryCode, newTotpSecret, otpauthUrl, RECOVERY_CODES, recoveryCodeHash, timeStepOf } from './factors.rules.js';

const WINDOW_SECONDS = 900;
const DAY_SECONDS = 86_400;

/** A code that somebody gives, and what it is to allow. */
export interface CodeAttempt {
  userId: string;
  /** Of the authenticator app; `unconfirmed` of one that this very code is to confirm. */
  code?: string;
  unconfirmed?: boolean;
  recoveryCode?: string;
  /** Names the failure in the audit log. */
  purpose: 'auth.login' | 'auth.step-up' | 'auth.totp-confirmation';
  /** Who asks; null before a login is finished. */
  actor: Actor | null;
}

type Verdict = 'right' | 'wrong' | 'used';

/** A code that was right and is used up: no guess, so it counts as no failure. */
class CodeUsed extends Error {}

/** Where wrong codes of an account count: of whatever kind, on whatever way they come. */
export function codesBuckets(userId: string): { soon: string; day: string } {
  return { soon: `second-factor ${userId}`, day: `second-factor-day ${userId}` };
}

/** The codes of second factors: those an authenticator app shows, and those kept for when it is lost. Each is good once. */
@Injectable()
export class CodesService {
  private readonly keys: readonly NamedKey[];

  constructor(
    private readonly prisma: PrismaService,
    private readonly budgets: Budgets,
    private readonly env: Env,
  ) {
    this.keys = namedKeys(env, 'totp-secret');
  }

  /** Makes the secret of an authenticator app, which counts once it is confirmed. @throws auth/totp-enabled when another one counts */
  async begin(user: User, db: Tx): Promise<{ secret: string; otpauthUrl: string }> {
    const secret = newTotpSecret();
    const [first] = this.keys;
    const sealed = encrypt(first!.key, user.id, secret);
    const begun = await execute(
      db,
      Prisma.sql`INSERT INTO totp_secrets (user_id, sealed, key_id) VALUES (${user.id}::uuid, ${sealed}, ${first!.id})
        ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, key_id = excluded.key_id, last_step = 0, created_at = now()
        WHERE totp_secrets.confirmed_at IS NULL`,
    );
    if (begun === 0) throw totpEnabled('This account has an authenticator app; remove it before you add another one.');
    const issuer = senderOf(this.env.MAIL_FROM!).name;
    return { secret, otpauthUrl: otpauthUrl(secret, { issuer, account: user.email }) };
  }

  /** A new set of recovery codes; the old ones are worthless. */
  async renew(userId: string, actor: Actor, db: Tx): Promise<string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
    await db.recoveryCode.deleteMany({ where: { userId } });
    await db.recoveryCode.createMany({ data: codes.map((code) => ({ userId, hash: recoveryCodeHash(userId, code) })) });
    await record(db, { actor, action: 'auth.recovery-codes-renewed', resource: auditedUser(userId), subject: userId });
    await publish(db, recoveryCodesRenewed, { userId }, { actor, resource: { type: 'user', id: userId }, subject: userId });
    return codes;
  }

  /**
   * Does what a right code allows, in the transaction that uses the code up. Of many that try one code at once, one succeeds.
   * @throws auth/invalid-code, auth/too-many-attempts
   */
  async prove<T>(attempt: CodeAttempt, then: (db: Tx) => Promise<T>): Promise<T> {
    const { soon, day } = codesBuckets(attempt.userId);
    const { AUTH_LOGIN_FAILURES_PER_WINDOW: limit, AUTH_CODE_FAILURES_PER_DAY: daily } = this.env;
    const budgets = [
      { bucket: soon, limit, windowSeconds: WINDOW_SECONDS, forgive: true },
      // Six digits are guessed in the end by who may try for ever; what a right code forgives would give them the day anew.
      { bucket: day, limit: daily, windowSeconds: DAY_SECONDS },
    ];
    let allowed: { result: T } | undefined;
    try {
      await this.budgets.attempt(budgets, () =>
        transaction(this.prisma, async (db) => {
          const verdict = await this.judge(attempt, db);
          if (verdict === 'used') throw new CodeUsed();
          if (verdict === 'right') allowed = { result: await then(db) };
          return verdict === 'right';
        }),
      );
    } catch (error) {
      if (!(error instanceof CodeUsed)) throw error;
    }
    if (allowed !== undefined) return allowed.result;
    const { userId, purpose, actor } = attempt;
    await record(this.prisma, { actor, action: `${purpose}-failed`, resource: auditedUser(userId), subject: userId, outcome: 'failed' });
    throw invalidCode('The code is wrong or was used before.');
  }

  /** Seals anew what an earlier of ENCRYPTION_KEYS has sealed, so that it may be retired; how many of at most so many there were. */
  async reseal(limit: number): Promise<number> {
    const [first] = this.keys;
    return transaction(this.prisma, async (db) => {
      const old = await rows<SecretRow>(
        db,
        Prisma.sql`${SELECT} WHERE key_id <> ${first!.id} ORDER BY user_id LIMIT ${limit} FOR UPDATE SKIP LOCKED`,
      );
      for (const row of old)
        await execute(
          db,
          Prisma.sql`UPDATE totp_secrets SET sealed = ${encrypt(first!.key, row.userId, this.open(row))}, key_id = ${first!.id}
            WHERE user_id = ${row.userId}::uuid`,
        );
      return old.length;
    });
  }

  private judge({ userId, code, recoveryCode, unconfirmed = false }: CodeAttempt, db: Tx): Promise<Verdict> {
    return code === undefined ? this.useRecoveryCode(userId, recoveryCode ?? '', db) : this.useTotp(userId, code, unconfirmed, db);
  }

  private async useTotp(userId: string, code: string, unconfirmed: boolean, db: Tx): Promise<Verdict> {
    const [row] = await rows<SecretRow>(
      db,
      Prisma.sql`${SELECT} WHERE user_id = ${userId}::uuid AND (confirmed_at IS NULL) = ${unconfirmed}`,
    );
    const step = row && timeStepOf(this.open(row), code, new Date());
    if (row === undefined || step === undefined || step === null) return 'wrong';
    const taken = await execute(
      db,
      Prisma.sql`UPDATE totp_secrets SET last_step = ${step}, confirmed_at = coalesce(confirmed_at, now())
        WHERE user_id = ${userId}::uuid AND sealed = ${row.sealed} AND last_step < ${step} AND (confirmed_at IS NULL) = ${unconfirmed}`,
    );
    return taken === 1 ? 'right' : 'used';
  }

  private async useRecoveryCode(userId: string, code: string, db: Tx): Promise<Verdict> {
    const hash = recoveryCodeHash(userId, code);
    const taken = await execute(
      db,
      Prisma.sql`UPDATE recovery_codes SET used_at = now() WHERE user_id = ${userId}::uuid AND hash = ${hash} AND used_at IS NULL`,
    );
    if (taken === 0) return (await db.recoveryCode.count({ where: { userId, hash } })) === 0 ? 'wrong' : 'used';
    const left = await db.recoveryCode.count({ where: { userId, usedAt: null } });
    const actor = { id: userId };
    await record(db, { actor, action: 'auth.recovery-code-used', resource: auditedUser(userId), subject: userId });
    await publish(db, recoveryCodeUsed, { userId, left }, { actor, resource: { type: 'user', id: userId }, subject: userId });
    return 'right';
  }

  private open({ userId, sealed, keyId }: SecretRow): string {
    const sealing = this.keys.find(({ id }) => id === keyId);
    const secret = sealing && decrypt(sealing.key, userId, sealed);
    if (!secret)
      throw new Error(`A TOTP secret was sealed by another of ENCRYPTION_KEYS (${keyId}): put the retired one back, behind the first.`);
    return secret.toString('utf8');
  }
}

interface SecretRow {
  userId: string;
  sealed: Buffer<ArrayBuffer>;
  keyId: string;
}

const SELECT = Prisma.sql`SELECT user_id AS "userId", sealed, key_id AS "keyId" FROM totp_secrets`;
