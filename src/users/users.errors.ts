import { problem } from '#errors';

export const userNotFound = problem('users/not-found', 'not-found', 'No such user', 'No user has this id, or you may not see them.');
export const externalIdTaken = problem(
  'users/external-id-taken',
  'conflict',
  'The external id belongs to somebody else',
  'Another user already has this `externalId`. Find them first, or use another id.',
);
export const lastAdmin = problem(
  'users/last-admin',
  'conflict',
  'The last administrator stays',
  'There must be one active administrator. Make somebody else an administrator first.',
);
