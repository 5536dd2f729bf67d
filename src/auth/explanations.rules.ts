import { type CustomRoles, isBuiltIn, permissionsOfRole, REACH } from '../users/roles.rules.js';

export interface Explanation {
  permission: string;
  allowed: boolean;
  /** Each a sentence. */
  because: string[];
  roles: { name: string; builtIn: boolean; known: boolean; allows: boolean }[];
  scope: string;
}

interface Account {
  roles: readonly string[];
  status: 'active' | 'suspended';
  /** Whether a role of theirs asks for a second factor, which they do not have. */
  lacksFactor: boolean;
}

/** Why an account may or may not do what a permission allows. */
export function explain(account: Account, permission: string, custom: CustomRoles): Explanation {
  const roles = account.roles.map((name) => ({
    name,
    builtIn: isBuiltIn(name),
    known: isBuiltIn(name) || custom.has(name),
    allows: permissionsOfRole(name, custom).includes(permission),
  }));
  const giving = roles.filter(({ allows }) => allows).map(({ name }) => name);
  const obstacles = obstaclesOf(account);
  const source =
    giving.length > 0
      ? `${giving.length === 1 ? 'The role' : 'The roles'} ${giving.join(', ')} ${giving.length === 1 ? 'allows' : 'allow'} ${permission}.`
      : roles.length === 0
        ? 'The user has no role.'
        : `None of the user’s roles (${account.roles.join(', ')}) allows ${permission}.`;
  return {
    permission,
    allowed: giving.length > 0 && obstacles.length === 0,
    because: [...obstacles, source],
    roles,
    scope: REACH[permission as keyof typeof REACH],
  };
}

/** What keeps an account from doing anything, whatever its roles. */
function obstaclesOf({ status, lacksFactor }: Account): string[] {
  return [
    ...(status === 'suspended' ? ['The account is suspended, so none of its sessions and API keys works.'] : []),
    ...(lacksFactor ? ['A role of the user asks for a second factor (AUTH_MFA_REQUIRED_ROLES), and they have none yet.'] : []),
  ];
}
