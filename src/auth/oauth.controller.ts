import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { Env } from '#config';
import { AnswersOneOf, Problems } from '#http';
import { Public } from '#security';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TokensResponse } from './auth.dto.js';
import { deviceOf } from './devices.rules.js';
import { loginAnswer, MfaRequiredResponse } from './factors.dto.js';
import { ExchangeCodeDto, OAuthProviderList, OAuthProviderResponse, StartSignInQuery } from './oauth.dto.js';
import {
  invalidOauthCode,
  invalidOauthStart,
  invalidOauthState,
  oauthAccountExists,
  oauthAccountInactive,
  oauthAddressUnproven,
  oauthProviderNotFound,
  oauthProviderUnavailable,
  returnUrlNotAllowed,
} from './oauth.errors.js';
import { OAuthLoginsService } from './oauth-logins.service.js';
import { browserOf } from './oauth.rules.js';
import { OAuthService } from './oauth.service.js';
import { HandsOutTokens } from './transport.interceptor.js';

@Controller('auth/oauth')
@Public({ credentials: 'ignored' })
export class OauthController {
  constructor(
    private readonly env: Env,
    private readonly oauth: OAuthService,
    private readonly logins: OAuthLoginsService,
  ) {}

  /** List the providers people can sign in with */
  @Get()
  async list(): Promise<OAuthProviderList> {
    return { items: this.oauth.list().map(OAuthProviderResponse.from), nextCursor: null };
  }

  /**
   * Use the code that the browser came back with
   *
   * Only who began can: the verifier must be the one whose challenge was given at the start. The first time there is a new account, unless one
   * has the same address: that is signed in to (and linked) if both the provider and we have the address confirmed, and refused otherwise.
   */
  @Post('exchange')
  @HandsOutTokens()
  @HttpCode(200)
  @AnswersOneOf(TokensResponse, MfaRequiredResponse)
  @Problems(invalidOauthCode, oauthAccountExists, oauthAccountInactive, oauthAddressUnproven)
  async exchange(@Body() body: ExchangeCodeDto, @Req() request: FastifyRequest): Promise<TokensResponse | MfaRequiredResponse> {
    return loginAnswer(await this.logins.exchange(body, deviceOf(request)));
  }

  /**
   * Sign in with an account elsewhere: open this in the browser
   *
   * It leads to the provider and from there back to `returnTo`, with `code` for POST /auth/oauth/exchange, or with `error`: `access_denied`,
   * `temporarily_unavailable` or `server_error` (RFC 6749, 4.1.2.1).
   */
  @Get(':provider')
  @HttpCode(302)
  @Problems(oauthProviderNotFound, invalidOauthStart, returnUrlNotAllowed, oauthProviderUnavailable)
  async start(
    @Param('provider') provider: string,
    @Query() query: StartSignInQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { url, cookie } = await this.oauth.begin(provider, query, this.browserOf(request));
    void reply.header('Location', url).header('Set-Cookie', cookie);
  }

  /** Where the provider sends the browser: nothing for clients to call */
  @Get(':provider/callback')
  @HttpCode(302)
  @ApiQuery({ name: 'state', required: false, type: String, description: 'What the provider was given.' })
  @ApiQuery({ name: 'code', required: false, type: String, description: 'The provider’s code; without it, an `error`.' })
  @ApiQuery({ name: 'error', required: false, type: String, description: 'Why there is none.' })
  @ApiQuery({ name: 'iss', required: false, type: String, description: 'Who answers (RFC 9207).' })
  @Problems(oauthProviderNotFound, invalidOauthState)
  async finish(
    @Param('provider') provider: string,
    // Whatever providers add is overlooked (RFC 6749, 4.1.2), so the query is none of our DTOs.
    @Query() _query: object,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const { search } = new URL(request.url, this.env.PUBLIC_URL);
    void reply.header('Location', await this.oauth.finish(provider, search, this.browserOf(request)));
  }

  private browserOf(request: FastifyRequest): string | null {
    return browserOf(this.env.PUBLIC_URL!, request.headers.cookie);
  }
}
