export { Actor, type LiveSession, type Permission, SessionDirectory } from './actor.js';
export { looksLikeApiKey, newApiKey, readApiKey } from './api-key-format.js';
export { AuthenticationGuard } from './authentication.guard.js';
export { AuthorizationGuard } from './authorization.guard.js';
export { type Budget, Budgets } from './budgets.js';
export { AddressBudgetGuard, LimitedPerAddress } from './address-budget.guard.js';
export { clientNetwork } from './client-address.js';
export { Credentials } from './credentials.js';
export { JwtStrategy } from './jwt.strategy.js';
export { type AccessClaims, KeyRing } from './keys.js';
export { LiveSessions } from './live-sessions.js';
export { OutgoingFailed, OutgoingRefused, type OutgoingAnswer, type OutgoingRequest, OutgoingRequests } from './outgoing.js';
export {
  ACCESS,
  type Access,
  type AuthenticatedRequest,
  Caller,
  carriesCredentials,
  Guest,
  type GuestAccess,
  Public,
  Requires,
  SESSION,
  SessionOnly,
  type SessionRule,
  SignedIn,
  StepUp,
} from './security.decorator.js';
export {
  csrfTokenInvalid,
  forbidden,
  impersonating,
  invalidTicket,
  invalidToken,
  mfaRequired,
  sessionRequired,
  stepUpRequired,
  tooManyAttempts,
  unauthenticated,
} from './security.errors.js';
export { SessionCookies } from './session-cookies.js';
export { SecurityModule } from './security.module.js';
export { TakesTickets, type Ticket, TICKETS, Tickets } from './tickets.js';
