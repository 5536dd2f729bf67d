import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimits } from './rate-limits.js';

const UNLIMITED = 'ashlar:unlimited';

/** A route that must answer however much its caller asks: probes. */
export const Unlimited = () => SetMetadata(UNLIMITED, true);

/** Counts every request but those that must be answered anyway. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly limits: RateLimits,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(UNLIMITED, [context.getHandler(), context.getClass()])) return true;
    const http = context.switchToHttp();
    await this.limits.spend(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
    return true;
  }
}
