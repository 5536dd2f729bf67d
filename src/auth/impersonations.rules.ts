import { type CustomRoles, permissionsOf } from '../users/roles.rules.js';

interface RolesOf {
  roles: readonly string[];
}

/**
 * Why somebody may not act as somebody else, as one sentence; null when they may. Whoever acts as another gains nothing by it: an
 * administrator is out of reach, and so is who may do anything the other may not.
 */
export function whyNotAs(impersonator: RolesOf, user: RolesOf, custom: CustomRoles): string | null {
  const own = permissionsOf(impersonator.roles, custom);
  if (!own.has('users:impersonate')) return 'You may not act as others any more.';
  if (user.roles.includes('admin')) return 'Nobody acts as an administrator.';
  const beyond = [...permissionsOf(user.roles, custom)].find((permission) => !own.has(permission));
  return beyond === undefined ? null : 'This user may do what you may not, so you cannot act as them.';
}
