import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import type { Tx } from '#database';
import { auditedUser, type User, UsersService } from '../users/users.service.js';
import { removeCredentials } from './credentials.queries.js';
import { OneTimeTokensService } from './one-time-tokens.service.js';
import { SessionsService } from './sessions.service.js';

/** The former owner of an address keeps the way back, whatever the present one does. */
export const UNDO_EMAIL_CHANGE = 'email:undo';

/**
 * Who has proven that the address is theirs owns the account. One that was never confirmed may have been made by somebody else, who waits
 * for its owner to come (better-auth GHSA-qq9h-g4jm-xgf3): what was planted there does not survive.
 */
@Injectable()
export class ClaimsService {
  constructor(
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly tokens: OneTimeTokensService,
  ) {}

  /**
   * Confirms the address of an account for somebody who has proven it by other means than what the account was made with (a mailed link to
   * a new password, a provider's word). Every way of logging in that was there before the first such proof goes. Null: it is gone.
   */
  async claim(userId: string, email: string, db: Tx): Promise<User | null> {
    const confirmed = await this.users.confirmEmail(userId, { from: email, to: email }, db);
    if (confirmed?.before.emailVerifiedAt === null) {
      await removeCredentials(userId, { factors: true }, db);
      await this.lockOut(userId, 'the owner of the address took the account over', db);
      await record(db, { actor: { id: userId }, action: 'auth.account-claimed', resource: auditedUser(userId), subject: userId });
    }
    return confirmed?.after ?? null;
  }

  /**
   * Takes away what somebody else may log in with. An authenticator app stays: who only reads the mailbox of an address that was given up
   * must not get around it.
   */
  async evict(userId: string, because: string, db: Tx): Promise<void> {
    await removeCredentials(userId, { factors: false }, db);
    await this.lockOut(userId, because, db);
  }

  /** Ends what anybody else may have under way: all sessions, and all links but those that undo a change of address. */
  async lockOut(userId: string, because: string, db: Tx): Promise<void> {
    await this.tokens.revokeAllBut(userId, [UNDO_EMAIL_CHANGE], db);
    await this.sessions.endAll(userId, because, db);
  }
}
