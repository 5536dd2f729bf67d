import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor, UseInterceptors } from '@nestjs/common';
import { Env } from '#config';
import { AppError } from '#errors';
import { Budgets, clientNetwork } from '#security';
import type { FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { couponNotFound } from '../shop/coupons.errors.js';

/**
 * Lets one account, or one network without a login, name only so many codes in an hour that no coupon has. Whoever has used them up is refused whatever they name, right ones
 * included, so that going on to guess tells nothing.
 */
@Injectable()
export class GuessesInterceptor implements NestInterceptor {
  constructor(
    private readonly budgets: Budgets,
    private readonly env: Env,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { body, actor, ip } = context.switchToHttp().getRequest<FastifyRequest<{ Body: { couponCode?: unknown } | null }>>(); // not looked at by the pipe yet
    return typeof body?.couponCode === 'string' ? from(this.attempt(actor?.id ?? clientNetwork(ip), next)) : next.handle();
  }

  private async attempt(whose: string, next: CallHandler): Promise<unknown> {
    let answer: unknown;
    let wrong: AppError | undefined;
    const budget = { bucket: `coupons ${whose}`, limit: this.env.COUPON_GUESSES_PER_HOUR, windowSeconds: 3_600 };
    await this.budgets.attempt([budget], async () => {
      try {
        answer = await lastValueFrom(next.handle());
        return true;
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== couponNotFound.code) throw error;
        wrong = error;
        return false;
      }
    });
    if (wrong !== undefined) throw wrong;
    return answer;
  }
}

/** The route takes a `couponCode`, and counts those that nobody has made. */
export const LimitsGuesses = () => UseInterceptors(GuessesInterceptor);
