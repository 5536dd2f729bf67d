import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { PrismaService } from '#database';
import type { Actor } from '#security';
import { customRolesAmong } from '../users/roles.service.js';
import { type User, UsersService } from '../users/users.service.js';
import type { ExplainQuery } from './explanations.dto.js';
import { explain, type Explanation } from './explanations.rules.js';
import { lacksFactor } from './factors.rules.js';

export interface Explained {
  user: User;
  explanation: Explanation;
  resource: string | null;
}

/** Why somebody may or may not: for who is asked "why can she not". */
@Injectable()
export class ExplanationsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly users: UsersService,
    private readonly env: Env,
  ) {}

  async explain(actor: Actor, { userId = actor.id, permission, resource = undefined }: ExplainQuery): Promise<Explained> {
    const user = await this.users.get(actor, userId);
    const custom = await customRolesAmong(user.roles, this.prisma);
    const account = { ...user, lacksFactor: lacksFactor(user, this.env.AUTH_MFA_REQUIRED_ROLES) };
    return { user, explanation: explain(account, permission, custom), resource: resource ?? null };
  }
}
