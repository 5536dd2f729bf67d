// A certified OpenID provider in a process of its own: `node oidc.program.ts <port> <client id> <client secret> <redirect URI>`. Its page of log-in
// is `/interaction/<uid>`: append `/login?as=<account as JSON>` or `/abort`.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Context } from 'oidc-provider';

const [, , port, client_id, client_secret, redirectUri] = process.argv;
const accounts = new Map<string, { sub: string }>();
const server = createServer();
await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const provider = new Provider(url, {
  clients: [{ client_id, client_secret, redirect_uris: [redirectUri] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  cookies: { keys: ['nothing is secret here'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_: Context, { uid }: { uid: string }) => `/interaction/${uid}` },
  pkce: { required: () => true },
  findAccount: (_: Context, sub: string) => {
    const account = accounts.get(sub);
    return account && { accountId: sub, claims: () => ({ ...account }) };
  },
  loadExistingGrant: async ({ oidc }: Context) => {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope('openid email profile');
    await grant.save();
    return grant;
  },
});
const callback = provider.callback();

server.on('request', (request, response) => {
  void (async () => {
    const { pathname, searchParams } = new URL(request.url!, url);
    const [, step] = /^\/interaction\/[^/]+\/(login|abort)$/.exec(pathname) ?? [];
    if (step === undefined) return callback(request, response);
    if (step === 'abort') return provider.interactionFinished(request, response, { error: 'access_denied' });
    const account = JSON.parse(searchParams.get('as')!) as { sub: string };
    accounts.set(account.sub, account);
    await provider.interactionFinished(request, response, { login: { accountId: account.sub } });
  })().catch(() => response.destroy());
});

process.once('disconnect', () => process.exit(1)); // who outlives the test is in the way
process.send?.(url);
