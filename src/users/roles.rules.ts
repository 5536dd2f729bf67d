import type { Permission } from '#security';

export const ROLES = ['admin', 'editor', 'support', 'customer'] as const;
export type Role = (typeof ROLES)[number];

const CUSTOMER = ['posts:write', 'posts:publish', 'comments:write', 'orders:place', 'files:write'] as const satisfies Permission[];
const EDITOR = [...CUSTOMER, 'posts:manage', 'comments:moderate', 'releases:manage', 'webhooks:manage'] as const satisfies Permission[];
const SUPPORT = [...CUSTOMER, 'orders:read', 'users:read', 'products:read', 'webhooks:manage'] as const satisfies Permission[];
const ADMIN = [
  ...new Set([...EDITOR, ...SUPPORT]),
  'orders:manage',
  'users:manage',
  'users:impersonate',
  'roles:manage',
  'products:manage',
  'shop:manage',
  'files:manage',
  'ops:read',
  'ops:manage',
  'audit:read',
] as const satisfies Permission[];

/** What each role allows. `…:read` and `…:manage` reach beyond what is one's own. */
const PERMISSIONS: Record<Role, readonly Permission[]> = { admin: ADMIN, editor: EDITOR, support: SUPPORT, customer: CUSTOMER };

/** What each permission allows, and whose resources it reaches. Everything else a signed-in user may do reaches what is their own. */
export const REACH: Record<(typeof ADMIN)[number], string> = {
  'posts:write': 'Writes, changes and trashes posts of their own; those of others takes `posts:manage`.',
  'posts:publish': 'Publishes posts of their own; those of others takes `posts:manage`.',
  'posts:manage': 'Sees and changes the posts of everybody.',
  'comments:write': 'Comments on posts, likes them, and reports comments, in their own name.',
  'comments:moderate': 'Sees all comments, decides about those that wait, changes and deletes them, and sets the rules.',
  'orders:place': 'Places, pays and cancels orders of their own; those of others takes `orders:manage`.',
  'orders:read': 'Sees the orders of everybody.',
  'orders:manage': 'Changes the orders of everybody.',
  'files:write': 'Uploads and deletes files of their own; those of others takes `files:manage`.',
  'files:manage': 'Sees and deletes the files of everybody.',
  'products:read': 'Sees products that are not on sale, and their stock: how much, where, and its ledger.',
  'products:manage': 'Changes products, prices and stock.',
  'shop:manage': 'Sets how the shop sells (currencies, tax, shipping), and makes and changes coupons and price lists.',
  'releases:manage': 'Puts releases together, schedules, publishes and rolls them back, as far as the same edits are theirs to make.',
  'webhooks:manage': 'Has webhook endpoints of their own, which are told what they may be told; nobody reaches those of others.',
  'users:read': 'Sees everybody’s account.',
  'users:manage': 'Invites, changes, suspends and deletes accounts, but gives and takes no permission that they do not have themselves.',
  'users:impersonate': 'Acts as others who may do nothing that they may not themselves, never as an administrator.',
  'roles:manage': 'Makes, changes and deletes roles, of permissions that they have themselves.',
  'ops:read': 'Sees how the installation runs, and whether its books add up.',
  'ops:manage': 'Runs the installation: jobs, events, repairs.',
  'audit:read': 'Sees and verifies the audit log.',
};

/** What the roles that the code knows are for. */
export const ABOUT: Record<Role, string> = {
  admin: 'Runs the installation: may do everything.',
  editor: 'Looks after what others publish.',
  support: 'Looks into what customers ask about, and changes nothing of theirs.',
  customer: 'Writes and buys for themselves.',
};

/** What roles that somebody has made allow, by their names. */
export type CustomRoles = ReadonlyMap<string, readonly string[]>;

const NONE: CustomRoles = new Map();

/** Whether the code knows the role; nobody can change or delete it, or give another its name. */
export const isBuiltIn = (role: string): role is Role => Object.hasOwn(PERMISSIONS, role);

/** What one role allows; nothing when nobody knows it (any more). */
export function permissionsOfRole(role: string, custom: CustomRoles = NONE): readonly string[] {
  return isBuiltIn(role) ? PERMISSIONS[role] : (custom.get(role) ?? []);
}

/** What somebody with these roles may do; `custom` has to hold those of them that the code does not know. */
export function permissionsOf(roles: readonly string[], custom: CustomRoles = NONE): ReadonlySet<string> {
  return new Set(roles.flatMap((role) => permissionsOfRole(role, custom)));
}

/** A role may hold what a release before this one knew, and what one after it will: it allows what there is. */
export const ALL_PERMISSIONS: ReadonlySet<string> = permissionsOf(ROLES);

/** Those of these permissions that somebody does not have, and so cannot give. */
export function lacking(somebody: { can(permission: Permission): boolean }, permissions: Iterable<string>): string[] {
  return [...new Set(permissions)].filter((permission) => !somebody.can(permission as Permission));
}

/** The roles that one of the two has and the other has not. */
export function changedRoles(before: readonly string[], after: readonly string[]): string[] {
  return [...before.filter((role) => !after.includes(role)), ...after.filter((role) => !before.includes(role))];
}
