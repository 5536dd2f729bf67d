import { problem } from '#errors';

export const roleNotFound = problem(
  'roles/not-found',
  'not-found',
  'No such role',
  'No role has this name. GET /api/v1/roles lists those there are.',
);
export const roleExists = problem(
  'roles/exists',
  'conflict',
  'The role exists',
  'Another role has this name. Change that one, or choose another name.',
);
export const roleBuiltIn = problem(
  'roles/built-in',
  'conflict',
  'The role belongs to the application',
  'The roles admin, editor, support and customer are part of the application and cannot be changed or deleted. Make a role of your own beside them.',
);
export const roleInUse = problem(
  'roles/in-use',
  'conflict',
  'Somebody has the role',
  'A role that somebody has cannot be deleted. Take it from them first: GET /api/v1/users?role=… lists who they are.',
);
export const tooManyRoles = problem(
  'roles/too-many',
  'conflict',
  'There are too many roles',
  'There can be 100 roles beside those of the application. Delete one that nobody has.',
);
export const unknownPermissions = problem(
  'roles/unknown-permission',
  'unprocessable',
  'No such permission',
  'The application knows no permission of this name. docs/permissions.md lists those there are, and what each allows.',
);
export const unknownRoles = problem(
  'roles/unknown',
  'invalid',
  'No role has this name',
  'The call names a role that there is not; `errors` says where. GET /api/v1/roles lists those there are.',
);
export const beyondYours = problem(
  'roles/beyond-yours',
  'forbidden',
  'More than you may do yourself',
  'Nobody can give, take or manage permissions that they do not have themselves: not by a role, not by an API key. Ask somebody who has them.',
);
