import { anAdmin, aUser, type Person, unique } from '../../harness/people.js';
import type { World } from '../nouns.js';
import type { HappyCalls } from './happy.js';

/** Calls that ought to succeed, of what lets in and what it allows: API keys, roles, acting as others. */
export function happyCallsOfKeys({ app, product }: World): HappyCalls {
  async function anApiKey(by: Person): Promise<string> {
    const body = { name: 'A scanner', scopes: [] };
    return (await product.request<{ id: string }>('POST', 'auth/api-keys', { token: by.accessToken, body })).body.id;
  }

  async function aRole(): Promise<string> {
    const body = { name: `r-${unique()}`, permissions: ['orders:read'] };
    return (await product.request<{ name: string }>('POST', 'roles', { token: (await anAdmin(app)).accessToken, body })).body.name;
  }

  const HAPPY: HappyCalls = {
    'apiKeys.list': async () => {
      const by = await aUser(app);
      await anApiKey(by);
      return [{ by }];
    },
    'apiKeys.create': async () => [
      { by: await aUser(app), body: { name: 'A scanner', scopes: ['orders:place'], expiresAt: '2099-01-01T00:00:00Z' } },
      { by: await aUser(app), body: { name: 'A scanner', scopes: [], expiresAt: null } },
    ],
    'apiKeys.get': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: await anApiKey(by) } }];
    },
    'apiKeys.rotate': async () => {
      const by = await aUser(app);
      return [
        { by, params: { id: await anApiKey(by) }, body: {} },
        { by, params: { id: await anApiKey(by) }, body: { overlapSeconds: 0 } },
      ];
    },
    'apiKeys.delete': async () => {
      const by = await aUser(app);
      return [{ by, params: { id: await anApiKey(by) } }];
    },
    'explanations.explain': async () => {
      const { id } = await aUser(app);
      return [
        { by: await anAdmin(app), query: `userId=${id}&permission=orders:read&resource=user:${id}` },
        { by: await anAdmin(app), query: 'permission=orders:read' },
      ];
    },
    'impersonations.begin': async () => [{ by: await anAdmin(app), params: { id: (await aUser(app)).id } }],
    'invitations.invite': async () => [
      { by: await anAdmin(app), body: { email: `n-${unique()}@example.org`, name: 'Grace Hopper', roles: ['editor'] } },
      { by: await anAdmin(app), body: { email: `n-${unique()}@example.org`, name: 'Grace Hopper' } },
    ],
    'roles.list': async () => {
      await aRole();
      return [{ by: await anAdmin(app) }];
    },
    'roles.create': async () => [
      { by: await anAdmin(app), body: { name: `r-${unique()}`, description: 'x', permissions: ['orders:read'] } },
      { by: await anAdmin(app), body: { name: `r-${unique()}`, permissions: [] } },
    ],
    'roles.get': async () => [
      { by: await anAdmin(app), params: { name: 'support' } },
      { by: await anAdmin(app), params: { name: await aRole() } },
    ],
    'roles.update': async () => [{ by: await anAdmin(app), params: { name: await aRole() }, body: { description: '', permissions: [] } }],
    'roles.delete': async () => [{ by: await anAdmin(app), params: { name: await aRole() } }],
  };
  return HAPPY;
}
