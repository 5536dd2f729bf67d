import { Injectable } from '@nestjs/common';
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import { PasskeysService } from './passkeys.service.js';
import { type Device, SessionsService, type Tokens } from './sessions.service.js';

/** Logging in by a passkey alone: it is in somebody's hands and has verified them, which are two factors. */
@Injectable()
export class PasskeyLoginsService {
  constructor(
    private readonly passkeys: PasskeysService,
    private readonly sessions: SessionsService,
  ) {}

  /** @throws auth/invalid-passkey */
  async login(answer: AuthenticationResponseJSON, device: Device): Promise<Tokens> {
    return this.passkeys.prove(answer, { userId: null, purpose: 'auth.login', actor: null }, (db, user) =>
      this.sessions.open(user, device, { by: 'passkey' }, db),
    );
  }
}
