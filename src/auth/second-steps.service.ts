import { Injectable } from '@nestjs/common';
import type { Tx } from '#database';
import { validationFailed } from '#http';
import { CodesService } from './codes.service.js';
import type { SecondStepDto } from './factors.dto.js';
import { MfaTokensService } from './mfa-tokens.service.js';
import { PasskeysService } from './passkeys.service.js';
import { proofIn } from './proofs.rules.js';
import { type Device, SessionsService, type Tokens } from './sessions.service.js';

/** The second step of a log-in: a code, a recovery code or a passkey, after whatever came first. */
@Injectable()
export class SecondStepsService {
  constructor(
    private readonly mfaTokens: MfaTokensService,
    private readonly codes: CodesService,
    private readonly passkeys: PasskeysService,
    private readonly sessions: SessionsService,
  ) {}

  /** @throws auth/invalid-mfa-token, auth/invalid-code, auth/invalid-passkey, auth/too-many-attempts */
  async finish({ mfaToken, transport: _, ...body }: SecondStepDto, device: Device): Promise<Tokens> {
    const proof = proofIn(body);
    if (proof === null || proof.kind === 'password')
      throw validationFailed('Send exactly one of: code, recoveryCode, or what a passkey answers.');
    const userId = await this.mfaTokens.read(mfaToken);
    const open = async (db: Tx) => this.sessions.open(await this.mfaTokens.redeem(mfaToken, db), device, { by: proof.kind }, db);
    const attempt = { userId, purpose: 'auth.login', actor: null } as const;
    if (proof.kind === 'passkey') return this.passkeys.prove(proof.assertion, attempt, open);
    return this.codes.prove({ ...attempt, ...proof }, open);
  }
}
