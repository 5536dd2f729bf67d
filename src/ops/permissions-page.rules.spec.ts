import { describe, expect, it } from '@jest/globals';
import { permissionsPage } from './permissions-page.rules.js';

const ROLES = [
  { name: 'boss', about: 'Does everything.', permissions: new Set(['things:manage']) },
  { name: 'guest', about: 'Looks.', permissions: new Set<string>() },
];
const THING = { path: '/things', summary: 'Do it', tag: 'Things', session: undefined };

describe('docs/permissions.md', () => {
  const page = permissionsPage(
    [
      { ...THING, method: 'GET', access: { level: 'public' } },
      { ...THING, method: 'POST', access: { level: 'permission', permission: 'things:manage' } },
      { ...THING, method: 'DELETE', access: { level: 'signed-in' }, session: 'fresh' },
      { ...THING, method: 'PUT', access: { level: 'signed-in' }, session: 'any' },
    ],
    ROLES,
    { 'things:manage': 'Changes things.' },
  );

  it('says who may call each operation', () => {
    expect(page).toContain('| operation | | needs | nobody | boss | guest | API key | acting as | fresh |');
    expect(page).toContain('| `GET /things` | Do it | nothing | ✓ | ✓ | ✓ | ✓ | ✓ |  |');
    expect(page).toContain('| `POST /things` | Do it | `things:manage` |  | ✓ |  | ✓ | ✓ |  |');
    expect(page).toContain('| `DELETE /things` | Do it | a login |  | ✓ | ✓ |  |  | ✓ |');
    expect(page).toContain('| `PUT /things` | Do it | a login |  | ✓ | ✓ |  | ✓ |  |');
  });

  it('says what each permission allows, and whom', () => {
    expect(page).toContain('| `things:manage` | Changes things. | ✓ |  |');
    expect(page).toContain('| `guest` | Looks. |');
  });
});
