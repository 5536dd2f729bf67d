import { RESET_PASSWORD, VERIFY_EMAIL } from '../../src/auth/account-mails.service.js';
import { type OneTimePurpose, OneTimeTokensService } from '../../src/auth/one-time-tokens.service.js';
import { IDLE_CONSUMER, nounsOf, type World } from '../contract/nouns.js';
import { aPasskey } from '../harness/factors.js';
import { aCode } from '../harness/identities.js';
import { aPost, aProduct, aSession, aUser, PASSWORD, type Person, unique } from '../harness/people.js';
import { exchange } from '../harness/uploads.js';
import type { Draft } from './requests.js';

/** The call a thing is made for. */
export interface Purpose {
  operationId: string;
  target: string;
  query: Draft['query'];
  /** Another thing that the same call names. */
  the: (name: string) => Promise<string>;
}

type Thing = (by: Person, purpose: Purpose) => Promise<string> | string;

/** What the tokens of mails are for. */
const MAILED: Record<string, OneTimePurpose> = { 'emails.resetPassword': RESET_PASSWORD, 'emails.verifyEmail': VERIFY_EMAIL };

/** Made anew for each call: the cursor depends on its query; the ticket and the key are good once. */
export const NEVER_KEPT: readonly string[] = ['cursor', 'ticket', 'key', 'token'];

/** What paths and members name, made for whoever calls. */
export function thingsOf(world: World, admin: Person): Record<string, Thing> {
  const { app, product } = world;
  const nouns = nounsOf(world);
  const links = new Map<string, { url: string; headers: Record<string, string> }>();
  /** The link to the content of the file or the upload that the path names. */
  const link = async ({ target, the }: Purpose) => links.get(await the(target.includes('/uploads/') ? 'uploads' : 'files'))!;
  const inLink = async (purpose: Purpose, name: string) => new URL((await link(purpose)).url).searchParams.get(name)!;
  /** Who may have none calls on somebody else's. */
  let others: ReturnType<typeof nouns.anEndpoint> | undefined;
  const endpointFor = (by: Person) => (by.roles.includes('admin') ? nouns.anEndpoint(by) : (others ??= nouns.anEndpoint(admin)));

  /** A noun in a path that has no line here fails its operation. */
  const THINGS: Record<string, Thing> = {
    users: async () => (await aUser(app)).id,
    sessions: async (by) => (await aSession(app, by.id)).sessionId,
    passkeys: async (by) => (await aPasskey(product, by)).passkey.id,
    provider: async (by, { operationId }) => {
      if (operationId !== 'identities.unlink') return 'acme';
      const body = await aCode(app, by);
      return (await product.request<{ id: string }>('POST', 'auth/identities', { token: by.accessToken, body })).body.id;
    },
    posts: async (by, { operationId }) => {
      const { id } = await aPost(app, by, { published: true, tags: ['engines'] });
      if (operationId === 'posts.restore') await product.request('DELETE', `posts/${id}`, { token: by.accessToken });
      return id;
    },
    page: () => '1',
    products: async () => (await aProduct(app, { by: admin })).id,
    variants: async () => (await aProduct(app, { stock: 1_000_000_000, by: admin })).variants[0]!.id,
    orders: (by) => nouns.anOrder(by),
    files: async (by) => {
      const { id, url } = await nouns.aFile(by);
      links.set(id, { url, headers: {} });
      return id;
    },
    uploads: async (by) => {
      const { id, url, headers } = await nouns.anUpload(by);
      links.set(id, { url, headers });
      await exchange(product, 'PUT', url, { body: Buffer.from('text'), headers });
      return id;
    },
    exports: (by) => nouns.anExport(by, 'ready'),
    notifications: (by) => nouns.aNotification(by),
    endpoints: async (by) => (await endpointFor(by)).id,
    deliveries: async (by) => (await endpointFor(by)).deliveryId,
    job: () => nouns.aDeadJob(),
    events: () => nouns.aStuckEvent(),
    consumer: async (_, { the }) => {
      await the('events');
      return IDLE_CONSUMER;
    },
    'api-keys': async ({ accessToken: token }) =>
      (await product.request<{ id: string }>('POST', 'auth/api-keys', { token, body: { name: 'x', scopes: [] } })).body.id,
    name: async () => {
      const body = { name: `r-${unique()}`, permissions: [] };
      return (await product.request<{ name: string }>('POST', 'roles', { token: admin.accessToken, body })).body.name;
    },
    module: () => 'products',
    what: () => 'out-of-stock',
    key: () => unique(),
    email: ({ email }, { operationId }) =>
      ['auth.register', 'emails.changeEmail', 'invitations.invite'].includes(operationId) ? `n-${unique()}@example.org` : email,
    password: () => PASSWORD,
    refreshToken: ({ refreshToken }) => refreshToken,
    token: async ({ id, email }, { operationId }) => {
      const purpose = MAILED[operationId];
      if (purpose !== undefined) return app.get(OneTimeTokensService).issue({ purpose, userId: id, data: { email }, seconds: 600 });
      return new URLSearchParams(await nouns.anUnsubscription(id)).get('token')!;
    },
    ticket: async ({ accessToken: token }) => (await product.request<{ ticket: string }>('POST', 'events/tickets', { token })).body.ticket,
    expires: (_, purpose) => inLink(purpose, 'expires'),
    signature: (_, purpose) => inLink(purpose, 'signature'),
    checksum: async (_, purpose) => (await link(purpose)).headers['x-amz-checksum-sha256']!,
    cursor: async ({ accessToken: token }, { target, query }) => {
      const search = new URLSearchParams([['limit', '1'], ...query.filter(([name]) => name === 'sort')]);
      if (target.endsWith('/posts')) for (const [name, value] of orderOfPosts(query)) search.set(name, value);
      const page = await product.request<{ nextCursor?: string | null }>('GET', `${target}?${search.toString()}`, { token });
      return page.body.nextCursor ?? 'none';
    },
  };
  return THINGS;
}

/** The list of posts has another order for each kind of question; a cursor belongs to an order. */
function orderOfPosts(query: Draft['query']): [string, string][] {
  const asked = new Map(query.map(([name, value]) => [name, String(value)]));
  const sort = asked.get('sort') ?? (asked.has('q') ? 'relevance' : asked.has('from') || asked.has('to') ? '-publishedAt' : undefined);
  if (sort === 'relevance')
    return [
      ['sort', sort],
      ['q', 'engine'],
    ];
  return sort === undefined ? [] : [['sort', sort]];
}
