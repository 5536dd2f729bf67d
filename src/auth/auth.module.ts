import { Global, Module } from '@nestjs/common';
import { Credentials, JwtStrategy, SessionDirectory } from '#security';
import { UsersModule } from '../users/users.module.js';
import { AccountsService } from './accounts.service.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysPrivacy } from './api-keys.privacy.js';
import { ApiKeysService } from './api-keys.service.js';
import { AuthController } from './auth.controller.js';
import { AuthPrivacy } from './auth.privacy.js';
import { AuthService } from './auth.service.js';
import { DirectoryService } from './directory.service.js';
import { ExplanationsController } from './explanations.controller.js';
import { ExplanationsService } from './explanations.service.js';
import { ImpersonationsController } from './impersonations.controller.js';
import { ImpersonationsService } from './impersonations.service.js';
import { InvitationsController } from './invitations.controller.js';
import { InvitationsService } from './invitations.service.js';
import { JwksController } from './jwks.controller.js';
import { LoginsService } from './logins.service.js';
import { OneTimeTokensService } from './one-time-tokens.service.js';
import { PasswordsService } from './passwords.service.js';
import { SessionsJobs } from './sessions.jobs.js';
import { SessionsService } from './sessions.service.js';

/** Global for one reason: the guards of `libs/security` ask its `SessionDirectory`. */
@Global()
@Module({
  imports: [UsersModule],
  controllers: [AuthController, ApiKeysController, ExplanationsController, ImpersonationsController, InvitationsController, JwksController],
  providers: [
    AuthService,
    AccountsService,
    ApiKeysService,
    ApiKeysPrivacy,
    ExplanationsService,
    ImpersonationsService,
    InvitationsService,
    LoginsService,
    OneTimeTokensService,
    AuthPrivacy,
    PasswordsService,
    SessionsService,
    SessionsJobs,
    JwtStrategy,
    Credentials,
    { provide: SessionDirectory, useClass: DirectoryService },
  ],
  exports: [SessionDirectory, AccountsService, JwtStrategy, Credentials],
})
export class AuthModule {}
