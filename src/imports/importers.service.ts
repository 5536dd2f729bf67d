import { Injectable } from '@nestjs/common';
import { Actor } from '#security';
import { RolesService } from '../users/roles.service.js';
import { UsersService } from '../users/users.service.js';
import type { ImportOptionsQuery } from './imports.dto.js';
import { importNotAllowed } from './imports.errors.js';
import type { PostImport } from './imports.queries.js';

/** What an import may use of what its owner may do. */
export const RIGHTS = ['posts:write', 'posts:publish', 'posts:manage', 'files:write'] as const;

/** Who may import what: when they ask for it, and again while it goes on without them. */
@Injectable()
export class ImportersService {
  constructor(
    private readonly users: UsersService,
    private readonly roles: RolesService,
  ) {}

  /** @throws posts/import-not-allowed */
  async check(actor: Actor, { author, publish: publishes }: ImportOptionsQuery): Promise<void> {
    if (publishes && !actor.can('posts:publish')) throw importNotAllowed('To publish what is imported takes the permission posts:publish.');
    if (author === undefined || author === actor.id) return;
    if (!actor.can('posts:manage')) throw importNotAllowed('To import for somebody else takes the permission posts:manage.');
    if ((await this.users.find(author)) === null) throw importNotAllowed('Nobody has the id that `author` names.');
  }

  /** Who asked, with what of it they might do then and may do still. @throws posts/import-not-allowed */
  async actorOf({ id, ownerId, impersonatorId, rights, publish, authorId, createdAt }: PostImport): Promise<Actor> {
    const user = await this.users.find(ownerId);
    if (user === null || user.status !== 'active') throw importNotAllowed('The account that asked for it is not active any more.');
    const may = await this.roles.permissionsOf(user.roles);
    const permissions = new Set(rights.filter((right) => may.has(right)));
    const wanted = ['posts:write', ...(publish ? ['posts:publish'] : []), ...(authorId === ownerId ? [] : ['posts:manage'])];
    if (wanted.some((permission) => !permissions.has(permission))) throw importNotAllowed('Who asked for it may not do it any more.');
    return new Actor({
      userId: ownerId,
      sessionId: id,
      roles: user.roles,
      permissions,
      via: 'session',
      provenAt: createdAt,
      impersonatorId,
    });
  }
}
