import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { invalidate } from '#cache';
import { type Db, defined, isUniqueViolation, Prisma, PrismaService, signal, transaction, type Tx } from '#database';
import { publish } from '#events';
import { expectVersion, type ExpectedVersions, keyset, type Page, parseSort, readCursor, toPage } from '#http';
import type { AddressBook } from '#mail';
import { Erasures, Exports, type PersonalExport } from '#privacy';
import type { Actor } from '#security';
import type { ListUsersQuery, UpdateMeDto, UpdateUserDto } from './users.dto.js';
import { externalIdTaken, lastAdmin, userNotFound } from './users.errors.js';
import { userRegistered, userReinstated, userRolesChanged, userSuspended, userUpdated } from './users.events.js';
import { changedRoles } from './roles.rules.js';
import { RolesService } from './roles.service.js';

export type User = Prisma.UserGetPayload<object>;

export const auditedUser = audited('user', {
  email: 'personal',
  name: 'personal',
  emailVerifiedAt: 'plain',
  roles: 'plain',
  status: 'plain',
  externalId: 'personal',
  metadata: 'personal',
});

/** Who exists; somebody who was erased does not. A change of roles or status is signalled, so that sessions follow in every process. */
@Injectable()
export class UsersService implements AddressBook {
  constructor(
    private readonly prisma: PrismaService,
    private readonly erasures: Erasures,
    private readonly exports: Exports,
    private readonly roles: RolesService,
  ) {}

  async me(actor: Actor): Promise<User> {
    return this.find(actor.id).then(orNotFound);
  }

  async updateMe(actor: Actor, changes: UpdateMeDto, expected: ExpectedVersions): Promise<User> {
    return this.change(actor, actor.id, changes, expected);
  }

  async list(_actor: Actor, query: ListUsersQuery): Promise<Page<User>> {
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    if (query.role !== undefined) await this.roles.refuseUnknown([query.role], () => '?role');
    const filters: Prisma.UserWhereInput[] = [{ erasedAt: null }];
    if (query.role !== undefined) filters.push({ roles: { hasEvery: [query.role] } });
    if (query.status !== undefined) filters.push({ status: query.status });
    if (query.q !== undefined)
      filters.push({
        OR: [{ email: { contains: literally(query.q.toLowerCase()) } }, { name: { contains: literally(query.q), mode: 'insensitive' } }],
      });
    const rows = await this.prisma.user.findMany({ where: { AND: [where, ...filters] }, orderBy, take: query.limit + 1 });
    return toPage(
      rows,
      query,
      (user) => user.createdAt,
      (user) => user,
    );
  }

  async get(_actor: Actor, id: string): Promise<User> {
    return this.find(id).then(orNotFound);
  }

  async update(actor: Actor, id: string, changes: UpdateUserDto, expected: ExpectedVersions): Promise<User> {
    return this.change(actor, id, changes, expected);
  }

  /** Asks for a copy of what is held about the caller; one that is under way is the answer, too. */
  async requestExport(actor: Actor, db: Db = this.prisma): Promise<PersonalExport> {
    return transaction(db, async (tx) => {
      const made = await this.exports.request(actor.id, tx);
      await record(tx, { actor, action: 'users.export-requested', resource: auditedUser(actor.id), subject: actor.id });
      return made;
    });
  }

