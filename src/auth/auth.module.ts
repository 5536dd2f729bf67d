import { Global, Module } from '@nestjs/common';
import { JwtStrategy, SessionDirectory } from '#security';
import { UsersModule } from '../users/users.module.js';
import { AccountsService } from './accounts.service.js';
import { AuthController } from './auth.controller.js';
import { AuthPrivacy } from './auth.privacy.js';
import { AuthService } from './auth.service.js';
import { CodesService } from './codes.service.js';
import { FactorsController } from './factors.controller.js';
import { FactorsJobs } from './factors.jobs.js';
import { FactorsPrivacy } from './factors.privacy.js';
import { FactorsService } from './factors.service.js';
import { JwksController } from './jwks.controller.js';
import { LoginsService } from './logins.service.js';
import { MfaTokensService } from './mfa-tokens.service.js';
import { OneTimeTokensService } from './one-time-tokens.service.js';
import { PasskeyLoginsService } from './passkey-logins.service.js';
import { PasskeysController } from './passkeys.controller.js';
import { PasskeysService } from './passkeys.service.js';
import { PasswordsService } from './passwords.service.js';
import { SecondStepsService } from './second-steps.service.js';
import { SessionsJobs } from './sessions.jobs.js';
import { SessionsService } from './sessions.service.js';
import { StepUpsService } from './step-ups.service.js';

/** Global for one reason: the guards of `libs/security` ask its `SessionDirectory`. */
@Global()
@Module({
  imports: [UsersModule],
  controllers: [AuthController, FactorsController, JwksController, PasskeysController],
  providers: [
    AuthService,
    AccountsService,
    LoginsService,
    CodesService,
    FactorsJobs,
    FactorsPrivacy,
    FactorsService,
    MfaTokensService,
    PasskeyLoginsService,
    PasskeysService,
    SecondStepsService,
    StepUpsService,
    OneTimeTokensService,
    AuthPrivacy,
    PasswordsService,
    SessionsService,
    SessionsJobs,
    JwtStrategy,
    { provide: SessionDirectory, useExisting: SessionsService },
  ],
  exports: [SessionDirectory, AccountsService, JwtStrategy],
})
export class AuthModule {}
