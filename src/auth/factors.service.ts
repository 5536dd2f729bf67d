import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { PrismaService, transaction } from '#database';
import { publish } from '#events';
import type { Actor } from '#security';
import { auditedUser, UsersService } from '../users/users.service.js';
import { CodesService } from './codes.service.js';
import { noSecondFactor, totpNotFound } from './factors.errors.js';
import { factorAdded, factorRemoved, factorsReset } from './factors.events.js';
import { changingFactors, methodsOf } from './factors.queries.js';
import { LOGIN_MFA } from './mfa-tokens.service.js';
import { SessionsService } from './sessions.service.js';

const aboutUser = (actor: Actor, userId: string) => ({ actor, resource: { type: 'user', id: userId }, subject: userId });

/** Second factors other than passkeys: what their users, and staff for them, do about them. */
@Injectable()
export class FactorsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly users: UsersService,
    private readonly codes: CodesService,
    private readonly sessions: SessionsService,
  ) {}

  /** The secret for an authenticator app, which counts once a code of it has come. @throws auth/totp-enabled */
  async beginTotp(actor: Actor): Promise<{ secret: string; otpauthUrl: string }> {
    const user = await this.users.me(actor);
    return transaction(this.prisma, async (db) => {
      const begun = await this.codes.begin(user, db);
      await record(db, { actor, action: 'auth.totp-begun', resource: auditedUser(user.id), subject: user.id });
      return begun;
    });
  }

  /** @returns a new set of recovery codes @throws auth/invalid-code, auth/too-many-attempts */
  async confirmTotp(actor: Actor, code: string): Promise<string[]> {
    const userId = actor.id;
    return this.codes.prove({ userId, code, unconfirmed: true, purpose: 'auth.totp-confirmation', actor }, (db) =>
      changingFactors(userId, db, async () => {
        await record(db, { actor, action: 'auth.totp-added', resource: auditedUser(userId), subject: userId });
        await publish(db, factorAdded, { userId, factor: 'totp' }, aboutUser(actor, userId));
        return this.codes.renew(userId, actor, db);
      }),
    );
  }

  async removeTotp(actor: Actor): Promise<void> {
    const userId = actor.id;
    await transaction(this.prisma, (db) =>
      changingFactors(userId, db, async () => {
        const [removed] = await db.totpSecret.findMany({ where: { userId }, select: { confirmedAt: true } });
        if (removed === undefined) throw totpNotFound('Your account has no authenticator app.');
        await db.totpSecret.delete({ where: { userId } });
        await record(db, { actor, action: 'auth.totp-removed', resource: auditedUser(userId), subject: userId });
        if (removed.confirmedAt !== null) await publish(db, factorRemoved, { userId, factor: 'totp' }, aboutUser(actor, userId));
      }),
    );
  }

  async renewRecoveryCodes(actor: Actor): Promise<string[]> {
    return transaction(this.prisma, (db) =>
      changingFactors(actor.id, db, async () => {
        const factors = (await methodsOf(actor.id, db)).filter((method) => method !== 'recovery-code');
        if (factors.length === 0) throw noSecondFactor('Your account has no second factor that recovery codes could stand in for.');
        return this.codes.renew(actor.id, actor, db);
      }),
    );
  }

  /** Removes all second factors of somebody who has lost them, and ends their sessions. */
  async reset(actor: Actor, userId: string): Promise<void> {
    await this.users.get(actor, userId);
    await transaction(this.prisma, (db) =>
      changingFactors(userId, db, async () => {
        await db.totpSecret.deleteMany({ where: { userId } });
        await db.passkey.deleteMany({ where: { userId } });
        await db.oneTimeToken.deleteMany({ where: { userId, purpose: LOGIN_MFA } });
        await this.sessions.endAll(userId, 'its second factors were reset by staff', db, actor);
        await record(db, { actor, action: 'auth.factors-reset', resource: auditedUser(userId), subject: userId });
        await publish(db, factorsReset, { userId }, aboutUser(actor, userId));
      }),
    );
  }
}
