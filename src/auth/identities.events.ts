import { event } from '#events';
import { Id } from '#http';
import { IsIn, IsString } from 'class-validator';

/** How an account elsewhere comes to be linked: with the account itself, by an address that both sides have proven, or by its user. */
export const LINKED_BY = ['registration', 'address', 'user'] as const;
export type LinkedBy = (typeof LINKED_BY)[number];

export class IdentityUnlinkedPayload {
  @Id()
  identityId: string;

  @Id()
  userId: string;

  /** Its name in the configuration. @example "google" */
  @IsString()
  provider: string;
}

export class IdentityLinkedPayload extends IdentityUnlinkedPayload {
  @IsIn(LINKED_BY)
  by: LinkedBy;
}

export const identityLinked = event('identity.linked', {
  version: 1,
  payload: IdentityLinkedPayload,
  description: 'Somebody can sign in with an account elsewhere from now on.',
  visibleTo: ['subject', 'users:read'],
});

export const identityUnlinked = event('identity.unlinked', {
  version: 1,
  payload: IdentityUnlinkedPayload,
  description: 'An account elsewhere no longer signs anybody in.',
  visibleTo: ['subject', 'users:read'],
});
