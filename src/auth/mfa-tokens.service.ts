import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, PrismaService, transaction, type Tx } from '#database';
import type { User } from '../users/users.service.js';
import { invalidMfaToken } from './factors.errors.js';
import { methodsOf } from './factors.queries.js';
import type { FactorMethod } from './factors.rules.js';
import { type OneTimePurpose, OneTimeTokensService } from './one-time-tokens.service.js';
import type { Proven } from './proofs.rules.js';

/** What is left to do after the first factor of somebody who has a second one. */
export interface SecondStep {
  mfaToken: string;
  methods: FactorMethod[];
}

export const LOGIN_MFA: OneTimePurpose = 'login:mfa';
const TTL_SECONDS = 300;
const NEVER = new Date(0);

const auditedFirstStep = audited('user', { by: 'plain' });

/** What connects the two steps of a log-in. It survives wrong codes, and nothing else: success, suspension and another password end it. */
@Injectable()
export class MfaTokensService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly tokens: OneTimeTokensService,
  ) {}

  /** After a first step by this. */
  async issue(user: User, { by }: Proven, within: Db = this.prisma): Promise<SecondStep> {
    const { id: userId } = user;
    return transaction(within, async (db) => {
      const data = { begunAt: Date.now() };
      const mfaToken = await this.tokens.issue({ purpose: LOGIN_MFA, userId, data, seconds: TTL_SECONDS }, db);
      const resource = auditedFirstStep(userId);
      await record(db, { actor: user, action: 'auth.first-step-passed', resource, subject: userId, after: { by } });
      return { mfaToken, methods: await methodsOf(userId, db) };
    });
  }

  /** Whose log-in it is. @throws auth/invalid-mfa-token */
  async read(mfaToken: string): Promise<string> {
    const grant = await this.tokens.read(LOGIN_MFA, mfaToken);
    if (grant === null || grant.userId === null)
      throw invalidMfaToken('The mfaToken is none of ours, was used up or has expired; log in again.');
    return grant.userId;
  }

  /** Uses it up, for the user it was issued to, as they are now. @throws auth/invalid-mfa-token */
  async redeem(mfaToken: string, db: Tx): Promise<User> {
    const grant = await this.tokens.redeem(LOGIN_MFA, mfaToken, db);
    const user =
      grant?.userId && (await db.user.findUnique({ where: { id: grant.userId }, include: { password: { select: { changedAt: true } } } }));
    if (!grant || !user) throw invalidMfaToken('The mfaToken was used up; log in again.');
    const { password, ...entitled } = user;
    const begunAt = new Date(grant.data['begunAt'] as number);
    const changed = [user.accessRevokedAt ?? NEVER, password?.changedAt ?? NEVER].some((at) => at >= begunAt);
    if (user.status !== 'active' || changed) throw invalidMfaToken('The account has changed since this log-in began; log in again.');
    return entitled;
  }
}
