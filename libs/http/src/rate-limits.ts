import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { Redis } from '#redis';
import { clientNetwork } from '#security';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Redis as Client } from 'ioredis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { rateLimited } from './http.errors.js';

const WINDOW_SECONDS = 60;

/**
 * The general budget: requests a minute for each caller (user, or network without a login), counted in Redis for all processes where there
 * is one, and in this process where there is none or it cannot be reached. What guards accounts is exact over all processes, outlives Redis
 * and lies elsewhere (`Budgets`). Headers follow draft-ietf-httpapi-ratelimit-headers-10.
 */
@Injectable()
export class RateLimits {
  private readonly options: { points: number; duration: number; keyPrefix: string };
  private readonly own: RateLimiterMemory;
  private readonly policy: string;
  private common: RateLimiterRedis | undefined;

  constructor(
    private readonly env: Env,
    private readonly redis: Redis,
  ) {
    this.options = { points: env.RATE_LIMIT_REQUESTS_PER_MINUTE, duration: WINDOW_SECONDS, keyPrefix: `${redis.prefix}requests` };
    this.own = new RateLimiterMemory(this.options);
    this.policy = `"default";q=${env.RATE_LIMIT_REQUESTS_PER_MINUTE};w=${WINDOW_SECONDS}`;
  }

  /** Counts a request, and tells its caller what is left. @throws http/rate-limited */
  async spend(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (this.env.RATE_LIMIT === 'off') return;
    const caller = request.actor?.id ?? clientNetwork(request.ip);
    const outcome =
      (this.redis.configured ? await this.redis.run((client) => consume(this.commonOn(client), caller)) : undefined) ??
      (await consume(this.own, caller));
    const seconds = Math.ceil(outcome.msBeforeNext / 1_000);
    reply.header('RateLimit-Policy', this.policy).header('RateLimit', `"default";r=${outcome.remainingPoints};t=${seconds}`);
    if (outcome.consumedPoints > this.env.RATE_LIMIT_REQUESTS_PER_MINUTE)
      throw rateLimited(
        `You have used up your ${this.env.RATE_LIMIT_REQUESTS_PER_MINUTE} requests of this minute; try again in ${seconds} seconds.`,
        { retryAfterSeconds: seconds },
      );
  }

  private commonOn(client: Client): RateLimiterRedis {
    return (this.common ??= new RateLimiterRedis({ ...this.options, storeClient: client }));
  }
}

/** The library rejects with the state when the budget is used up. */
function consume(limiter: RateLimiterAbstract, caller: string): Promise<RateLimiterRes> {
  return limiter.consume(caller).catch((refusal: unknown) => {
    if (refusal instanceof RateLimiterRes) return refusal;
    throw refusal;
  });
}
