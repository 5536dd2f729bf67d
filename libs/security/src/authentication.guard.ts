import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { Actor, SessionDirectory } from './actor.js';
import { JwtStrategy } from './jwt.strategy.js';
import { ACCESS, type Access, type AuthenticatedRequest, carriesCredentials } from './security.decorator.js';
import { csrfTokenInvalid, invalidTicket, invalidToken } from './security.errors.js';
import { accessCookieOf, SessionCookies } from './session-cookies.js';
import { TICKETS, Tickets } from './tickets.js';

/** A request whose credentials are known by their kind when they were refused. */
type CredentialsRequest = AuthenticatedRequest & { credentialsRefused?: 'token' | 'ticket' | 'csrf' };

/**
 * Says who calls, and refuses nobody: an invalid token is remembered on the request, so that the rate limit counts it before the
 * authorization guard answers.
 */
@Injectable()
export class AuthenticationGuard extends AuthGuard() {
  constructor(
    private readonly reflector: Reflector,
    strategy: JwtStrategy,
    private readonly tickets: Tickets,
    private readonly sessions: SessionDirectory,
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
    if (carriesCredentials(request)) {
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
    const sessionId = await this.tickets.redeem(ticket);
    const session = sessionId && (await this.sessions.find(sessionId));
    if (session) request.actor = new Actor(session);
    else request.credentialsRefused = 'ticket';
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
  if (credentialsRefused === 'token')
    throw invalidToken('The access token is not valid or its session has ended; refresh it or log in again.');
  if (credentialsRefused === 'csrf') throw csrfTokenInvalid('Send the token that GET /api/v1/auth/csrf gives in the header X-CSRF-Token.');
  if (credentialsRefused === 'ticket')
    throw invalidTicket('The ticket was used before, has expired, or its session has ended; get a new one.');
}
