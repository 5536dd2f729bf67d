import { describe, expect, it } from '@jest/globals';
import { ALL_PERMISSIONS, REACH } from '../users/roles.rules.js';
import { explain } from './explanations.rules.js';

const CUSTOM = new Map([['packer', ['orders:read']]]);
const active = (...roles: string[]) => ({ roles, status: 'active' as const, lacksFactor: false });

describe('why somebody may or may not', () => {
  it('is the role that allows it', () => {
    expect(explain(active('customer', 'packer'), 'orders:read', CUSTOM)).toEqual({
      permission: 'orders:read',
      allowed: true,
      because: ['The role packer allows orders:read.'],
      roles: [
        { name: 'customer', builtIn: true, known: true, allows: false },
        { name: 'packer', builtIn: false, known: true, allows: true },
      ],
      scope: expect.stringContaining('everybody'),
    });
    expect(explain(active('admin', 'packer'), 'orders:read', CUSTOM).because).toEqual(['The roles admin, packer allow orders:read.']);
  });

  it('is that none does, or that there is none', () => {
    expect(explain(active('customer', 'gone'), 'orders:read', CUSTOM)).toMatchObject({
      allowed: false,
      because: ['None of the user’s roles (customer, gone) allows orders:read.'],
      roles: [{ known: true }, { name: 'gone', known: false, allows: false }],
    });
    expect(explain(active(), 'orders:read', CUSTOM)).toMatchObject({ allowed: false, because: ['The user has no role.'] });
  });

  it('is that the account is suspended, whatever its roles', () => {
    const { allowed, because } = explain({ roles: ['admin'], status: 'suspended', lacksFactor: false }, 'orders:read', CUSTOM);
    expect(allowed).toBe(false);
    expect(because[0]).toMatch(/suspended/);
  });

  it('comes with what each permission reaches', () => {
    expect(Object.keys(REACH).sort()).toEqual([...ALL_PERMISSIONS].sort());
  });

  it('is told of a second factor that a role asks for', () => {
    const { allowed, because } = explain({ roles: ['admin'], status: 'active', lacksFactor: true }, 'orders:read', CUSTOM);
    expect([allowed, because[0]]).toEqual([false, expect.stringContaining('AUTH_MFA_REQUIRED_ROLES')]);
  });
});
