import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { Actor } from './actor.js';
import { JwtStrategy } from './jwt.strategy.js';
import { ACCESS, type Access, type AuthenticatedRequest, carriesCredentials } from './security.decorator.js';
import { invalidToken } from './security.errors.js';

/**
 * Says who calls, and refuses nobody: an invalid token is remembered on the request, so that the rate limit counts it before the
 * authorization guard answers.
 */
@Injectable()
export class AuthenticationGuard extends AuthGuard() {
  constructor(
    private readonly reflector: Reflector,
    strategy: JwtStrategy,
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
    const request = context.switchToHttp().getRequest<AuthenticatedRequest & { credentialsRefused?: boolean }>();
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [context.getHandler(), context.getClass()]);
    request.actor = null;
    const ignored = access?.level === 'public' && access.credentials === 'ignored';
    if (ignored || !carriesCredentials(request)) return true;
    await super.canActivate(context);
    return true;
  }

  /** Passport's outcome. What broke on the way (a dead database) is not the caller's fault and goes on as it is. */
  override handleRequest<T = Actor>(error: unknown, actor: T | false, _info: unknown, context: ExecutionContext): T {
    if (error) throw error as Error;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest & { credentialsRefused?: boolean }>();
    request.credentialsRefused = !actor;
    request.actor = actor ? (actor as unknown as Actor) : null;
    return actor as T;
  }

  override getRequest(context: ExecutionContext): unknown {
    return context.switchToHttp().getRequest();
  }
}

/** Throws when credentials were sent and refused. */
export function refuseBadCredentials(request: AuthenticatedRequest & { credentialsRefused?: boolean }): void {
  if (request.credentialsRefused) throw invalidToken('The access token is not valid or its session has ended; refresh it or log in again.');
}
