import { randomUUID } from 'node:crypto';
import { RESET_PASSWORD, VERIFY_EMAIL } from '../../src/auth/account-mails.service.js';
import { type OneTimePurpose, OneTimeTokensService } from '../../src/auth/one-time-tokens.service.js';
import { IDLE_CONSUMER, nounsOf, type World } from '../contract/nouns.js';
import { aPasskey } from '../harness/factors.js';
import { aCode } from '../harness/identities.js';
import { aPost, aProduct, aSession, aUser, PASSWORD, type Person, unique } from '../harness/people.js';
import { aRelease } from '../harness/releases.js';
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
  /** Whatever settings were made up before, orders can be placed. */
  const openShop = () =>
    product.request('PATCH', 'shop/settings', { token: admin.accessToken, body: { currencies: [], shippingMethods: [] } });
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
      if (operationId.startsWith('paymentWebhooks.')) return 'sandbox';
      if (operationId !== 'identities.unlink') return 'acme';
      const body = await aCode(app, by);
      return (await product.request<{ id: string }>('POST', 'auth/identities', { token: by.accessToken, body })).body.id;
    },
    posts: async (by, { operationId }) => {
      const { accessToken: token } = by;
      const { id } = await aPost(app, by, { published: !operationId.startsWith('reviews.'), tags: ['engines'] });
      if (['posts.restore', 'posts.delete'].includes(operationId)) await product.request('DELETE', `posts/${id}`, { token });
      if (/^reviews\.(withdraw|approve|return)$/.test(operationId)) await product.request('PUT', `posts/${id}/review`, { token });
      if (operationId === 'autosaves.get') await product.request('PUT', `posts/${id}/autosave`, { token, body: { baseVersion: 1 } });
      return id;
    },
    series: async (by) => {
      const { id } = await nouns.aSeries(by);
      await aPost(app, by, { published: true, seriesId: id });
      return id;
    },
    images: async (by) => (await nouns.anImage(by)).id,
    tag: async (by) => {
      const tag = `t-${unique()}`;
      await aPost(app, by, { tags: [tag], published: true });
      return tag;
    },
    // Nobody reports what they wrote themselves.
    comments: async (by, { operationId }) => (await nouns.aComment(operationId === 'reports.report' ? await aUser(app) : by)).id,
    n: () => '1',
    linkId: async (by, { the }) => (await nouns.aPreviewLink(by, await the('posts'))).linkId,
    page: () => '1',
    products: async () => (await aProduct(app, { by: admin })).id,
    variants: async () => (await aProduct(app, { stock: 500_000_000, by: admin })).variants[0]!.id,
    variantId: async () => (await aProduct(app, { by: admin })).variants[0]!.id,
    orders: async (by, { operationId }) => {
      await openShop();
      return ['returns.refund', 'shipments.ship', 'invoices.ofOrder', 'invoices.pdf'].includes(operationId)
        ? nouns.aPaidOrder(by)
        : nouns.anOrder(by);
    },
    invoiceId: async (_, { the }) => (await app.prisma.invoice.findFirstOrThrow({ where: { orderId: await the('orders') } })).id,
    shipments: async (by) => {
      await openShop();
      return nouns.aShipment(admin, await nouns.aPaidOrder(by));
    },
    carts: async (by) => (await nouns.aCart(by)).id,
    categories: async () => (await nouns.aCategory(admin)).id,
    coupons: async () => (await nouns.aCoupon(admin)).id,
    couponCode: async () => (await nouns.aCoupon(admin)).code,
    releases: async (_, { operationId }) => {
      const { variants } = await aProduct(app, { by: admin });
      const changes = { name: 'x' };
      const release = await aRelease(product, admin, { kind: 'variant', variantId: variants[0]!.id, changes });
      const body = operationId === 'releases.withdraw' ? { at: '2099-01-01T00:00:00Z' } : {};
      if (['releases.withdraw', 'releases.rollBack'].includes(operationId))
        await product.request('PUT', `releases/${release.id}/publication`, { token: admin.accessToken, body });
      return release.id;
    },
    itemId: async (_, { the }) => {
      const path = `releases/${await the('releases')}/items`;
      return (await product.request<{ items: { id: string }[] }>('GET', path, { token: admin.accessToken })).body.items[0]!.id;
    },
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
    imports: (by, { operationId }) =>
      operationId.startsWith('variantImports.')
        ? nouns.aVariantImport(admin, operationId.endsWith('.cancel') ? 'pending' : 'done')
        : nouns.anImport(by),
    'price-lists': () => nouns.aPriceList(admin),
    notifications: (by) => nouns.aNotification(by),
    endpoints: async (by) => (await endpointFor(by)).id,
    deliveries: async (by) => (await endpointFor(by)).deliveryId,
    locations: () => nouns.aLocation(admin),
    job: () => nouns.aDeadJob(),
    invariant: () => 'stock-reserved',
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
    key: () => randomUUID(),
    email: ({ email }, { operationId }) =>
      ['auth.register', 'emails.changeEmail', 'invitations.invite'].includes(operationId) ? `n-${unique()}@example.org` : email,
    password: () => PASSWORD,
    refreshToken: ({ refreshToken }) => refreshToken,
    token: async (by, { operationId, the }) => {
      const { id, email } = by;
      if (operationId === 'previewLinks.read') return (await nouns.aPreviewLink(by, await the('posts'))).token;
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
