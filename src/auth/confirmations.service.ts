import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { execute, isUniqueViolation, Prisma, transaction, type Tx } from '#database';
import { auditedUser } from '../users/users.service.js';
import { AccountMailsService, CHANGE_EMAIL, VERIFY_EMAIL } from './account-mails.service.js';
import { AccountsService } from './accounts.service.js';
import { ClaimsService, UNDO_EMAIL_CHANGE } from './claims.service.js';
import { type OneTimeGrant, OneTimeTokensService } from './one-time-tokens.service.js';

/** What the links do that mails about addresses hold: confirm one, change it, take a change back. */
@Injectable()
export class ConfirmationsService {
  constructor(
    private readonly tokens: OneTimeTokensService,
    private readonly accounts: AccountsService,
    private readonly claims: ClaimsService,
    private readonly mails: AccountMailsService,
  ) {}

  /** @throws auth/invalid-one-time-token, auth/too-many-attempts */
  async confirm(token: string, ip: string): Promise<void> {
    await this.tokens.attempt(ip, (db) =>
      transaction(db, async (tx) => {
        const registered = await this.tokens.redeem(VERIFY_EMAIL, token, tx);
        if (registered !== null) return this.register(registered, tx);
        const moving = await this.tokens.redeem(CHANGE_EMAIL, token, tx);
        if (moving !== null) return this.move(moving, tx);
        const undoing = await this.tokens.redeem(UNDO_EMAIL_CHANGE, token, tx);
        return undoing && this.undo(undoing, tx);
      }).catch((error: unknown) => {
        if (isUniqueViolation(error, 'users_email_key')) return null; // the address has become somebody else's
        throw error;
      }),
    );
  }

  private async register({ userId, data }: OneTimeGrant, db: Tx): Promise<true | null> {
    const { email, prepared } = data as { email: string; prepared?: string };
    const user = await this.accounts.confirm(userId!, { email, prepared }, db);
    if (user === null) return null;
    await this.tokens.revoke(user.id, [VERIFY_EMAIL], db);
    return true;
  }

  /** Links that went to the former address are worth nothing any more, but for the one that takes it back. */
  private async move({ userId, data }: OneTimeGrant, db: Tx): Promise<true | null> {
    const { email, from } = data as { email: string; from: string };
    const user = await this.accounts.move(userId!, { from, to: email }, db);
    if (user === null) return null;
    await this.tokens.revokeAllBut(user.id, [UNDO_EMAIL_CHANGE], db);
    await this.mails.changed(user.id, from, db);
    return true;
  }

  /** Whoever changed the address may be somebody else: nothing of what they know or hold lets them in again. */
  private async undo({ userId, data }: OneTimeGrant, db: Tx): Promise<true | null> {
    const { email, changedAt } = data as { email: string; changedAt: string };
    const user = await this.accounts.move(userId!, { to: email }, db);
    if (user === null) return null;
    // What was changed after it cannot be taken back to: the address in between may be an intruder's.
    await execute(
      db,
      Prisma.sql`DELETE FROM one_time_tokens WHERE user_id = ${user.id}::uuid AND purpose = ${UNDO_EMAIL_CHANGE} AND data->>'changedAt' > ${changedAt}`,
    );
    await this.claims.evict(user.id, 'the change of its address was undone', db);
    await record(db, { actor: { id: user.id }, action: 'auth.email-change-undone', resource: auditedUser(user.id), subject: user.id });
    await this.mails.recovery(user, db);
    return true;
  }
}
