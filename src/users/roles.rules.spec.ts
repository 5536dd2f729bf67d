import { describe, expect, it } from '@jest/globals';
import { ALL_PERMISSIONS, changedRoles, lacking, permissionsOf, type Role, ROLES } from './roles.rules.js';

const permissions = (...roles: string[]) => [...permissionsOf(roles)].sort();
const CUSTOMER = ['comments:write', 'files:write', 'orders:place', 'posts:publish', 'posts:write'];

describe('a role', () => {
  it.each<[Role, string[]]>([
    ['customer', CUSTOMER],
    ['editor', [...CUSTOMER, 'comments:moderate', 'posts:manage', 'releases:manage', 'webhooks:manage']],
    ['support', [...CUSTOMER, 'orders:read', 'products:read', 'users:read', 'webhooks:manage']],
  ])('of %s allows what its work needs, and no more', (role, allowed) => {
    expect(permissions(role)).toEqual([...allowed].sort());
  });

  it('of an administrator allows everything there is', () => {
    expect(permissions('admin')).toEqual([...ALL_PERMISSIONS].sort());
    expect(permissions('admin')).toEqual(
      [
        ...CUSTOMER,
        'audit:read',
        'comments:moderate',
        'posts:manage',
        'releases:manage',
        'shop:manage',
        'webhooks:manage',
        'orders:read',
        'orders:manage',
        'users:read',
        'users:manage',
        'users:impersonate',
        'roles:manage',
        'products:read',
        'products:manage',
        'files:manage',
        'ops:read',
        'ops:manage',
      ].sort(),
    );
  });

  it('adds to the others, and takes nothing from them', () => {
    expect(permissions('support', 'editor')).toEqual([...new Set([...permissions('support'), ...permissions('editor')])].sort());
  });

  it.each([['boss'], ['Admin'], ['constructor'], ['__proto__'], ['']])('that nobody knows any more allows nothing: %j', (role) => {
    expect(permissions(role)).toEqual([]);
    expect(permissions(role, 'customer')).toEqual(CUSTOMER);
  });

  it('that somebody has made allows what it says, and cannot take the place of one of the application', () => {
    const custom = new Map([
      ['packer', ['orders:read']],
      ['customer', ['users:manage']],
    ]);
    expect([...permissionsOf(['packer', 'gone'], custom)]).toEqual(['orders:read']);
    expect([...permissionsOf(['customer'], custom)].sort()).toEqual(CUSTOMER);
  });

  it('can be given by who has all it allows', () => {
    const support = { can: (permission: string) => permissionsOf(['support']).has(permission) };
    expect(lacking(support, permissionsOf(['customer']))).toEqual([]);
    expect(lacking(support, permissionsOf(['editor']))).toEqual(['posts:manage', 'comments:moderate', 'releases:manage']);
    expect(changedRoles(['a', 'b'], ['b', 'c'])).toEqual(['a', 'c']);
  });

  it('is needed for everything', () => {
    expect(permissions()).toEqual([]);
    expect(ROLES).toHaveLength(4);
  });
});
