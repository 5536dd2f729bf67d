import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Query } from '@nestjs/common';
import { type ExpectedVersions, IdPipe, IfMatch, Problems } from '#http';
import { Actor, Caller, Requires, SignedIn, StepUp } from '#security';
import { ListUsersQuery, MeResponse, UpdateMeDto, UpdateUserDto, UserList, UserResponse } from './users.dto.js';
import { externalIdTaken, lastAdmin, userNotFound } from './users.errors.js';
import { beyondYours, unknownRoles } from './roles.errors.js';
import { UsersService } from './users.service.js';

@Controller('users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  /** Who I am */
  @Get('me')
  @SignedIn()
  async me(@Caller() actor: Actor): Promise<MeResponse> {
    return MeResponse.of(await this.users.me(actor), actor);
  }

  /** Change my profile */
  @Patch('me')
  @SignedIn()
  async updateMe(@Caller() actor: Actor, @Body() changes: UpdateMeDto, @IfMatch() expected: ExpectedVersions): Promise<UserResponse> {
    return UserResponse.from(await this.users.updateMe(actor, changes, expected));
  }

  /**
   * Delete my account, and everything that is held about me
   *
   * My sessions end and my address is free again at once. The rest is erased or anonymised within the hour; what the law asks to be kept of
   * orders that were paid stays without my name.
   */
  @Delete('me')
  @SignedIn()
  @StepUp()
  @HttpCode(204)
  @Problems(lastAdmin)
  eraseMe(@Caller() actor: Actor, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.users.erase(actor, actor.id, expected);
  }

  /** List users */
  @Get()
  @Requires('users:read')
  @Problems(unknownRoles)
  async list(@Caller() actor: Actor, @Query() query: ListUsersQuery): Promise<UserList> {
    const page = await this.users.list(actor, query);
    return { ...page, items: page.items.map(UserResponse.from) };
  }

  /** Read a user */
  @Get(':id')
  @Requires('users:read')
  @Problems(userNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<UserResponse> {
    return UserResponse.from(await this.users.get(actor, id));
  }

  /** Change a user's roles, status or profile */
  @Patch(':id')
  @Requires('users:manage')
  @Problems(userNotFound, externalIdTaken, lastAdmin, unknownRoles, beyondYours)
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdateUserDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<UserResponse> {
    return UserResponse.from(await this.users.update(actor, id, changes, expected));
  }

  /**
   * Delete a user, and everything that is held about them
   *
   * Their sessions end at once; the rest is erased or anonymised within the hour. Deleting somebody again does nothing.
   */
  @Delete(':id')
  @Requires('users:manage')
  @HttpCode(204)
  @Problems(userNotFound, lastAdmin, beyondYours)
  erase(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.users.erase(actor, id, expected);
  }
}
