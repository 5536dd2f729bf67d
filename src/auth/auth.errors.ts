import { problem } from '#errors';

export const emailTaken = problem(
  'auth/email-taken',
  'conflict',
  'The address has an account',
  'An account with this e-mail address exists. Log in with it, or register with another address.',
);
export const invalidCredentials = problem(
  'auth/invalid-credentials',
  'unauthenticated',
  'Address or password is wrong',
  'There is no active account with this address and password. Which of the two is wrong is not said, nor whether the account is suspended or its address not confirmed yet. Check both, mind that passwords are case-sensitive, and follow the link of the mail that came when you registered; POST /api/v1/auth/email/resend sends it again.',
);
export const weakPassword = problem(
  'auth/weak-password',
  'invalid',
  'The password is too easy to guess',
  'Choose a passphrase of 15 to 128 characters (8 to 128 with a second factor), such as four or more words that do not belong together. Common passwords, passwords from data breaches and those made of your name or address are refused. `errors` says what is wrong, with a `score` from 0 to 4 and `suggestions`.',
);
export const invalidRefreshToken = problem(
  'auth/invalid-refresh-token',
  'unauthenticated',
  'The refresh token is not valid',
  'The token is malformed, was used before, or its session has ended. Log in again. A used token that turns up again ends its session, because it may have been stolen.',
);
export const sessionNotFound = problem(
  'auth/session-not-found',
  'not-found',
  'No such session',
  'You have no session with this id, or it has ended already.',
);
