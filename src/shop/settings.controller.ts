import { Body, Controller, Get, Patch } from '@nestjs/common';
import { type ExpectedVersions, IfMatch, Problems, PubliclyCached } from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import { ChangeShopSettingsDto, ShopSettingsResponse } from './settings.dto.js';
import { settingsContradict, taxClassInUse } from './settings.errors.js';
import { SettingsService } from './settings.service.js';

@Controller('shop/settings')
export class SettingsController {
  constructor(private readonly settings: SettingsService) {}

  /** How the shop sells: currencies, tax, shipping, its time zone */
  @Get()
  @Public()
  @PubliclyCached(0, () => ['shop'])
  async get(@Caller() actor: Actor | null): Promise<ShopSettingsResponse> {
    return ShopSettingsResponse.from(await this.settings.get(actor));
  }

  /**
   * Change how the shop sells
   *
   * A list that is given takes the place of the whole list. What has been ordered stays as it was priced.
   */
  @Patch()
  @Requires('shop:manage')
  @Problems(settingsContradict, taxClassInUse)
  async change(
    @Caller() actor: Actor,
    @Body() changes: ChangeShopSettingsDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<ShopSettingsResponse> {
    return ShopSettingsResponse.from(await this.settings.change(actor, changes, expected));
  }
}
