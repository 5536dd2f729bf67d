import { Global, Module } from '@nestjs/common';
import { Credentials, JwtStrategy, SessionDirectory } from '#security';
import { UsersModule } from '../users/users.module.js';
import { AccountMailsService } from './account-mails.service.js';
import { AccountsService } from './accounts.service.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysPrivacy } from './api-keys.privacy.js';
import { ApiKeysService } from './api-keys.service.js';
import { AuthController } from './auth.controller.js';
import { AuthPrivacy } from './auth.privacy.js';
import { AuthService } from './auth.service.js';
import { ClaimsService } from './claims.service.js';
import { CodesService } from './codes.service.js';
import { ConfirmationsService } from './confirmations.service.js';
import { DirectoryService } from './directory.service.js';
import { EmailsController } from './emails.controller.js';
import { EmailsService } from './emails.service.js';
import { ExplanationsController } from './explanations.controller.js';
import { ExplanationsService } from './explanations.service.js';
import { FactorsController } from './factors.controller.js';
import { FactorsJobs } from './factors.jobs.js';
import { FactorsPrivacy } from './factors.privacy.js';
import { FactorsService } from './factors.service.js';
import { IdentitiesController } from './identities.controller.js';
import { IdentitiesPrivacy } from './identities.privacy.js';
import { IdentitiesService } from './identities.service.js';
import { ImpersonationsController } from './impersonations.controller.js';
import { ImpersonationsService } from './impersonations.service.js';
import { InvitationsController } from './invitations.controller.js';
import { InvitationsService } from './invitations.service.js';
import { JwksController } from './jwks.controller.js';
import { LinkPagesController } from './link-pages.controller.js';
import { LoginsService } from './logins.service.js';
import { MfaTokensService } from './mfa-tokens.service.js';
import { OAuthLoginsService } from './oauth-logins.service.js';
import { OAuthProvidersService } from './oauth-providers.service.js';
import { OauthController } from './oauth.controller.js';
import { OAuthService } from './oauth.service.js';
import { OneTimeTokensService } from './one-time-tokens.service.js';
import { PasskeyLoginsService } from './passkey-logins.service.js';
import { PasskeysController } from './passkeys.controller.js';
import { PasskeysService } from './passkeys.service.js';
import { PasswordsService } from './passwords.service.js';
import { RecoveriesService } from './recoveries.service.js';
import { RegistrationsService } from './registrations.service.js';
import { SecondStepsService } from './second-steps.service.js';
import { SessionsJobs } from './sessions.jobs.js';
import { SessionsListener } from './sessions.listener.js';
import { SessionsService } from './sessions.service.js';
import { StepUpsService } from './step-ups.service.js';
import { WeakPasswordsService } from './weak-passwords.service.js';

/** Global for one reason: the guards of `libs/security` ask its `SessionDirectory`. */
@Global()
@Module({
  imports: [UsersModule],
  controllers: [
    AuthController,
    EmailsController,
    LinkPagesController,
    OauthController,
    IdentitiesController,
    FactorsController,
    PasskeysController,
    ApiKeysController,
    ExplanationsController,
    ImpersonationsController,
    InvitationsController,
    JwksController,
  ],
  providers: [
    AuthService,
    AccountsService,
    ApiKeysService,
    ApiKeysPrivacy,
    ExplanationsService,
    ImpersonationsService,
    InvitationsService,
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
    OAuthProvidersService,
    OAuthService,
    OAuthLoginsService,
    IdentitiesService,
    IdentitiesPrivacy,
    PasswordsService,
    SessionsService,
    SessionsJobs,
    SessionsListener,
    WeakPasswordsService,
    RegistrationsService,
    RecoveriesService,
    EmailsService,
    ConfirmationsService,
    ClaimsService,
    AccountMailsService,
    JwtStrategy,
    Credentials,
    { provide: SessionDirectory, useClass: DirectoryService },
  ],
  exports: [SessionDirectory, AccountsService, JwtStrategy, Credentials],
})
export class AuthModule {}
