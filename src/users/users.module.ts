import { Global, Module } from '@nestjs/common';
import { AddressBook } from '#mail';
import { ExportsController } from './exports.controller.js';
import { RolesController } from './roles.controller.js';
import { RolesService } from './roles.service.js';
import { UsersController } from './users.controller.js';
import { UsersPrivacy } from './users.privacy.js';
import { UsersService } from './users.service.js';

/** Global for one reason: `libs/mail` asks its `AddressBook`. */
@Global()
@Module({
  controllers: [ExportsController, RolesController, UsersController],
  providers: [UsersService, RolesService, UsersPrivacy, { provide: AddressBook, useExisting: UsersService }],
  exports: [UsersService, RolesService, AddressBook],
})
export class UsersModule {}
