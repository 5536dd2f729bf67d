import { applyDecorators, type CanActivate, type ExecutionContext, Injectable, SetMetadata, UseGuards } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Env } from '#config';
import { Prisma, PrismaService, rows } from '#database';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { rateLimited } from './http.errors.js';

const POLICY = 'ashlar:account-limit';
const WINDOW_SECONDS = 60;

interface AccountPolicy {
  /** Whose uses count together, whichever route they come by. */
  name: string;
  /** The setting that says how many a minute may hold. */
  limit: 'COMMENTS_PER_MINUTE' | 'LIKES_PER_MINUTE' | 'REPORTS_PER_MINUTE';
}

/**
 * Counts the calls of one account in the database, so that the limit holds exactly over all processes, however many come at once: one
 * statement counts, and what it answers decides. Whoever is refused is told when the minute is over, in the headers that the general limit
 * has, too (draft-ietf-httpapi-ratelimit-headers-10).
 */
@Injectable()
export class AccountLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { name, limit: setting } = this.reflector.get<AccountPolicy>(POLICY, context.getHandler());
    const http = context.switchToHttp();
    const actor = http.getRequest<FastifyRequest>().actor;
    if (this.env.RATE_LIMIT === 'off' || !actor) return true;
    const limit = this.env[setting];
    const { used, seconds } = await this.use(`${name} ${actor.id}`);
    describe(http.getResponse<FastifyReply>(), 'RateLimit-Policy', `"${name}";q=${limit};w=${WINDOW_SECONDS}`);
    describe(http.getResponse<FastifyReply>(), 'RateLimit', `"${name}";r=${Math.max(0, limit - used)};t=${seconds}`);
    if (used <= limit) return true;
    throw rateLimited(`You have used up your ${limit} calls of this kind in a minute; try again in ${seconds} seconds.`, {
      retryAfterSeconds: seconds,
    });
  }

  private async use(bucket: string): Promise<{ used: number; seconds: number }> {
    const [counted] = await rows<{ used: number; seconds: number }>(
      this.prisma,
      Prisma.sql`INSERT INTO budgets AS b (bucket, failures, leases, window_ends_at)
        VALUES (${bucket}, 1, '{}', now() + make_interval(secs => ${WINDOW_SECONDS}))
        ON CONFLICT (bucket) DO UPDATE SET
          failures = CASE WHEN b.window_ends_at <= now() THEN 1 ELSE b.failures + 1 END,
          window_ends_at = CASE WHEN b.window_ends_at <= now() THEN excluded.window_ends_at ELSE b.window_ends_at END
        RETURNING failures AS used, greatest(1, ceil(extract(epoch FROM window_ends_at - now())))::int AS seconds`,
    );
    return counted!;
  }
}

/** Beside what the general limit has said. */
function describe(reply: FastifyReply, header: string, value: string): void {
  const said = reply.getHeader(header);
  reply.header(header, said === undefined ? value : `${String(said)}, ${value}`);
}

/** Lets one account call the route only so often in a minute, over all processes. */
export const LimitedPerAccount = (policy: AccountPolicy) => applyDecorators(SetMetadata(POLICY, policy), UseGuards(AccountLimitGuard));
