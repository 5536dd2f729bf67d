import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, defined, isUniqueViolation, Prisma, PrismaService, rows, signal, transaction, type Tx } from '#database';
import { publish } from '#events';
import { expectVersion, type ExpectedVersions } from '#http';
import type { Actor, Permission } from '#security';
import type { CreateRoleDto, DescribedRole, UpdateRoleDto } from './roles.dto.js';
import {
  beyondYours,
  roleBuiltIn,
  roleExists,
  roleInUse,
  roleNotFound,
  tooManyRoles,
  unknownPermissions,
  unknownRoles,
} from './roles.errors.js';
import { roleCreated, roleDeleted, roleUpdated } from './roles.events.js';
import { ABOUT, ALL_PERMISSIONS, changedRoles, type CustomRoles, isBuiltIn, lacking, permissionsOf, ROLES } from './roles.rules.js';

type Row = Prisma.RoleGetPayload<object>;

const MOST_ROLES = 100;

const auditedRole = audited('role', { description: 'plain', permissions: 'plain' });

/**
 * Roles beside those of the code. Nobody gives by a role what they do not have; a change is signalled, so that whoever has the role follows
 * in every process.
 */
@Injectable()
export class RolesService {
  constructor(private readonly prisma: PrismaService) {}

  async list(_actor: Actor): Promise<DescribedRole[]> {
    const custom = await this.prisma.role.findMany({ orderBy: { name: 'asc' }, take: MOST_ROLES });
    return [...ROLES.map(builtIn), ...custom.map(described)];
  }

  async get(_actor: Actor, name: string): Promise<DescribedRole> {
    if (isBuiltIn(name)) return builtIn(name);
    return described(orNotFound(await this.prisma.role.findUnique({ where: { name: storable(name) } })));
  }

