import { Body, Controller, Post } from '@nestjs/common';
import { Creates, Idempotent, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { beyondYours, unknownRoles } from '../users/roles.errors.js';
import { UserResponse } from '../users/users.dto.js';
import { emailTaken } from './auth.errors.js';
import { InviteUserDto } from './invitations.dto.js';
import { InvitationsService } from './invitations.service.js';

@Controller('users')
export class InvitationsController {
  constructor(private readonly invitations: InvitationsService) {}

  /**
   * Invite somebody
   *
   * Makes an account without a password, and sends its address a link, good once and for a week, to choose one.
   */
  @Post()
  @Requires('users:manage')
  @Creates('/users/:id')
  @Problems(emailTaken, unknownRoles, beyondYours)
  invite(@Caller() actor: Actor, @Body() invited: InviteUserDto, @Idempotent() once: Once): Promise<UserResponse> {
    return once.do(async (db) => UserResponse.from(await this.invitations.invite(actor, invited, db)));
  }
}
