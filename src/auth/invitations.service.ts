import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Env } from '#config';
import { type Db, isUniqueViolation, transaction, type Tx } from '#database';
import { send, template } from '#mail';
import type { Actor } from '#security';
import { RolesService } from '../users/roles.service.js';
import { auditedUser, type User, UsersService } from '../users/users.service.js';
import { RESET_PASSWORD } from './account-mails.service.js';
import { emailTaken } from './auth.errors.js';
import type { InviteUserDto } from './invitations.dto.js';
import { invitationLetter } from './invitations.rules.js';
import { OneTimeTokensService } from './one-time-tokens.service.js';

const invitation = template('auth.invited', invitationLetter);
const DAY_SECONDS = 86_400;

/** Accounts that somebody makes for somebody else: without a password until their mail has been answered. */
@Injectable()
export class InvitationsService {
  constructor(
    private readonly users: UsersService,
    private readonly roles: RolesService,
    private readonly tokens: OneTimeTokensService,
    private readonly env: Env,
  ) {}

  async invite(actor: Actor, { email, name, roles = ['customer'] }: InviteUserDto, db: Db): Promise<User> {
    return transaction(db, async (tx) => {
      await this.roles.refuseUngivable(actor, [], roles, tx);
      const user = await this.insert({ email, name, roles }, tx);
      await record(tx, { actor, action: 'users.invited', resource: auditedUser(user.id), subject: user.id, after: user });
      const seconds = this.env.AUTH_INVITATION_TTL_SECONDS;
      const token = await this.tokens.issue({ purpose: RESET_PASSWORD, userId: user.id, data: { email }, seconds }, tx);
      await send(tx, invitation, { userId: user.id, data: { name, token, days: Math.max(1, Math.round(seconds / DAY_SECONDS)) } });
      return user;
    });
  }

  private insert(user: { email: string; name: string; roles: string[] }, db: Tx): Promise<User> {
    return this.users.create(user, db).catch((error: unknown) => {
      if (isUniqueViolation(error, 'users_email_key')) throw emailTaken('An account with this address exists; change its roles instead.');
      throw error;
    });
  }
}
