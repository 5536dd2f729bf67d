import { Controller, Param, Post } from '@nestjs/common';
import { Creates, IdPipe, Problems } from '#http';
import { Actor, Caller, Requires, StepUp } from '#security';
import { userNotFound } from '../users/users.errors.js';
import { ImpersonationResponse } from './impersonations.dto.js';
import { impersonationRefused } from './impersonations.errors.js';
import { ImpersonationsService } from './impersonations.service.js';

@Controller('users')
export class ImpersonationsController {
  constructor(private readonly impersonations: ImpersonationsService) {}

  /**
   * Act as a user
   *
   * The access token sees and does what the user would, but for how they log in. Whatever is done with it is in the audit log under your name,
   * and the user sees the session among theirs. `POST /auth/logout` with it ends it; so does losing the permission.
   */
  @Post(':id/impersonation')
  @Requires('users:impersonate')
  @StepUp()
  @Creates('/users/me')
  @Problems(userNotFound, impersonationRefused)
  async begin(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<ImpersonationResponse> {
    return ImpersonationResponse.from(await this.impersonations.begin(actor, id));
  }
}
