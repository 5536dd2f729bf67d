import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Env } from '#config';
import type { Actor, Permission } from './actor.js';
import { refuseBadCredentials } from './authentication.guard.js';
import { ACCESS, type Access, type AuthenticatedRequest, Guest, SESSION, type SessionRule } from './security.decorator.js';
import { forbidden, impersonating, mfaRequired, sessionRequired, stepUpRequired, unauthenticated } from './security.errors.js';

/** Lets through whom the route's decorator names; a route that names nobody lets nobody through (and stops the start-up, see RouteCheck). */
@Injectable()
export class AuthorizationGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly env: Env,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [context.getHandler(), context.getClass()]);
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    refuseBadCredentials(request);
    if (access?.level === 'public' || this.letsIn(request, access)) return true;
    if (!request.actor) {
      const orToken = access?.guests === undefined ? '' : `, or, as a guest, the token in the header ${access.guests.header}`;
      throw unauthenticated(`Send an access token in the Authorization header: Bearer <accessToken>${orToken}.`);
    }
    if (access === undefined) throw forbidden('Nobody may call this route.');
    if (access.level === 'permission' && !request.actor.can(access.permission)) throw this.refusal(request.actor, access.permission);
    this.checkSession(
      request.actor,
      this.reflector.getAllAndOverride<SessionRule | undefined>(SESSION, [context.getHandler(), context.getClass()]),
    );
    return true;
  }

  /** Whether the call is a guest's. A secret goes before a login, which it needs none of; where it is optional, the login goes first. */
  private letsIn(request: AuthenticatedRequest, access: Exclude<Access, { level: 'public' }> | undefined): boolean {
    if (access?.guests === undefined || (access.guests.optional && request.actor)) return false;
    const token = request.headers[access.guests.header.toLowerCase()];
    if (typeof token === 'string') request.guest = new Guest(token);
    return request.guest !== undefined || access.guests.optional === true;
  }

  private refusal({ mfaMissing }: Actor, permission: Permission) {
    return mfaMissing
      ? mfaRequired('A role of yours asks for a second factor: add an authenticator app (POST /api/v1/auth/mfa/totp) or a passkey first.')
      : forbidden(`This needs the permission ${permission}, which none of your roles has.`);
  }

  private checkSession({ via, provenAt, impersonatorId }: Actor, wanted: SessionRule | undefined): void {
    if (wanted === undefined) return;
    if (via !== 'session') throw sessionRequired('An API key cannot do this; call with the access token of a session.');
    if (wanted !== 'any' && impersonatorId !== null) throw impersonating('You act as somebody else; only they themselves can do this.');
    if (wanted === 'fresh' && provenAt.getTime() <= Date.now() - this.env.AUTH_STEP_UP_SECONDS * 1_000)
      throw stepUpRequired('Call POST /api/v1/auth/step-up first, then repeat this call.');
  }
}
