import { problem } from '#errors';

export const invalidCode = problem(
  'auth/invalid-code',
  'unauthenticated',
  'The code is not valid',
  'The code is wrong, was used before, or there is nothing it could belong to. A code of an authenticator app is good once, for about a minute: wait for the next one, and check the clock of the device. A recovery code is good once, ever.',
);
export const invalidMfaToken = problem(
  'auth/invalid-mfa-token',
  'unauthenticated',
  'The log-in has to begin anew',
  'The `mfaToken` is malformed, was used up, is older than five minutes, or the account has changed since. Log in again from the first step.',
);
export const secondFactorRequired = problem(
  'auth/second-factor-required',
  'forbidden',
  'The password alone is not enough',
  'The account has a second factor, and what asks for a fresh proof wants that one. Send `code`, as the authenticator app shows it, or what a passkey answers to the options of POST /api/v1/auth/passkeys/login/options. Who has lost both logs in anew with a recovery code, which is a fresh proof, too.',
);
export const totpEnabled = problem(
  'auth/totp-enabled',
  'conflict',
  'There is an authenticator app already',
  'The account has an authenticator app. To move to another one, remove it with DELETE /api/v1/auth/mfa/totp, then add the new one.',
);
export const totpNotFound = problem(
  'auth/totp-not-found',
  'not-found',
  'No authenticator app',
  'The account has no authenticator app, confirmed or not. Add one with POST /api/v1/auth/mfa/totp.',
);
export const noSecondFactor = problem(
  'auth/no-second-factor',
  'conflict',
  'There is no second factor',
  'Recovery codes stand in for a second factor, and the account has none. Add an authenticator app or a passkey first; its answer holds a set of codes.',
);
