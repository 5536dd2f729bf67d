import type { Permission } from '#security';

export const ROLES = ['admin', 'editor', 'support', 'customer'] as const;
export type Role = (typeof ROLES)[number];

const CUSTOMER = ['posts:write', 'posts:publish', 'orders:place'] as const satisfies Permission[];
const EDITOR = [...CUSTOMER, 'posts:manage', 'webhooks:manage'] as const satisfies Permission[];
const SUPPORT = [...CUSTOMER, 'orders:read', 'users:read', 'products:read', 'webhooks:manage'] as const satisfies Permission[];
const ADMIN = [
  ...new Set([...EDITOR, ...SUPPORT]),
  'orders:manage',
  'users:manage',
  'products:manage',
  'ops:read',
  'ops:manage',
  'audit:read',
] as const satisfies Permission[];

/** What each role allows. `…:read` and `…:manage` reach beyond what is one's own. */
const PERMISSIONS: Record<Role, readonly Permission[]> = { admin: ADMIN, editor: EDITOR, support: SUPPORT, customer: CUSTOMER };

/** What somebody with these roles may do. A role nobody knows any more allows nothing. */
export function permissionsOf(roles: readonly string[]): ReadonlySet<string> {
  return new Set(roles.flatMap((role) => (Object.hasOwn(PERMISSIONS, role) ? PERMISSIONS[role as Role] : [])));
}

export const ALL_PERMISSIONS: ReadonlySet<string> = permissionsOf(ROLES);
