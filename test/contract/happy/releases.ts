import { anAdmin, aPost, aProduct, type Person, unique } from '../../harness/people.js';
import { aRelease } from '../../harness/releases.js';
import type { World } from '../nouns.js';
import type { Happy, HappyCalls } from './happy.js';

/** Calls that ought to succeed, of what goes live together. */
export function happyCallsOfReleases({ app, product }: World): HappyCalls {
  const resources = async (by: Person) => ({ post: await aPost(app, by), product: await aProduct(app, { by }) });
  /** A release with an item of each kind. */
  const aFullOne = async (by: Person) => {
    const { post, product: sold } = await resources(by);
    return aRelease(
      product,
      by,
      { kind: 'post', postId: post.id, changes: { title: 'x', excerpt: null }, publication: 'publish' },
      { kind: 'product', productId: sold.id, changes: { name: 'x', category: null } },
      { kind: 'variant', variantId: sold.variants[0]!.id, changes: { price: { amount: 1, currency: 'EUR' } } },
    );
  };
  const on = async (call: (release: Awaited<ReturnType<typeof aFullOne>>) => Omit<Happy, 'by'>): Promise<Happy> => {
    const by = await anAdmin(app);
    return { by, ...call(await aFullOne(by)) };
  };
  const one = ({ id }: { id: string }) => ({ params: { id } });
  const publish = (by: Person, id: string, body: object) =>
    product.request('PUT', `releases/${id}/publication`, { token: by.accessToken, body });
  const LATER = { at: '2099-01-01T00:00:00Z' };

  const HAPPY: HappyCalls = {
    'releases.list': async () => {
      const happy = await on(() => ({ query: 'status=open&sort=createdAt&limit=1' }));
      return [{ by: happy.by }, happy];
    },
    'releases.create': async () => [
      { by: await anAdmin(app), body: { name: 'Autumn sale', description: 'x\ny' } },
      { by: await anAdmin(app), body: { name: 'Autumn sale' } },
    ],
    'releases.get': async () => [await on(one)],
    'releases.update': async () => [await on((release) => ({ ...one(release), body: { name: 'x', description: '' } }))],
    'releases.delete': async () => [await on(one)],
    'releases.preview': async () => {
      const by = await anAdmin(app);
      const post = await aPost(app, by);
      const { id } = await aRelease(product, by, { kind: 'post', postId: post.id, publication: 'publish' });
      await aRelease(product, by, { kind: 'post', postId: post.id, changes: { title: 'x' } });
      await product.request('DELETE', `posts/${post.id}`, { token: by.accessToken });
      return [await on(one), { by, params: { id } }];
    },
    'releases.publish': async () => [
      await on((release) => ({ ...one(release), body: {} })),
      await on((release) => ({ ...one(release), body: LATER })),
    ],
    'releases.withdraw': async () => {
      const happy = await on(one);
      await publish(happy.by!, happy.params!['id']!, LATER);
      return [happy];
    },
    'releases.rollBack': async () => {
      const calls = [
        await on((release) => ({ ...one(release), body: {} })),
        await on((release) => ({ ...one(release), body: { force: true } })),
      ];
      for (const { by, params } of calls) await publish(by!, params!['id']!, {});
      return calls;
    },
    'items.list': async () => [await on(one), await on((release) => ({ ...one(release), query: 'limit=1&sort=-createdAt' }))],
    'items.add': async () => {
      const by = await anAdmin(app);
      const { post, product: sold } = await resources(by);
      const { id } = await aRelease(product, by);
      const add = (body: Record<string, unknown>) => ({ by, params: { id }, body });
      return [
        add({
          kind: 'post',
          postId: post.id,
          changes: { title: 'x', body: 'y', slug: `s-${unique()}`, tags: [], metadata: {} },
          publication: 'unpublish',
        }),
        add({ kind: 'product', productId: sold.id, changes: { name: 'x', description: '', status: 'archived', category: null } }),
        add({
          kind: 'variant',
          variantId: sold.variants[0]!.id,
          changes: { name: 'x', sku: unique(), price: { amount: 2, currency: 'USD' } },
        }),
      ];
    },
    'items.get': async () => [await on(({ id, itemIds }) => ({ params: { id, itemId: itemIds[0]! } }))],
    'items.change': async () => [
      await on(({ id, itemIds }) => ({
        params: { id, itemId: itemIds[0]! },
        body: { kind: 'post', changes: { title: 'z' }, publication: null },
      })),
      await on(({ id, itemIds }) => ({
        params: { id, itemId: itemIds[1]! },
        body: { kind: 'product', changes: { slug: `s-${unique()}` } },
      })),
      await on(({ id, itemIds }) => ({ params: { id, itemId: itemIds[2]! }, body: { kind: 'variant', changes: { externalId: null } } })),
    ],
    'items.rebase': async () => [await on(({ id, itemIds }) => ({ params: { id, itemId: itemIds[2]! } }))],
    'items.remove': async () => [await on(({ id, itemIds }) => ({ params: { id, itemId: itemIds[1]! } }))],
  };
  return HAPPY;
}
