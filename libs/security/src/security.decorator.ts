import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Actor, Permission } from './actor.js';
import { accessCookieOf } from './session-cookies.js';

/** Whom a route lets in beside those who are signed in. */
export interface GuestAccess {
  /** The header in which a guest shows the secret of what the call is about; the service finds out whether it opens that. */
  header: 'X-Cart-Token' | 'X-Order-Token';
  /** Strangers without it may call, too. */
  optional?: boolean;
}

/** Who may call a route. */
export type Access =
  | { level: 'public'; credentials: 'optional' | 'ignored' }
  | { level: 'signed-in'; guests?: GuestAccess }
  | { level: 'permission'; permission: Permission; guests?: GuestAccess };

export const ACCESS = 'ashlar:access';

/**
 * Anybody may call. A token that is sent along is still checked, so that an expired one is noticed; with `credentials: 'ignored'` it is
 * not looked at (log-in and refresh, where a client may still attach its old one).
 */
export const Public = (options: { credentials: 'optional' | 'ignored' } = { credentials: 'optional' }) =>
  SetMetadata(ACCESS, { level: 'public', ...options } satisfies Access);

/** Every signed-in user may call, and such guests; the service scopes what they see. */
export const SignedIn = ({ guests }: { guests?: GuestAccess } = {}) =>
  SetMetadata(ACCESS, { level: 'signed-in', ...(guests && { guests }) } satisfies Access);

/** Of those who are signed in only who has the permission may call, others are answered 403; of the rest such guests, if any. */
export const Requires = (permission: Permission, { guests }: { guests?: GuestAccess } = {}) =>
  SetMetadata(ACCESS, { level: 'permission', permission, ...(guests && { guests }) } satisfies Access);

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
  /** Set by the authorization guard, on routes that let guests in. */
  guest?: Guest;
}

/** Somebody who shows the secret of one thing in a header of its own, and is nobody else: services find out whether it opens that thing. */
export class Guest {
  constructor(readonly token: string) {}
}

/** Whether somebody says who they are, truly or not; whoever does not is a stranger. */
export function carriesCredentials(request: FastifyRequest): boolean {
  return request.headers.authorization !== undefined || accessCookieOf(request) !== undefined;
}

/** The caller: a `Guest` where the route takes the secret that was sent, else an `Actor`, or `null` for a stranger. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Actor | Guest | null => {
  const { guest, actor } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  return guest ?? actor ?? null;
});
