import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { PrismaService, transaction } from '#database';
import { publish } from '#events';
import type { Actor } from '#security';
import { customRolesAmong } from '../users/roles.service.js';
import { type User, UsersService } from '../users/users.service.js';
import { impersonationRefused } from './impersonations.errors.js';
import { impersonationStarted } from './impersonations.events.js';
import { whyNotAs } from './impersonations.rules.js';
import { SessionsService } from './sessions.service.js';

export interface Impersonation {
  sessionId: string;
  user: User;
  accessToken: string;
  expiresIn: number;
}

const auditedImpersonation = audited('session', { impersonatorId: 'plain' });

/** Acting as somebody else, for a short time and visibly: in the token, in the audit log, in the user's sessions. */
@Injectable()
export class ImpersonationsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
  ) {}

  async begin(actor: Actor, userId: string): Promise<Impersonation> {
    return transaction(this.prisma, async (db) => {
      const user = await this.users.get(actor, userId);
      const custom = await customRolesAmong([...actor.roles, ...user.roles], db);
      // What changes after this the directory sees at each look.
      const refusal =
        user.id === actor.id ? 'You are this user.' : user.status === 'active' ? whyNotAs(actor, user, custom) : 'This user is suspended.';
      if (refusal !== null) throw impersonationRefused(refusal);
      const begun = await this.sessions.impersonate(actor, user, db);
      const { sessionId } = begun;
      const after = { impersonatorId: actor.id };
      await record(db, { actor, action: 'auth.impersonated', resource: auditedImpersonation(sessionId), subject: userId, after });
      const about = { actor, resource: { type: 'session', id: sessionId }, subject: userId };
      await publish(db, impersonationStarted, { sessionId, userId, impersonatorId: actor.id }, about);
      return { ...begun, user };
    });
  }
}
