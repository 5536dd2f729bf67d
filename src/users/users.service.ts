import { Injectable } from '@nestjs/common';
import { type Db, defined, isUniqueViolation, Prisma, PrismaService, Signals, transaction } from '#database';
import { expectVersion, type ExpectedVersions, keyset, type Page, parseSort, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import type { ListUsersQuery, UpdateMeDto, UpdateUserDto } from './users.dto.js';
import { externalIdTaken, lastAdmin, userNotFound } from './users.errors.js';
import type { Role } from './roles.rules.js';

export type User = Prisma.UserGetPayload<object>;

/** Who exists. A change of roles or status is signalled, so that sessions follow in every process. */
@Injectable()
export class UsersService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly signals: Signals,
  ) {}

  async me(actor: Actor): Promise<User> {
    return this.find(actor.id).then(orNotFound);
  }

  async updateMe(actor: Actor, changes: UpdateMeDto, expected: ExpectedVersions): Promise<User> {
    return this.change(actor.id, changes, expected);
  }

  async list(_actor: Actor, query: ListUsersQuery): Promise<Page<User>> {
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const filters: Prisma.UserWhereInput[] = [];
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

  async update(_actor: Actor, id: string, changes: UpdateUserDto, expected: ExpectedVersions): Promise<User> {
    const user = await this.change(id, changes, expected);
    this.signals.send('user', id);
    return user;
  }

  find(id: string, db: Db = this.prisma): Promise<User | null> {
    return db.user.findUnique({ where: { id } });
  }

  /** `email` must be normalised, as `EmailAddress()` does. */
  findByEmail(email: string, db: Db = this.prisma): Promise<User | null> {
    return db.user.findUnique({ where: { email } });
  }

  /** Fails with the unique violation of `users.email` when the address is taken; the caller says what that means. */
  create(user: { email: string; name: string; roles: Role[] }, db: Db = this.prisma): Promise<User> {
    return db.user.create({ data: user });
  }

  private async change(id: string, changes: UpdateUserDto, expected: ExpectedVersions): Promise<User> {
    return transaction(this.prisma, async (db) => {
      const losesAdmin = (changes.roles !== undefined && !changes.roles.includes('admin')) || changes.status === 'suspended';
      // Administrators are locked together, in order of id, so that two of them cannot depose each other at once.
      if (losesAdmin) await db.$queryRaw`SELECT id FROM users WHERE 'admin' = ANY (roles) AND status = 'active' ORDER BY id FOR UPDATE`;
      await db.$queryRaw`SELECT id FROM users WHERE id = ${id}::uuid FOR UPDATE`;
      const current = orNotFound(await this.find(id, db));
      expectVersion(current.version, expected);
      if (losesAdmin && current.roles.includes('admin') && current.status === 'active') {
        const others = await db.user.count({ where: { id: { not: id }, roles: { has: 'admin' }, status: 'active' } });
        if (others === 0) throw lastAdmin('This is the only active administrator; make somebody else one first.');
      }
      return db.user
        .update({
          where: { id },
          data: { ...defined(changes), ...(changes.status === 'suspended' && { accessRevokedAt: new Date() }), version: { increment: 1 } },
        })
        .catch((error: unknown) => {
          if (isUniqueViolation(error, 'external_id')) throw externalIdTaken('Another user already has this externalId.');
          throw error;
        });
    });
  }
}

function orNotFound(user: User | null): User {
  if (user === null) throw userNotFound('No user has this id.');
  return user;
}

/** Prisma's `contains` is a LIKE pattern: `%` and `_` would match anything. */
function literally(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
