import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { AppError } from '#errors';
import type { Actor } from './actor.js';
import { looksLikeApiKey } from './api-key-format.js';
import { Credentials } from './credentials.js';
import { JwtStrategy } from './jwt.strategy.js';
import { ACCESS, type Access, type AuthenticatedRequest, carriesCredentials } from './security.decorator.js';
import { csrfTokenInvalid, invalidTicket, invalidToken, tooManyAttempts } from './security.errors.js';
import { accessCookieOf, SessionCookies } from './session-cookies.js';
import { TICKETS } from './tickets.js';

/** A request whose credentials are known by their kind when they were refused, or by the refusal itself. */
type CredentialsRequest = AuthenticatedRequest & { credentialsRefused?: 'token' | 'ticket' | 'csrf' | AppError };

const BEARER = /^bearer\s+(\S+)$/i;

/**
 * Says who calls, by an access token, an API key or a ticket, and refuses nobody: an invalid one is remembered on the request, so that the
 * rate limit counts it before the authorization guard answers.
 */
@Injectable()
export class AuthenticationGuard extends AuthGuard() {
  constructor(
    private readonly reflector: Reflector,
    strategy: JwtStrategy,
    private readonly credentials: Credentials,
    private readonly cookies: SessionCookies,
  ) {
    // By name passport would give the strategy of the application that was made last in this process. It augments the one it is given,
    // so each request gets a heir of its own.
    super({
      get defaultStrategy() {
        return Object.create(strategy) as never;
      },
    });
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<CredentialsRequest>();
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [context.getHandler(), context.getClass()]);
    request.actor = null;
    const ignored = access?.level === 'public' && access.credentials === 'ignored';
    if (ignored) return true;
    const [, token = ''] = BEARER.exec(request.headers.authorization ?? '') ?? [];
    if (looksLikeApiKey(token)) await this.readApiKey(token, request);
    else if (carriesCredentials(request)) {
      await super.canActivate(context);
      this.refuseForged(request);
    } else if (this.reflector.get<boolean | undefined>(TICKETS, context.getHandler())) await this.readTicket(request);
    return true;
  }

  /** What another page has the browser send comes with its cookies, but without what only our answers tell. */
  private refuseForged(request: CredentialsRequest): void {
    if (!request.actor || accessCookieOf(request) === undefined || this.cookies.isMeant(request, request.actor.sessionId)) return;
    request.actor = null;
    request.credentialsRefused = 'csrf';
  }

  private async readTicket(request: CredentialsRequest): Promise<void> {
    const { ticket } = request.query as { ticket?: unknown };
    if (typeof ticket !== 'string') return;
    request.actor = await this.credentials.ofTicket(ticket);
    if (!request.actor) request.credentialsRefused = 'ticket';
  }

  private async readApiKey(key: string, request: CredentialsRequest): Promise<void> {
    try {
      request.actor = await this.credentials.ofApiKey(key, request.ip);
      if (!request.actor) request.credentialsRefused = 'token';
    } catch (error) {
      if (!(error instanceof AppError && error.code === tooManyAttempts.code)) throw error;
      request.credentialsRefused = error; // the rate limit counts it first
    }
  }

  /** Passport's outcome. What broke on the way (a dead database) is not the caller's fault and goes on as it is. */
  override handleRequest<T = Actor>(error: unknown, actor: T | false, _info: unknown, context: ExecutionContext): T {
    if (error) throw error as Error;
    const request = context.switchToHttp().getRequest<CredentialsRequest>();
    if (!actor) request.credentialsRefused = 'token';
    request.actor = actor ? (actor as unknown as Actor) : null;
    return actor as T;
  }

  override getRequest(context: ExecutionContext): unknown {
    return context.switchToHttp().getRequest();
  }
}

/** Throws when credentials were sent and refused. */
export function refuseBadCredentials({ credentialsRefused }: CredentialsRequest): void {
  if (credentialsRefused instanceof AppError) throw credentialsRefused;
  if (credentialsRefused === 'token')
    throw invalidToken('The access token or API key is not valid, or has ended; refresh it, log in again, or use another key.');
  if (credentialsRefused === 'csrf') throw csrfTokenInvalid('Send the token that GET /api/v1/auth/csrf gives in the header X-CSRF-Token.');
  if (credentialsRefused === 'ticket')
    throw invalidTicket('The ticket was used before, has expired, or its session has ended; get a new one.');
}
