import { Injectable } from '@nestjs/common';
import type { Tx } from '#database';
import { validationFailed } from '#http';
import type { Actor } from '#security';
import { AuthService } from './auth.service.js';
import { CodesService } from './codes.service.js';
import type { StepUpDto } from './factors.dto.js';
import { PasskeysService } from './passkeys.service.js';
import { proofIn } from './proofs.rules.js';
import { type Device, SessionsService } from './sessions.service.js';

/** Proving once more who one is, by any one factor: the session is fresh afterwards. */
@Injectable()
export class StepUpsService {
  constructor(
    private readonly auth: AuthService,
    private readonly codes: CodesService,
    private readonly passkeys: PasskeysService,
    private readonly sessions: SessionsService,
  ) {}

  /** @throws auth/invalid-credentials, auth/invalid-code, auth/invalid-passkey, auth/too-many-attempts */
  async stepUp(actor: Actor, body: StepUpDto, device: Device): Promise<void> {
    const proof = proofIn(body);
    const attempt = { userId: actor.id, purpose: 'auth.step-up', actor } as const;
    const refresh = (db: Tx) => this.sessions.refreshProof(actor, db);
    switch (proof?.kind) {
      case 'password':
        return this.auth.stepUp(actor, proof.password, device);
      case 'code':
        return this.codes.prove({ ...attempt, code: proof.code }, refresh);
      case 'passkey':
        return this.passkeys.prove(proof.assertion, attempt, refresh);
      default:
        throw validationFailed('Send exactly one of: password, code, or what a passkey answers.');
    }
  }
}
