import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Env } from '#config';
import { clientNetwork } from '#security';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { rateLimited } from './http.errors.js';

const WINDOW_SECONDS = 60;
const UNLIMITED = 'ashlar:unlimited';

/** A route that must answer however much its caller asks: probes. */
export const Unlimited = () => SetMetadata(UNLIMITED, true);

/**
 * The general budget: requests a minute for each caller (user, or network without a login), kept in this process. What guards accounts
 * is exact over all processes and lies elsewhere (`Budgets`). Headers follow draft-ietf-httpapi-ratelimit-headers-10.
 */
@Injectable()
export class RateLimitGuard implements CanActivate {
  private readonly limiter: RateLimiterMemory;
  private readonly policy: string;

  constructor(
    private readonly env: Env,
    private readonly reflector: Reflector,
  ) {
    this.limiter = new RateLimiterMemory({ points: env.RATE_LIMIT_REQUESTS_PER_MINUTE, duration: WINDOW_SECONDS });
    this.policy = `"default";q=${env.RATE_LIMIT_REQUESTS_PER_MINUTE};w=${WINDOW_SECONDS}`;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.env.RATE_LIMIT === 'off' || this.reflector.getAllAndOverride<boolean>(UNLIMITED, [context.getHandler(), context.getClass()]))
      return true;
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const outcome = await this.limiter.consume(request.actor?.id ?? clientNetwork(request.ip)).catch((refusal: unknown) => {
      if (refusal instanceof RateLimiterRes) return refusal; // the library rejects with the state when the budget is used up
      throw refusal;
    });
    const seconds = Math.ceil(outcome.msBeforeNext / 1_000);
    reply.header('RateLimit-Policy', this.policy).header('RateLimit', `"default";r=${outcome.remainingPoints};t=${seconds}`);
    if (outcome.consumedPoints > this.env.RATE_LIMIT_REQUESTS_PER_MINUTE)
      throw rateLimited(
        `You have used up your ${this.env.RATE_LIMIT_REQUESTS_PER_MINUTE} requests of this minute; try again in ${seconds} seconds.`,
        { retryAfterSeconds: seconds },
      );
    return true;
  }
}
