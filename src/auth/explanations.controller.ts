import { Controller, Get, Query } from '@nestjs/common';
import { Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { userNotFound } from '../users/users.errors.js';
import { ExplainQuery, ExplanationResponse } from './explanations.dto.js';
import { ExplanationsService } from './explanations.service.js';

@Controller('auth/explain')
export class ExplanationsController {
  constructor(private readonly explanations: ExplanationsService) {}

  /** Ask why a user may or may not do something */
  @Get()
  @Requires('users:read')
  @Problems(userNotFound)
  async explain(@Caller() actor: Actor, @Query() query: ExplainQuery): Promise<ExplanationResponse> {
    return ExplanationResponse.from(await this.explanations.explain(actor, query));
  }
}
