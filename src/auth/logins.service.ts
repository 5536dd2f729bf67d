import { Injectable } from '@nestjs/common';
import type { Db } from '#database';
import { type User, UsersService } from '../users/users.service.js';
import type { LoginDto } from './auth.dto.js';
import { invalidCredentials } from './auth.errors.js';
import { MfaTokensService, type SecondStep } from './mfa-tokens.service.js';
import { PasswordsService } from './passwords.service.js';
import type { Proven } from './proofs.rules.js';
import { type Device, SessionsService, type Tokens } from './sessions.service.js';

/** What a proof of one factor leads to: a session, or the question for the second factor. */
export type LoginOutcome = Tokens | SecondStep;

/** Logging in: the password, and where every other way ends, too. */
@Injectable()
export class LoginsService {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: PasswordsService,
    private readonly sessions: SessionsService,
    private readonly mfaTokens: MfaTokensService,
  ) {}

  /** Unknown, suspended and unconfirmed accounts are worked on alike, by the password of nobody. */
  async login({ email, password }: LoginDto, device: Device): Promise<LoginOutcome> {
    const user = await this.users.findByEmail(email);
    const admitted = user !== null && this.sessions.admits(user) ? user : null;
    const attempt = { userId: admitted?.id ?? null, email, password, ip: device.ip };
    const proven = await this.passwords.prove({ ...attempt, purpose: 'auth.login', actor: null, subject: user?.id ?? null });
    if (admitted === null) throw invalidCredentials('The address or the password is wrong.');
    return this.passwords.whileItHolds(admitted.id, proven, (db) => this.complete(admitted, device, { by: 'password' }, db));
  }

  /** Goes on for somebody who has just proven by one factor (a password, an account elsewhere) that they are this active user. */
  async complete(user: User, device: Device, proven: Proven, db?: Db): Promise<LoginOutcome> {
    return user.mfaEnabled ? this.mfaTokens.issue(user, proven, db) : this.sessions.open(user, device, proven, db);
  }
}
