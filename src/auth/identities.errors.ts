import { problem } from '#errors';

export const identityNotFound = problem(
  'auth/identity-not-found',
  'not-found',
  'No such linked account',
  'You have no linked account with this id, or it was removed already.',
);
export const identityTaken = problem(
  'auth/identity-taken',
  'conflict',
  'The account elsewhere is linked already',
  'An account elsewhere belongs to one user here, and this one belongs to another. Sign in with it to find out which, and remove it there first.',
);
export const lastWayToLogIn = problem(
  'auth/last-way-to-log-in',
  'conflict',
  'It is the last way to log in',
  'Without this linked account nobody could log in to yours any more. Set a password (by way of "forgotten password") or link another account first.',
);
