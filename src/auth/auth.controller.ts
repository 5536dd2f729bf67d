import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { AnswersOneOf, Creates, IdPipe, Problems } from '#http';
import {
  Actor,
  Caller,
  csrfTokenInvalid,
  LimitedPerAddress,
  Public,
  SessionCookies,
  SessionOnly,
  SignedIn,
  tooManyAttempts,
} from '#security';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  ChangePasswordDto,
  CsrfResponse,
  LoginDto,
  RefreshDto,
  RegisterDto,
  SessionList,
  SessionResponse,
  TokensResponse,
} from './auth.dto.js';
import { emailTaken, invalidCredentials, invalidRefreshToken, sessionNotFound, weakPassword } from './auth.errors.js';
import { AuthService } from './auth.service.js';
import { deviceOf } from './devices.rules.js';
import { VerificationSentResponse } from './emails.dto.js';
import { loginAnswer, MfaRequiredResponse } from './factors.dto.js';
import { LoginsService } from './logins.service.js';
import { RegistrationsService } from './registrations.service.js';
import { SessionsService } from './sessions.service.js';
import { HandsOutTokens } from './transport.interceptor.js';

@Controller('auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly registrations: RegistrationsService,
    private readonly logins: LoginsService,
    private readonly sessions: SessionsService,
    private readonly cookies: SessionCookies,
  ) {}

  /**
   * Make an account and log in
   *
   * Where addresses must be confirmed first (`AUTH_EMAIL_VERIFICATION=required`), the answer is always 202, whether or not the address has
   * an account: the mail tells.
   */
  @Post('register')
  @Public({ credentials: 'ignored' })
  @HandsOutTokens()
  @LimitedPerAddress({ name: 'register', limit: 'AUTH_REGISTRATIONS_PER_HOUR', windowSeconds: 3_600 })
  @Creates('/users/me')
  @ApiResponse({ status: 201, type: TokensResponse })
  @ApiResponse({
    status: 202,
    type: VerificationSentResponse,
    description: 'A mail is on its way; with `AUTH_EMAIL_VERIFICATION=required`.',
  })
  @Problems(emailTaken, weakPassword, tooManyAttempts)
  async register(@Body() body: RegisterDto, @Req() request: FastifyRequest): Promise<TokensResponse | VerificationSentResponse> {
    const tokens = await this.registrations.register(body, deviceOf(request));
    if (tokens !== null) return TokensResponse.from(tokens);
    request.answerStatus = 202;
    return { status: 'verification-sent' };
  }

  /**
   * Log in with address and password
   *
   * Whoever has a second factor is answered `mfaRequired` with a token, which POST /api/v1/auth/login/mfa takes together with that factor.
   */
  @Post('login')
  @Public({ credentials: 'ignored' })
  @HandsOutTokens()
  @HttpCode(200)
  @AnswersOneOf(TokensResponse, MfaRequiredResponse)
  @Problems(invalidCredentials, tooManyAttempts)
  async login(@Body() body: LoginDto, @Req() request: FastifyRequest): Promise<TokensResponse | MfaRequiredResponse> {
    return loginAnswer(await this.logins.login(body, deviceOf(request)));
  }

  /**
   * Trade a refresh token for the next pair
   *
   * A refresh token is good once. The same token again within ten seconds (a retry, a second tab) gives the same successor; later it ends
   * the session, because somebody may have stolen it.
   */
  @Post('refresh')
  @Public({ credentials: 'ignored' })
  @HandsOutTokens()
  @HttpCode(200)
  @Problems(invalidRefreshToken, csrfTokenInvalid)
  async refresh(@Body() body: RefreshDto, @Req() request: FastifyRequest): Promise<TokensResponse> {
    return TokensResponse.from(
      await this.sessions.refresh(body.refreshToken ?? this.cookies.refreshToken(request) ?? '', deviceOf(request)),
    );
  }

  /** Log out: end this session */
  @Post('logout')
  @SignedIn()
  @SessionOnly({ impersonating: 'allowed' })
  @HttpCode(204)
  @Problems(sessionNotFound)
  async logout(@Caller() actor: Actor, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    await this.sessions.end(actor, actor.sessionId, 'logged out');
    this.cookies.clear(reply);
  }

  /** The token that a browser's session shows with each change */
  @Get('csrf')
  @SignedIn()
  @SessionOnly()
  csrf(@Caller() actor: Actor): CsrfResponse {
    return { csrfToken: this.cookies.csrfToken(actor.sessionId) };
  }

  /** List my sessions */
  @Get('sessions')
  @SignedIn()
  @SessionOnly()
  async listSessions(@Caller() actor: Actor): Promise<SessionList> {
    const sessions = await this.sessions.list(actor);
    return { items: sessions.map((session) => SessionResponse.from(session, actor.sessionId)), nextCursor: null };
  }

  /** End one of my sessions */
  @Delete('sessions/:id')
  @SignedIn()
  @SessionOnly()
  @HttpCode(204)
  @Problems(sessionNotFound)
  async endSession(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<void> {
    await this.sessions.end(actor, id);
  }

  /** End all my other sessions */
  @Delete('sessions')
  @SignedIn()
  @SessionOnly()
  @HttpCode(204)
  async endOtherSessions(@Caller() actor: Actor): Promise<void> {
    await this.sessions.endOthers(actor, 'ended by its user');
  }

  /** Change my password; my other sessions end */
  @Post('password/change')
  @SignedIn()
  @SessionOnly()
  @HttpCode(204)
  @Problems(invalidCredentials, weakPassword, tooManyAttempts)
  async changePassword(@Caller() actor: Actor, @Body() body: ChangePasswordDto, @Req() request: FastifyRequest): Promise<void> {
    await this.auth.changePassword(actor, body, deviceOf(request));
  }
}