  async create(actor: Actor, { name, description = '', permissions }: CreateRoleDto, db: Db = this.prisma): Promise<DescribedRole> {
    if (isBuiltIn(name)) throw roleExists(`${name} is a role of the application; choose another name.`);
    refuseUnknown(permissions);
    refuseBeyond(actor, permissions);
    return transaction(db, async (tx) => {
      // Of two that are made at once, the second waits for the first and counts it.
      await rows(tx, Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended('roles', 0))`);
      if ((await tx.role.count()) >= MOST_ROLES) throw tooManyRoles(`There are ${MOST_ROLES} roles; delete one that nobody has.`);
      if ((await tx.role.count({ where: { name } })) > 0) throw roleExists(`A role called ${name} exists; change that one.`);
      const after = await tx.role.create({ data: { name, description, permissions } }).catch((error: unknown) => {
        if (isUniqueViolation(error, 'roles_pkey')) throw roleExists(`A role called ${name} exists; change that one.`);
        throw error;
      });
      await record(tx, { actor, action: 'roles.created', resource: auditedRole(name), after });
      await publish(tx, roleCreated, { role: name, permissions }, { actor, resource: { type: 'role', id: name } });
      signal(tx, 'role', name);
      return described(after);
    });
  }

  async update(actor: Actor, name: string, changes: UpdateRoleDto, expected: ExpectedVersions): Promise<DescribedRole> {
    return transaction(this.prisma, async (db) => {
      const before = await this.lock(name, db);
      refuseUnknown(changes.permissions ?? []);
      expectVersion(before.version, expected);
      if (changes.permissions !== undefined) refuseBeyond(actor, changedRoles(before.permissions, changes.permissions));
      const after = await db.role.update({ where: { name }, data: { ...defined(changes), version: { increment: 1 } } });
      await record(db, { actor, action: 'roles.updated', resource: auditedRole(name), before, after });
      await publish(db, roleUpdated, { role: name, permissions: after.permissions }, { actor, resource: { type: 'role', id: name } });
      signal(db, 'role', name);
      return described(after);
    });
  }

  async delete(actor: Actor, name: string, expected: ExpectedVersions): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const before = await this.lock(name, db);
      expectVersion(before.version, expected);
      // Whoever is being given it holds a lock on it until they have it (`named`), so this statement sees them.
      const users = await db.user.count({ where: { roles: { has: name } } });
      if (users > 0) throw roleInUse(`${users === 1 ? 'A user has' : `${users} users have`} the role ${name}; take it from them first.`);
      await db.role.delete({ where: { name } });
      await record(db, { actor, action: 'roles.deleted', resource: auditedRole(name), before });
      await publish(db, roleDeleted, { role: name }, { actor, resource: { type: 'role', id: name } });
      signal(db, 'role', name);
    });
  }

  /** What somebody with these roles may do now. */
  async permissionsOf(roles: readonly string[], db: Db = this.prisma): Promise<ReadonlySet<string>> {
    return permissionsOf(roles, await customRolesAmong(roles, db));
  }

  /** The active users who may do this, at most so many. */
  async holders(permission: Permission, limit: number, db: Db = this.prisma): Promise<string[]> {
    const custom = await rows<Pick<Row, 'name'>>(db, Prisma.sql`SELECT name FROM roles WHERE permissions @> ARRAY[${permission}]::text[]`);
    const roles = [...ROLES.filter((role) => permissionsOf([role]).has(permission)), ...custom.map(({ name }) => name)];
    const found = await rows<{ id: string }>(
      db,
      Prisma.sql`SELECT id FROM users WHERE roles && ${roles}::text[] AND status = 'active' AND erased_at IS NULL ORDER BY id LIMIT ${limit}`,
    );
    return found.map(({ id }) => id);
  }

  /**
   * Whether the actor may give somebody who has `before` the roles `after`: all of them exist, and what is given or taken allows nothing the
   * actor may not do. None of them can be deleted until the transaction ends. @throws roles/unknown, roles/beyond-yours
   */
  async refuseUngivable(actor: Actor, before: readonly string[], after: readonly string[], db: Tx): Promise<void> {
    const changed = changedRoles(before, after);
    const custom = await this.named(changed, db);
    const given = changed.filter((role) => after.includes(role));
    refuseUnknownRoles(given, custom, (role) => `/roles/${after.indexOf(role)}`);
    refuseBeyond(actor, permissionsOf(changed, custom));
  }

  /** Whether there are these roles; `pointer` leads to the input that names one. @throws roles/unknown */
  async refuseUnknown(roles: readonly string[], pointer: (role: string) => string): Promise<void> {
    refuseUnknownRoles(roles, await customRolesAmong(roles, this.prisma), pointer);
  }

  /** Whether the actor may decide about somebody with these roles. @throws roles/beyond-yours */
  async refuseSuperior(actor: Actor, roles: readonly string[], db: Db): Promise<void> {
    refuseBeyond(actor, await this.permissionsOf(roles, db));
  }

  /** Locked in order of their names, so that two who need the same do not wait for each other. */
  private async named(roles: readonly string[], db: Tx): Promise<CustomRoles> {
    const names = roles.filter((role) => !isBuiltIn(role));
    if (names.length === 0) return new Map();
    const found = await rows<Pick<Row, 'name' | 'permissions'>>(
      db,
      Prisma.sql`SELECT name, permissions FROM roles WHERE name = ANY (${names}::text[]) ORDER BY name FOR SHARE`,
    );
    return new Map(found.map(({ name, permissions }) => [name, permissions]));
  }

  private async lock(name: string, db: Tx): Promise<Row> {
    if (isBuiltIn(name)) throw roleBuiltIn(`${name} is a role of the application; make one of your own beside it.`);
    await rows(db, Prisma.sql`SELECT name FROM roles WHERE name = ${storable(name)} FOR UPDATE`);
    return orNotFound(await db.role.findUnique({ where: { name: storable(name) } }));
  }
}

/** What those of these roles allow that the code does not know: what `permissionsOf` asks for. Most people have none, which costs nothing. */
export async function customRolesAmong(roles: Iterable<string>, db: Db): Promise<CustomRoles> {
  const names = [...new Set(roles)].filter((role) => !isBuiltIn(role));
  if (names.length === 0) return new Map();
  const found = await rows<Pick<Row, 'name' | 'permissions'>>(
    db,
    Prisma.sql`SELECT name, permissions FROM roles WHERE name = ANY (${names}::text[])`,
  );
  return new Map(found.map(({ name, permissions }) => [name, permissions]));
}

const builtIn = (name: (typeof ROLES)[number]): DescribedRole => ({
  name,
  description: ABOUT[name],
  permissions: [...permissionsOf([name])],
  builtIn: true,
  version: 1,
  createdAt: null,
  updatedAt: null,
});

const described = (row: Row): DescribedRole => ({ ...row, builtIn: false });

function orNotFound(row: Row | null): Row {
  if (row === null) throw roleNotFound('No role has this name.');
  return row;
}

/** From a path comes any text; no role has a name that the database cannot hold. */
function storable(name: string): string {
  if (!/^[a-z0-9-]{1,40}$/.test(name)) throw roleNotFound('No role has this name.');
  return name;
}

function refuseUnknown(permissions: readonly string[]): void {
  const unknown = permissions.filter((permission) => !ALL_PERMISSIONS.has(permission));
  if (unknown.length === 0) return;
  const fields = unknown.map((name) => ({
    pointer: `/permissions/${permissions.indexOf(name)}`,
    code: 'unknown',
    detail: 'no permission has this name',
  }));
  throw unknownPermissions('No permission has one of these names; see errors.', { fields });
}

function refuseUnknownRoles(roles: readonly string[], custom: CustomRoles, pointer: (role: string) => string): void {
  const unknown = roles.filter((role) => !isBuiltIn(role) && !custom.has(role));
  if (unknown.length === 0) return;
  const fields = unknown.map((role) => ({ pointer: pointer(role), code: 'unknown', detail: 'no role has this name' }));
  throw unknownRoles('No role has this name; see errors.', { fields });
}

/** The permissions in the message are ours or were checked. */
function refuseBeyond(actor: Actor, permissions: Iterable<string>): void {
  const beyond = lacking(actor, permissions).filter((permission) => ALL_PERMISSIONS.has(permission));
  if (beyond.length > 0) throw beyondYours(`That takes permissions that you do not have: ${beyond.slice(0, 10).join(', ')}.`);
}
