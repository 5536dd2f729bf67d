import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { transaction } from '#database';
import { publish } from '#events';
import { auditedUser, type User, UsersService } from '../users/users.service.js';
import { RESET_PASSWORD } from './account-mails.service.js';
import { passwordChanged } from './auth.events.js';
import { ClaimsService } from './claims.service.js';
import type { ResetPasswordDto } from './emails.dto.js';
import { OneTimeTokensService } from './one-time-tokens.service.js';
import { PasswordsService } from './passwords.service.js';

/** A new password for who has forgotten theirs. A second factor stays: the link proves the mailbox and no more. */
@Injectable()
export class RecoveriesService {
  constructor(
    private readonly users: UsersService,
    private readonly tokens: OneTimeTokensService,
    private readonly passwords: PasswordsService,
    private readonly claims: ClaimsService,
  ) {}

  /**
   * Everything that was logged in, and every other link, ends with the old password; the link proves the address, too.
   * @throws auth/invalid-one-time-token, auth/weak-password, auth/too-many-attempts
   */
  async reset({ token, password }: ResetPasswordDto, ip: string): Promise<void> {
    await this.tokens.attempt(ip, async (db) => {
      // A password that is refused does not use the link up.
      const user = await this.holder(token);
      if (user === null) return null;
      await this.passwords.refuseWeak(password, user, { secondFactor: user.mfaEnabled && user.emailVerifiedAt !== null });
      return transaction(db, async (tx) => {
        // Of many who use one link at once, one gets as far as the costly hash.
        const grant = await this.tokens.redeem(RESET_PASSWORD, token, tx);
        const owner = grant && (await this.claims.claim(user.id, user.email, tx));
        if (owner === null) return null;
        await this.passwords.keep(owner.id, await this.passwords.hash(password), tx);
        await this.claims.lockOut(owner.id, 'the password was reset', tx);
        const about = { actor: owner, resource: { type: 'user', id: owner.id }, subject: owner.id };
        await record(tx, { actor: owner, action: 'auth.password-reset', resource: auditedUser(owner.id), subject: owner.id });
        await publish(tx, passwordChanged, { userId: owner.id }, about);
        return true;
      });
    });
  }

  /** Whose link it is, if their address is still the one it was sent to. */
  private async holder(token: string): Promise<User | null> {
    const grant = await this.tokens.read(RESET_PASSWORD, token);
    const user = grant?.userId ? await this.users.find(grant.userId) : null;
    return user?.status === 'active' && user.email === grant?.data['email'] ? user : null;
  }
}
