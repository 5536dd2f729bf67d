import { problem } from '#errors';

export const impersonationRefused = problem(
  'auth/impersonation-refused',
  'forbidden',
  'Nobody may act as this user',
  'You can act as active users who may do nothing that you may not, and never as an administrator or as yourself.',
);