  /**
   * Ends the account at once and has everything else that is held about its person erased. Its address is free again when this returns.
   * Where nobody is left, nothing is left to do.
   */
  async erase(actor: Actor, id: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      await lockAdmins(db);
      const user = await lockUser(id, db);
      if (user === null) throw userNotFound('No user has this id.');
      if (user.erasedAt !== null) return;
      expectVersion(user.version, expected);
      if (id !== actor.id) await this.roles.refuseSuperior(actor, user.roles, db);
      await this.refuseLastAdmin(user, db);
      await this.erasures.begin(user, actor.id, db);
      await record(db, { actor, action: 'users.deleted', resource: auditedUser(id), subject: id, before: user });
      signal(db, 'user', id);
    });
  }

  find(id: string, db: Db = this.prisma): Promise<User | null> {
    return db.user.findUnique({ where: { id, erasedAt: null } });
  }

  /** `email` must be normalised, as `EmailAddress()` does. */
  findByEmail(email: string, db: Db = this.prisma): Promise<User | null> {
    return db.user.findUnique({ where: { email } });
  }

  async addressOf(userId: string): Promise<string | null> {
    return (await this.find(userId))?.email ?? null;
  }

  /** Fails with the unique violation of `users.email` when the address is taken; the caller says what that means. */
  create(user: { email: string; name: string; roles: string[]; emailVerifiedAt?: Date | null }, db: Db = this.prisma): Promise<User> {
    return transaction(db, async (tx) => {
      const created = await tx.user.create({ data: user });
      const about = { actor: null, resource: { type: 'user', id: created.id }, subject: created.id };
      await publish(tx, userRegistered, { userId: created.id, roles: user.roles }, about);
      return created;
    });
  }

  /**
   * Gives an account an address that its person has proven to be theirs; null where the account is gone, or has another one than `from` by
   * now. Fails with the unique violation of `users.email` when somebody else has it.
   */
  async confirmEmail(id: string, { from, to }: { from?: string; to: string }, db: Tx): Promise<{ before: User; after: User } | null> {
    const before = await lockUser(id, db);
    if (before === null || before.erasedAt !== null || (from ?? before.email) !== before.email) return null;
    if (before.email === to && before.emailVerifiedAt !== null) return { before, after: before };
    const data = { email: to, emailVerifiedAt: new Date(), version: { increment: 1 } };
    const after = await db.user.update({ where: { id }, data });
    await record(db, { actor: { id }, action: 'users.email-confirmed', resource: auditedUser(id), subject: id, before, after });
    const changed = before.email === to ? ['emailVerified'] : ['email', 'emailVerified'];
    await publish(db, userUpdated, { userId: id, changed }, { actor: { id }, resource: { type: 'user', id }, subject: id });
    signal(db, 'user', id);
    return { before, after };
  }

  private async change(actor: Actor, id: string, changes: UpdateUserDto, expected: ExpectedVersions): Promise<User> {
    return transaction(this.prisma, async (db) => {
      const losesAdmin = (changes.roles !== undefined && !changes.roles.includes('admin')) || changes.status === 'suspended';
      if (losesAdmin) await lockAdmins(db);
      const current = orNotFound(await lockUser(id, db));
      expectVersion(current.version, expected);
      if (changes.roles !== undefined) await this.roles.refuseUngivable(actor, current.roles, changes.roles, db);
      if (changes.status !== undefined && changes.status !== current.status) await this.roles.refuseSuperior(actor, current.roles, db);
      if (losesAdmin) await this.refuseLastAdmin(current, db);
      signal(db, 'user', id);
      if (changes.name !== undefined) invalidate(db, [`user:${id}`]);
      const after = await db.user
        .update({
          where: { id },
          data: { ...defined(changes), ...(changes.status === 'suspended' && { accessRevokedAt: new Date() }), version: { increment: 1 } },
        })
        .catch((error: unknown) => {
          if (isUniqueViolation(error, 'users_external_id_key')) throw externalIdTaken('Another user already has this externalId.');
          throw error;
        });
      await record(db, { actor, action: 'users.updated', resource: auditedUser(id), subject: id, before: current, after });
      await this.tell(actor, current, changes, db);
      return after;
    });
  }

  private async tell(actor: Actor, before: User, changes: UpdateUserDto, db: Tx): Promise<void> {
    const userId = before.id;
    const about = { actor, resource: { type: 'user', id: userId }, subject: userId };
    const { roles, status, ...profile } = changes;
    const changed = Object.keys(defined(profile));
    if (changed.length > 0) await publish(db, userUpdated, { userId, changed }, about);
    if (roles !== undefined && changedRoles(before.roles, roles).length > 0) await publish(db, userRolesChanged, { userId, roles }, about);
    if (status !== undefined && status !== before.status)
      await publish(db, status === 'suspended' ? userSuspended : userReinstated, { userId }, about);
  }

  private async refuseLastAdmin({ id, roles, status }: User, db: Tx): Promise<void> {
    if (!roles.includes('admin') || status !== 'active') return;
    const others = await db.user.count({ where: { id: { not: id }, roles: { has: 'admin' }, status: 'active' } });
    if (others === 0) throw lastAdmin('This is the only active administrator; make somebody else one first.');
  }
}

/** Administrators are locked together, in order of id, so that two of them cannot depose each other at once. */
async function lockAdmins(db: Tx): Promise<void> {
  await db.$queryRaw`SELECT id FROM users WHERE 'admin' = ANY (roles) AND status = 'active' ORDER BY id FOR UPDATE`;
}

/** The user as they are now, erased or not, kept so until the transaction ends. */
async function lockUser(id: string, db: Tx): Promise<User | null> {
  await db.$queryRaw`SELECT id FROM users WHERE id = ${id}::uuid FOR UPDATE`;
  return db.user.findUnique({ where: { id } });
}

function orNotFound(user: User | null): User {
  if (user === null || user.erasedAt !== null) throw userNotFound('No user has this id.');
  return user;
}

/** Prisma's `contains` is a LIKE pattern: `%` and `_` would match anything. */
function literally(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
