import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Erasures } from './erasures.js';
import { Exports } from './exports.js';
import { ExportsPrivacy } from './exports.privacy.js';
import { PersonalDataRegister } from './register.js';

/** Export and erasure of what everybody else holds about people. Global, because whoever holds something registers here by being there. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [PersonalDataRegister, Exports, Erasures, ExportsPrivacy],
  exports: [PersonalDataRegister, Exports, Erasures],
})
export class PrivacyModule {}
