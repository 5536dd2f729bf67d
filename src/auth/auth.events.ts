import { event } from '#events';
import { Id } from '#http';
import { IsString } from 'class-validator';

export class SessionStartedPayload {
  @Id()
  sessionId: string;

  @Id()
  userId: string;
}

export class SessionEndedPayload extends SessionStartedPayload {
  /** Why: a fixed text of the application's. @example "ended by its user" */
  @IsString()
  because: string;
}

export class NewDevicePayload extends SessionStartedPayload {
  /** What it looks like, in words of the application's. @example "Firefox on Windows" */
  @IsString()
  device: string;
}

export class PasswordChangedPayload {
  @Id()
  userId: string;
}

export const sessionStarted = event('session.started', {
  version: 1,
  payload: SessionStartedPayload,
  description: 'Somebody logged in or registered.',
  visibleTo: ['subject', 'users:read'],
});

export const sessionEnded = event('session.ended', {
  version: 1,
  payload: SessionEndedPayload,
  description:
    'A session was ended, by its user or because it was not safe any more. Sessions that run out, and those of suspended accounts, end without an event of their own.',
  visibleTo: ['subject', 'users:read'],
});

export const sessionFromNewDevice = event('session.new-device', {
  version: 1,
  payload: NewDevicePayload,
  description: 'Somebody logged in with a kind of device, or from a network, that the account was not logged in from for 90 days.',
  visibleTo: ['subject', 'users:read'],
});

export const passwordChanged = event('password.changed', {
  version: 1,
  resource: 'user',
  payload: PasswordChangedPayload,
  description: 'The user of an account gave it another password, or set a new one by a mailed link.',
  visibleTo: ['subject', 'users:read'],
});
