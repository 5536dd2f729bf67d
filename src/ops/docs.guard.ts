import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Env } from '#config';
import { notFound } from '#http';
import { type AuthenticatedRequest, forbidden, unauthenticated } from '#security';

/** In production the documentation is for whom `DOCS` says; elsewhere for everybody. */
@Injectable()
export class DocsGuard implements CanActivate {
  constructor(private readonly env: Env) {}

  canActivate(context: ExecutionContext): boolean {
    if (!this.env.isProduction || this.env.DOCS === 'public') return true;
    if (this.env.DOCS === 'off') throw notFound('This installation does not publish its documentation.');
    const { actor } = context.switchToHttp().getRequest<AuthenticatedRequest>();
    if (!actor) throw unauthenticated('The documentation is for staff: send an access token, or set DOCS=public.');
    if (!actor.can('ops:read')) throw forbidden('The documentation needs the permission ops:read.');
    return true;
  }
}
