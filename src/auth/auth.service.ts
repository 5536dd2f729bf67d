import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { PrismaService, transaction } from '#database';
import { publish } from '#events';
import type { Actor } from '#security';
import { auditedUser, UsersService } from '../users/users.service.js';
import type { ChangePasswordDto } from './auth.dto.js';
import { passwordChanged } from './auth.events.js';
import { secondFactorRequired } from './factors.errors.js';
import { PasswordsService } from './passwords.service.js';
import { type Device, SessionsService } from './sessions.service.js';

/** What somebody who is logged in does about how they prove who they are. */
@Injectable()
export class AuthService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly users: UsersService,
    private readonly passwords: PasswordsService,
    private readonly sessions: SessionsService,
  ) {}

  /**
   * Makes the actor's session fresh by their password, where that is all they log in with.
   * @throws auth/second-factor-required, auth/invalid-credentials, auth/too-many-attempts
   */
  async stepUp(actor: Actor, password: string, device: Device): Promise<void> {
    const user = await this.users.me(actor);
    if (user.mfaEnabled) throw secondFactorRequired('This account has a second factor: send a code, or what the passkey answers.');
    const attempt = { userId: user.id, email: user.email, password, ip: device.ip };
    await this.passwords.prove({ ...attempt, purpose: 'auth.step-up', actor, subject: user.id });
    await this.sessions.refreshProof(actor);
  }

  async changePassword(actor: Actor, { currentPassword, newPassword }: ChangePasswordDto, device: Device): Promise<void> {
    const user = await this.users.me(actor);
    const attempt = { userId: user.id, email: user.email, password: currentPassword, ip: device.ip };
    await this.passwords.prove({ ...attempt, purpose: 'auth.password-change', actor, subject: user.id });
    const hash = await this.passwords.hashNew(newPassword, user, { member: 'newPassword', secondFactor: user.mfaEnabled });
    await transaction(this.prisma, async (db) => {
      await this.passwords.keep(user.id, hash, db);
      await record(db, { actor, action: 'auth.password-changed', resource: auditedUser(user.id), subject: user.id });
      const about = { actor, resource: { type: 'user', id: user.id }, subject: user.id };
      await publish(db, passwordChanged, { userId: user.id }, about);
      await this.sessions.endOthers(actor, 'the password was changed', db);
    });
  }
}
