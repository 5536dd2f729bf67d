import { Injectable } from '@nestjs/common';
import type { Db, Tx } from '#database';
import { validationFailed } from '#http';
import type { User } from '../users/users.service.js';
import { CodesService } from './codes.service.js';
import type { SecondStepDto } from './factors.dto.js';
import { invalidMfaToken } from './factors.errors.js';
import type { FactorMethod } from './factors.rules.js';
import { type OneTimeGrant, type OneTimePurpose, OneTimeTokensService } from './one-time-tokens.service.js';
import { PasskeysService } from './passkeys.service.js';
import { proofIn } from './proofs.rules.js';
import { type Device, SessionsService, type Tokens } from './sessions.service.js';

/** What is left to do after the first factor of somebody who has a second one. */
export interface SecondStep {
  mfaToken: string;
  methods: FactorMethod[];
}

export const LOGIN_MFA: OneTimePurpose = 'login:mfa';
const TTL_SECONDS = 300;

/** The second step of a log-in. Its token survives wrong codes, and nothing else: success, suspension and another password end it. */
@Injectable()
export class SecondStepsService {
  constructor(
    private readonly tokens: OneTimeTokensService,
    private readonly codes: CodesService,
    private readonly passkeys: PasskeysService,
    private readonly sessions: SessionsService,
  ) {}

  async begin({ id: userId }: User, db?: Db): Promise<SecondStep> {
    const methods = await this.codes.methodsOf(userId, db);
    const mfaToken = await this.tokens.issue({ purpose: LOGIN_MFA, userId, data: { begunAt: Date.now() }, seconds: TTL_SECONDS }, db);
    return { mfaToken, methods };
  }

  /** @throws auth/invalid-mfa-token, auth/invalid-code, auth/invalid-passkey, auth/too-many-attempts */
  async finish({ mfaToken, ...body }: SecondStepDto, device: Device): Promise<Tokens> {
    const proof = proofIn(body);
    if (proof === null || proof.kind === 'password')
      throw validationFailed('Send exactly one of: code, recoveryCode, or what a passkey answers.');
    const grant = await this.tokens.read(LOGIN_MFA, mfaToken);
    if (grant?.userId == null) throw invalidMfaToken('The mfaToken is none of ours, was used up or has expired; log in again.');
    const open = (db: Tx) => this.open(mfaToken, grant, device, db);
    const attempt = { userId: grant.userId, purpose: 'auth.login', actor: null } as const;
    if (proof.kind === 'passkey') return this.passkeys.prove(proof.assertion, attempt, open);
    return this.codes.prove({ ...attempt, ...proof }, open);
  }

  private async open(mfaToken: string, { userId, data }: OneTimeGrant, device: Device, db: Tx): Promise<Tokens> {
    const user = await db.user.findUniqueOrThrow({ where: { id: userId! }, include: { password: { select: { changedAt: true } } } });
    const begunAt = new Date(data['begunAt'] as number);
    const changed = [user.accessRevokedAt, user.password?.changedAt].some((at) => at != null && at >= begunAt);
    const redeemed = await this.tokens.redeem(LOGIN_MFA, mfaToken, db);
    if (user.status !== 'active' || changed || redeemed === null)
      throw invalidMfaToken('The mfaToken was used up, or the account has changed since; log in again.');
    return this.sessions.open(user, device, db);
  }
}
