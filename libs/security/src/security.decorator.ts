import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Actor, Permission } from './actor.js';
import { accessCookieOf } from './session-cookies.js';

/** Who may call a route. */
export type Access =
  { level: 'public'; credentials: 'optional' | 'ignored' } | { level: 'signed-in' } | { level: 'permission'; permission: Permission };

export const ACCESS = 'ashlar:access';

/**
 * Anybody may call. A token that is sent along is still checked, so that an expired one is noticed; with `credentials: 'ignored'` it is
 * not looked at (log-in and refresh, where a client may still attach its old one).
 */
export const Public = (options: { credentials: 'optional' | 'ignored' } = { credentials: 'optional' }) =>
  SetMetadata(ACCESS, { level: 'public', ...options } satisfies Access);

/** Every signed-in user may call; the service scopes what they see. */
export const SignedIn = () => SetMetadata(ACCESS, { level: 'signed-in' } satisfies Access);

/** Only who has the permission may call; others are answered 403. */
export const Requires = (permission: Permission) => SetMetadata(ACCESS, { level: 'permission', permission } satisfies Access);

export const SESSION = 'ashlar:session';

/** Which sessions may call: any, its own user's (nobody who acts as that user), or such a one that is fresh. */
export type SessionRule = 'any' | 'own' | 'fresh';

/**
 * Only a session may call, no API key, and nobody who acts as its user: what concerns how somebody logs in. With `impersonating: 'allowed'`
 * a session in which somebody acts as its user may call, too.
 */
export const SessionOnly = ({ impersonating }: { impersonating: 'allowed' | 'refused' } = { impersonating: 'refused' }) =>
  SetMetadata(SESSION, (impersonating === 'allowed' ? 'any' : 'own') satisfies SessionRule);

/**
 * Only a session may call whose user has proven within the last ten minutes (AUTH_STEP_UP_SECONDS) who they are: to add or remove a way of
 * logging in, to change the address, to delete the account. A login is such a proof, and so is `POST /auth/step-up`.
 */
export const StepUp = () => SetMetadata(SESSION, 'fresh' satisfies SessionRule);

/** A request after the authentication guard: who calls, or why their credentials were refused. */
export interface AuthenticatedRequest extends FastifyRequest {
  actor?: Actor | null;
}

/** Whether somebody says who they are, truly or not; whoever does not is a stranger. */
export function carriesCredentials(request: FastifyRequest): boolean {
  return request.headers.authorization !== undefined || accessCookieOf(request) !== undefined;
}

/** The caller: an `Actor`, or `null` on a public route without a login. */
export const Caller = createParamDecorator(
  (_: unknown, context: ExecutionContext): Actor | null => context.switchToHttp().getRequest<AuthenticatedRequest>().actor ?? null,
);
