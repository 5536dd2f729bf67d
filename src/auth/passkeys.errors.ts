import { problem } from '#errors';

export const invalidPasskey = problem(
  'auth/invalid-passkey',
  'unauthenticated',
  'The passkey did not prove it',
  'What the passkey answered is not accepted: the challenge was used before or is older than five minutes, the passkey is unknown here or was removed, it was used on another site, without verifying its user, or it may have been copied. Ask for new options and try again, or log in another way.',
);
export const passkeyRefused = problem(
  'auth/passkey-refused',
  'invalid',
  'The passkey cannot be registered',
  'What the authenticator answered is not accepted: the challenge was not made for this session, was used before or is older than five minutes, or the authenticator did not verify its user or answered another site. Ask for new options with POST /api/v1/auth/passkeys/registration/options and try again.',
);
export const passkeyTaken = problem(
  'auth/passkey-taken',
  'conflict',
  'The passkey is registered already',
  'This passkey belongs to an account here. Log in with it, or register another one.',
);
export const tooManyPasskeys = problem(
  'auth/too-many-passkeys',
  'conflict',
  'There are too many passkeys',
  'An account has twenty passkeys at most. Remove one that is not used any more, then register the new one.',
);
export const passkeyNotFound = problem(
  'auth/passkey-not-found',
  'not-found',
  'No such passkey',
  'You have no passkey with this id. GET /api/v1/auth/passkeys lists those that you have.',
);
