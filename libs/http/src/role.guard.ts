import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Env } from '#config';
import { unavailable } from './http.errors.js';

const IN_EVERY_ROLE = 'ashlar:in-every-role';

/** A route that workers answer, too: probes. */
export const InEveryRole = () => SetMetadata(IN_EVERY_ROLE, true);

/**
 * With `ROLE=worker` only probes are answered. The others are "unavailable here" rather than "not found": what they ask for exists, and a
 * balancer that sent them asks the next process.
 */
@Injectable()
export class RoleGuard implements CanActivate {
  constructor(
    private readonly env: Env,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (this.env.ROLE !== 'worker' || this.reflector.getAllAndOverride<boolean>(IN_EVERY_ROLE, [context.getHandler(), context.getClass()]))
      return true;
    throw unavailable('This process runs jobs and answers no requests; others do.');
  }
}
