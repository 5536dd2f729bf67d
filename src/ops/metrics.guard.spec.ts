import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { Env } from '#config';
import { MetricsGuard } from './metrics.guard.js';

/** True, or the kind of the refusal. */
function answer(settings: Partial<Env>, authorization?: string): unknown {
  const context = { switchToHttp: () => ({ getRequest: () => ({ headers: { authorization } }) }) } as unknown as ExecutionContext;
  try {
    return new MetricsGuard(Object.assign(new Env(), settings)).canActivate(context);
  } catch (error) {
    return (error as { kind?: string }).kind;
  }
}

describe('metrics', () => {
  const METRICS_TOKEN = 'nine-quiet-herons-wade-upstream';

  it('are for everybody outside production, and for nobody in it, unless there is a token', () => {
    expect(answer({ NODE_ENV: 'development' })).toBe(true);
    expect(answer({ NODE_ENV: 'production' })).toBe('not-found');
  });

  it.each(['development', 'production'] as const)('are for whoever has the token, in %s', (NODE_ENV) => {
    const to = [`Bearer ${METRICS_TOKEN}`, METRICS_TOKEN, 'Bearer nine', undefined];
    const answers = to.map((authorization) => answer({ NODE_ENV, METRICS_TOKEN }, authorization));
    expect(answers).toEqual([true, 'unauthenticated', 'unauthenticated', 'unauthenticated']);
  });
});
