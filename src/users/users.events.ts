import { event } from '#events';
import { Id } from '#http';
import { IsString } from 'class-validator';

export class UserPayload {
  @Id()
  userId: string;
}

export class UserRolesPayload extends UserPayload {
  /** The roles from now on. @example ["customer"] */
  @IsString({ each: true })
  roles: string[];
}

export class UserChangePayload extends UserPayload {
  /** The names of the members that were changed. @example ["name"] */
  @IsString({ each: true })
  changed: string[];
}

export const userRegistered = event('user.registered', {
  version: 1,
  payload: UserRolesPayload,
  description: 'An account came into being: somebody registered, or was given one.',
  visibleTo: ['subject', 'users:read'],
});

export const userUpdated = event('user.updated', {
  version: 1,
  payload: UserChangePayload,
  description: 'The profile of an account was changed, by its user or by staff.',
  visibleTo: ['subject', 'users:read'],
});

export const userRolesChanged = event('user.roles-changed', {
  version: 1,
  payload: UserRolesPayload,
  description: 'An account was given other roles.',
  visibleTo: ['subject', 'users:read'],
});

export const userSuspended = event('user.suspended', {
  version: 1,
  payload: UserPayload,
  description: 'An account was suspended; all its sessions are dead.',
  visibleTo: ['users:read'],
});

export const userReinstated = event('user.reinstated', {
  version: 1,
  payload: UserPayload,
  description: 'A suspended account may be used again.',
  visibleTo: ['users:read'],
});
