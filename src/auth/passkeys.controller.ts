import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { Creates, IdPipe, Problems } from '#http';
import { Actor, Caller, Public, SessionOnly, SignedIn, StepUp } from '#security';
import type { FastifyRequest } from 'fastify';
import { TokensResponse } from './auth.dto.js';
import { deviceOf } from './devices.rules.js';
import { PasskeyLoginsService } from './passkey-logins.service.js';
import {
  PasskeyCreationOptions,
  PasskeyList,
  PasskeyLoginDto,
  PasskeyRequestOptions,
  PasskeyResponse,
  RegisteredPasskeyResponse,
  RegisterPasskeyDto,
} from './passkeys.dto.js';
import { invalidPasskey, passkeyNotFound, passkeyRefused, passkeyTaken, tooManyPasskeys } from './passkeys.errors.js';
import { attestationOf } from './passkeys.rules.js';
import { PasskeysService } from './passkeys.service.js';
import { assertionOf } from './proofs.rules.js';
import { HandsOutTokens } from './transport.interceptor.js';

@Controller('auth/passkeys')
export class PasskeysController {
  constructor(
    private readonly passkeys: PasskeysService,
    private readonly logins: PasskeyLoginsService,
  ) {}

  /** Begin to register a passkey: options for `navigator.credentials.create()` */
  @Post('registration/options')
  @SignedIn()
  @StepUp()
  @HttpCode(200)
  async registrationOptions(@Caller() actor: Actor): Promise<PasskeyCreationOptions> {
    return PasskeyCreationOptions.from(await this.passkeys.registrationOptions(actor));
  }

  /**
   * Register a passkey
   *
   * Takes what `PublicKeyCredential.toJSON()` gave, and a name. With your first second factor come recovery codes, which are shown only now.
   */
  @Post('registration')
  @SignedIn()
  @StepUp()
  @Creates('/auth/passkeys')
  @Problems(passkeyRefused, passkeyTaken, tooManyPasskeys)
  async register(@Caller() actor: Actor, @Body() body: RegisterPasskeyDto): Promise<RegisteredPasskeyResponse> {
    return RegisteredPasskeyResponse.fromRegistered(await this.passkeys.register(actor, attestationOf(body), body.name));
  }

  /**
   * Begin to prove oneself by a passkey: options for `navigator.credentials.get()`
   *
   * For a log-in, for its second step and for a step-up alike. No address is needed: the passkey knows whose it is.
   */
  @Post('login/options')
  @Public({ credentials: 'ignored' })
  @HttpCode(200)
  async loginOptions(): Promise<PasskeyRequestOptions> {
    return PasskeyRequestOptions.from(await this.passkeys.assertionOptions());
  }

  /** Log in by a passkey; it verifies its user, so no second factor is asked for */
  @Post('login')
  @Public({ credentials: 'ignored' })
  @HandsOutTokens()
  @HttpCode(200)
  @Problems(invalidPasskey)
  async login(@Body() body: PasskeyLoginDto, @Req() request: FastifyRequest): Promise<TokensResponse> {
    return TokensResponse.from(await this.logins.login(assertionOf(body), deviceOf(request)));
  }

  /** List my passkeys */
  @Get()
  @SignedIn()
  @SessionOnly()
  async list(@Caller() actor: Actor): Promise<PasskeyList> {
    return { items: (await this.passkeys.list(actor)).map(PasskeyResponse.from), nextCursor: null };
  }

  /** Remove one of my passkeys; with my last second factor my recovery codes go, too */
  @Delete(':id')
  @SignedIn()
  @StepUp()
  @HttpCode(204)
  @Problems(passkeyNotFound)
  async remove(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<void> {
    await this.passkeys.remove(actor, id);
  }
}
