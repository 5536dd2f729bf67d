import { event } from '#events';
import { Id } from '#http';

export class ImpersonationPayload {
  @Id()
  sessionId: string;

  @Id()
  userId: string;

  /** Who acts as the user. */
  @Id()
  impersonatorId: string;
}

export const impersonationStarted = event('impersonation.started', {
  version: 1,
  resource: 'session',
  payload: ImpersonationPayload,
  description: 'An administrator began to act as somebody else. It ends as sessions do, and after a quarter of an hour by itself.',
  visibleTo: ['subject', 'users:read'],
});
