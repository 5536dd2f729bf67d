import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { Env } from '#config';
import { Actor } from '#security';
import { DocsGuard } from './docs.guard.js';

const aSession = { sessionId: 'session', via: 'session', provenAt: new Date() } as const;
const staff = new Actor({ ...aSession, userId: 'ada', roles: ['support'], permissions: new Set(['ops:read']) });
const customer = new Actor({ ...aSession, userId: 'joan', roles: ['customer'], permissions: new Set() });

/** True, or the kind of the refusal. */
function answer(settings: Partial<Env>, actor?: Actor): unknown {
  const context = { switchToHttp: () => ({ getRequest: () => ({ actor }) }) } as unknown as ExecutionContext;
  try {
    return new DocsGuard(Object.assign(new Env(), settings)).canActivate(context);
  } catch (error) {
    return (error as { kind?: string }).kind;
  }
}

describe('the documentation', () => {
  it.each(['off', 'public', 'staff'] as const)('is for everybody outside production, with DOCS=%s, too', (DOCS) => {
    expect(answer({ NODE_ENV: 'development', DOCS })).toBe(true);
    expect(answer({ NODE_ENV: 'test', DOCS }, customer)).toBe(true);
  });

  it('is in production for whom DOCS says', () => {
    const to = (DOCS: Env['DOCS']) => [undefined, customer, staff].map((actor) => answer({ NODE_ENV: 'production', DOCS }, actor));
    expect(to('public')).toEqual([true, true, true]);
    expect(to('staff')).toEqual(['unauthenticated', 'forbidden', true]);
    expect(to('off')).toEqual(['not-found', 'not-found', 'not-found']);
  });
});
