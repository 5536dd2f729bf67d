import { Module } from '@nestjs/common';
import { CouponsController } from './coupons.controller.js';
import { CouponsService } from './coupons.service.js';
import { SettingsController } from './settings.controller.js';
import { SettingsService } from './settings.service.js';

@Module({
  controllers: [SettingsController, CouponsController],
  providers: [SettingsService, CouponsService],
  exports: [SettingsService, CouponsService],
})
export class ShopModule {}
