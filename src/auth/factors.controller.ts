import { Body, Controller, Delete, HttpCode, Param, Post, Req } from '@nestjs/common';
import { Creates, IdPipe, Problems } from '#http';
import { Actor, Caller, Public, Requires, SessionOnly, SignedIn, StepUp, tooManyAttempts } from '#security';
import type { FastifyRequest } from 'fastify';
import { userNotFound } from '../users/users.errors.js';
import { TokensResponse } from './auth.dto.js';
import { invalidCredentials } from './auth.errors.js';
import { deviceOf } from './devices.rules.js';
import { ConfirmTotpDto, RecoveryCodesResponse, SecondStepDto, StepUpDto, TotpResponse } from './factors.dto.js';
import { invalidCode, invalidMfaToken, noSecondFactor, secondFactorRequired, totpEnabled, totpNotFound } from './factors.errors.js';
import { FactorsService } from './factors.service.js';
import { invalidPasskey } from './passkeys.errors.js';
import { SecondStepsService } from './second-steps.service.js';
import { StepUpsService } from './step-ups.service.js';
import { HandsOutTokens } from './transport.interceptor.js';

@Controller()
export class FactorsController {
  constructor(
    private readonly factors: FactorsService,
    private readonly secondSteps: SecondStepsService,
    private readonly stepUps: StepUpsService,
  ) {}

  /**
   * Finish a log-in with the second factor
   *
   * Takes what the first step answered with, and one of: a code of the authenticator app, a recovery code, or what a passkey answers to
   * the options of POST /api/v1/auth/passkeys/login/options. A wrong one can be tried again with the same `mfaToken`.
   */
  @Post('auth/login/mfa')
  @Public({ credentials: 'ignored' })
  @HandsOutTokens()
  @HttpCode(200)
  @Problems(invalidMfaToken, invalidCode, invalidPasskey, tooManyAttempts)
  async finishLogin(@Body() body: SecondStepDto, @Req() request: FastifyRequest): Promise<TokensResponse> {
    return TokensResponse.from(await this.secondSteps.finish(body, deviceOf(request)));
  }

  /**
   * Prove once more who I am
   *
   * This session may then, for ten minutes, do what asks for a fresh proof: add or remove a way of logging in, change the address, delete
   * the account. A login is such a proof, too. Takes one of: a code of the authenticator app, what a passkey answers to the options of
   * POST /api/v1/auth/passkeys/login/options, or, of who has neither, the password.
   */
  @Post('auth/step-up')
  @SignedIn()
  @SessionOnly()
  @HttpCode(204)
  @Problems(invalidCredentials, invalidCode, invalidPasskey, secondFactorRequired, tooManyAttempts)
  async stepUp(@Caller() actor: Actor, @Body() body: StepUpDto, @Req() request: FastifyRequest): Promise<void> {
    await this.stepUps.stepUp(actor, body, deviceOf(request));
  }

  /**
   * Add an authenticator app
   *
   * It counts once POST /api/v1/auth/mfa/totp/confirm has got a code of it; until then, asking again replaces it.
   */
  @Post('auth/mfa/totp')
  @SignedIn()
  @StepUp()
  @Creates('/auth/mfa/totp')
  @Problems(totpEnabled)
  beginTotp(@Caller() actor: Actor): Promise<TotpResponse> {
    return this.factors.beginTotp(actor);
  }

  /** Confirm the authenticator app by a code of it; from now on a log-in asks for one */
  @Post('auth/mfa/totp/confirm')
  @SignedIn()
  @SessionOnly()
  @HttpCode(200)
  @Problems(invalidCode, tooManyAttempts)
  async confirmTotp(@Caller() actor: Actor, @Body() { code }: ConfirmTotpDto): Promise<RecoveryCodesResponse> {
    return { recoveryCodes: await this.factors.confirmTotp(actor, code) };
  }

  /** Remove my authenticator app; with my last second factor my recovery codes go, too */
  @Delete('auth/mfa/totp')
  @SignedIn()
  @StepUp()
  @HttpCode(204)
  @Problems(totpNotFound)
  async removeTotp(@Caller() actor: Actor): Promise<void> {
    await this.factors.removeTotp(actor);
  }

  /** Get a new set of recovery codes; the old ones are worthless */
  @Post('auth/mfa/recovery-codes')
  @SignedIn()
  @StepUp()
  @HttpCode(200)
  @Problems(noSecondFactor)
  async renewRecoveryCodes(@Caller() actor: Actor): Promise<RecoveryCodesResponse> {
    return { recoveryCodes: await this.factors.renewRecoveryCodes(actor) };
  }

  /**
   * Remove all second factors of a user who has lost them
   *
   * Their sessions end, and they are told. Make sure that it is them who asks.
   */
  @Delete('users/:id/mfa')
  @Requires('users:manage')
  @StepUp()
  @HttpCode(204)
  @Problems(userNotFound)
  async reset(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<void> {
    await this.factors.reset(actor, id);
  }
}
