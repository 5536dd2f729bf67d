import { Body, Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { Creates, IdPipe, Problems } from '#http';
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
import { AccountsService } from './accounts.service.js';
import {
  ChangePasswordDto,
  CsrfResponse,
  LoginDto,
  RefreshDto,
  RegisterDto,
  SessionList,
  SessionResponse,
  StepUpDto,
  TokensResponse,
} from './auth.dto.js';
import { emailTaken, invalidCredentials, invalidRefreshToken, sessionNotFound, weakPassword } from './auth.errors.js';
import { AuthService } from './auth.service.js';
import { LoginsService } from './logins.service.js';
import { type Device, SessionsService } from './sessions.service.js';
import { HandsOutTokens } from './transport.interceptor.js';

const deviceOf = (request: FastifyRequest): Device => ({ ip: request.ip, userAgent: request.headers['user-agent'] ?? '' });

@Controller('auth')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly accounts: AccountsService,
    private readonly logins: LoginsService,
    private readonly sessions: SessionsService,
    private readonly cookies: SessionCookies,
  ) {}

  /** Make an account and log in */
  @Post('register')
  @Public({ credentials: 'ignored' })
  @HandsOutTokens()
  @LimitedPerAddress({ name: 'register', limit: 'AUTH_REGISTRATIONS_PER_HOUR', windowSeconds: 3_600 })
  @Creates('/users/me')
  @Problems(emailTaken, weakPassword, tooManyAttempts)
  async register(@Body() body: RegisterDto, @Req() request: FastifyRequest): Promise<TokensResponse> {
    return TokensResponse.from(await this.accounts.register(body, deviceOf(request)));
  }

  /** Log in with address and password */
  @Post('login')
  @Public({ credentials: 'ignored' })
  @HandsOutTokens()
  @HttpCode(200)
  @Problems(invalidCredentials, tooManyAttempts)
  async login(@Body() body: LoginDto, @Req() request: FastifyRequest): Promise<TokensResponse> {
    return TokensResponse.from(await this.logins.login(body, deviceOf(request)));
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

  /**
   * Prove once more who I am
   *
   * This session may then, for ten minutes, do what asks for a fresh proof: add or remove a way of logging in, change the address, delete
   * the account. A login is such a proof, too.
   */
  @Post('step-up')
  @SignedIn()
  @SessionOnly()
  @HttpCode(204)
  @Problems(invalidCredentials, tooManyAttempts)
  async stepUp(@Caller() actor: Actor, @Body() body: StepUpDto, @Req() request: FastifyRequest): Promise<void> {
    await this.auth.stepUp(actor, body, deviceOf(request));
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
