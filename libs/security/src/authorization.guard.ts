import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { refuseBadCredentials } from './authentication.guard.js';
import { ACCESS, type Access, type AuthenticatedRequest } from './security.decorator.js';
import { forbidden, unauthenticated } from './security.errors.js';

/** Lets through whom the route's decorator names; a route that names nobody lets nobody through (and stops the start-up, see RouteCheck). */
@Injectable()
export class AuthorizationGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [context.getHandler(), context.getClass()]);
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    refuseBadCredentials(request);
    if (access?.level === 'public') return true;
    if (!request.actor) throw unauthenticated('Send an access token in the Authorization header: Bearer <accessToken>.');
    if (access === undefined) throw forbidden('Nobody may call this route.');
    if (access.level === 'permission' && !request.actor.can(access.permission))
      throw forbidden(`This needs the permission ${access.permission}, which none of your roles has.`);
    return true;
  }
}
