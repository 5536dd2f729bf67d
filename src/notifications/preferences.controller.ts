import { Body, Controller, Get, Put } from '@nestjs/common';
import { Problems } from '#http';
import { Actor, Caller, SignedIn } from '#security';
import { mandatoryNotification } from './notifications.errors.js';
import { PreferencesDto, PreferencesResponse } from './preferences.dto.js';
import { PreferencesService } from './preferences.service.js';

@Controller('notifications/preferences')
@SignedIn()
export class PreferencesController {
  constructor(private readonly preferences: PreferencesService) {}

  /** Where I am told of what */
  @Get()
  async get(@Caller() actor: Actor): Promise<PreferencesResponse> {
    return PreferencesResponse.from(await this.preferences.get(actor));
  }

  /** Choose where I am told of what */
  @Put()
  @Problems(mandatoryNotification)
  async change(@Caller() actor: Actor, @Body() preferences: PreferencesDto): Promise<PreferencesResponse> {
    return PreferencesResponse.from(await this.preferences.change(actor, preferences));
  }
}
