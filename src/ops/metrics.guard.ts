import { hash, timingSafeEqual } from 'node:crypto';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Env } from '#config';
import { notFound } from '#http';
import { unauthenticated } from '#security';
import type { FastifyRequest } from 'fastify';

/** Metrics are for whoever has `METRICS_TOKEN`; without one for everybody, and in production for nobody. */
@Injectable()
export class MetricsGuard implements CanActivate {
  constructor(private readonly env: Env) {}

  canActivate(context: ExecutionContext): boolean {
    const { METRICS_TOKEN: token, isProduction } = this.env;
    if (token === undefined && isProduction) throw notFound('This installation does not publish its metrics.');
    const { authorization = '' } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    if (token !== undefined && !isSame(authorization, `Bearer ${token}`))
      throw unauthenticated('Metrics are for whoever has the METRICS_TOKEN of this installation: send it as a bearer token.');
    return true;
  }
}

/** In a time that says nothing of where they differ. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => hash('sha256', text, 'buffer'));
  return timingSafeEqual(a!, b!);
}
