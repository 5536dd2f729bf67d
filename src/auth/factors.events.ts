import { event } from '#events';
import { Id } from '#http';
import { IsIn, IsInt, Min } from 'class-validator';

export class FactorsPayload {
  @Id()
  userId: string;
}

export class FactorPayload extends FactorsPayload {
  /** @example "passkey" */
  @IsIn(['totp', 'passkey'])
  factor: 'totp' | 'passkey';
}

export class RecoveryCodeUsedPayload extends FactorsPayload {
  /** How many codes of the set are left. */
  @IsInt()
  @Min(0)
  left: number;
}

export const factorAdded = event('factor.added', {
  version: 1,
  resource: 'user',
  payload: FactorPayload,
  description: 'An account got another second factor: an authenticator app was confirmed, or a passkey registered.',
  visibleTo: ['subject', 'users:read'],
});

export const factorRemoved = event('factor.removed', {
  version: 1,
  resource: 'user',
  payload: FactorPayload,
  description: 'The user of an account removed one of its second factors.',
  visibleTo: ['subject', 'users:read'],
});

export const factorsReset = event('factors.reset', {
  version: 1,
  resource: 'user',
  payload: FactorsPayload,
  description: 'Staff removed all second factors of an account and ended its sessions, for a user who has lost them.',
  visibleTo: ['subject', 'users:read'],
});

export const recoveryCodesRenewed = event('recovery-codes.renewed', {
  version: 1,
  resource: 'user',
  payload: FactorsPayload,
  description: 'An account got a new set of recovery codes; the old ones are worthless.',
  visibleTo: ['subject', 'users:read'],
});

export const recoveryCodeUsed = event('recovery-code.used', {
  version: 1,
  resource: 'user',
  payload: RecoveryCodeUsedPayload,
  description: 'Somebody logged in with a recovery code.',
  visibleTo: ['subject', 'users:read'],
});
