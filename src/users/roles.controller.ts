import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IfMatch, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { CreateRoleDto, RoleList, RoleResponse, UpdateRoleDto } from './roles.dto.js';
import { beyondYours, roleBuiltIn, roleExists, roleInUse, roleNotFound, tooManyRoles, unknownPermissions } from './roles.errors.js';
import { RolesService } from './roles.service.js';

@Controller('roles')
@Requires('roles:manage')
export class RolesController {
  constructor(private readonly roles: RolesService) {}

  /** List all roles, those of the application first */
  @Get()
  async list(@Caller() actor: Actor): Promise<RoleList> {
    return { items: (await this.roles.list(actor)).map(RoleResponse.from), nextCursor: null };
  }

  /**
   * Make a role
   *
   * A named set of permissions, each of which you have yourself. `PATCH /users/:id` gives it to somebody.
   */
  @Post()
  @Creates('/roles/:name')
  @Problems(roleExists, tooManyRoles, unknownPermissions, beyondYours)
  create(@Caller() actor: Actor, @Body() role: CreateRoleDto, @Idempotent() once: Once): Promise<RoleResponse> {
    return once.do(async (db) => RoleResponse.from(await this.roles.create(actor, role, db)));
  }

  /** Read a role */
  @Get(':name')
  @Problems(roleNotFound)
  async get(@Caller() actor: Actor, @Param('name') name: string): Promise<RoleResponse> {
    return RoleResponse.from(await this.roles.get(actor, name));
  }

  /** Change what a role is for or allows; everybody who has it follows within a second */
  @Patch(':name')
  @Problems(roleNotFound, roleBuiltIn, unknownPermissions, beyondYours)
  async update(
    @Caller() actor: Actor,
    @Param('name') name: string,
    @Body() changes: UpdateRoleDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<RoleResponse> {
    return RoleResponse.from(await this.roles.update(actor, name, changes, expected));
  }

  /** Delete a role that nobody has */
  @Delete(':name')
  @HttpCode(204)
  @Problems(roleNotFound, roleBuiltIn, roleInUse)
  delete(@Caller() actor: Actor, @Param('name') name: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.roles.delete(actor, name, expected);
  }
}
