import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { OrderResponse } from '../../src/orders/orders.dto.js';
import type { PostResponse } from '../../src/posts/posts.dto.js';
import type { ProductResponse } from '../../src/products/products.dto.js';
import type { PreviewResponse } from '../../src/releases/items.dto.js';
import { startApp, type TestApp } from '../harness/app.js';
import type { Answer } from '../harness/client.js';
import { query } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { anAdmin, aPost, aProduct, aUser, type Person, unique } from '../harness/people.js';
import { type Product, startProcess, stopProcesses } from '../harness/product.js';
import { aRelease, type ReleaseBody } from '../harness/releases.js';
import type { Wire } from '../harness/wire.js';

/** Two that serve one database; the jobs are done by processes of their own. */
let one: TestApp;
let other: TestApp;
let admin: Person;

beforeAll(async () => {
  one = await startApp({ ROLE: 'api' });
  other = await startApp({ ROLE: 'api', DATABASE_URL: one.databaseUrl });
  admin = await anAdmin(one);
}, 60_000);
afterAll(async () => {
  await stopProcesses();
  await other?.close();
  await one?.close();
});

type Server = Pick<TestApp, 'request'>;

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const as = (by: Person) => ({ token: by.accessToken });
const publish = (server: Server, id: string, body: object = {}) =>
  server.request<ReleaseBody>('PUT', `releases/${id}/publication`, { ...as(admin), body });
const statusesOf = (answers: Answer<unknown>[]) => answers.map(({ status }) => status).sort();
const repriced = (variantIds: string[], amount: number) =>
  aRelease(one, admin, ...variantIds.map((variantId) => ({ kind: 'variant', variantId, changes: { price: eur(amount) } })));

/** A product with two variants that cost the same, whatever they cost. */
async function aPair(amount: number): Promise<{ product: Awaited<ReturnType<typeof aProduct>>; ids: string[] }> {
  const variants = [1, 2].map(() => ({ sku: `SKU-${unique()}`, name: 'One of two', price: eur(amount), stock: 100_000 }));
  const product = await aProduct(one, { by: admin, variants });
  return { product, ids: product.variants.map(({ id }) => id) };
}

describe('one release', () => {
  it('that is published by many at once goes live once', async () => {
    for (let round = 0; round < 3; round++) {
      const { product, ids } = await aPair(100);
      const { id } = await repriced(ids, 200);
      const answers = await Promise.all([one, other, one, other].map((server) => publish(server, id)));
      expect(statusesOf(answers)).toEqual([200, 409, 409, 409]);
      const { body } = await one.request<Wire<ProductResponse>>('GET', `products/${product.id}`);
      expect(body.variants.map(({ price, version }) => [price.amount, version])).toEqual([
        [200, 2],
        [200, 2],
      ]);
      const events = await query(one.databaseUrl, `SELECT FROM events WHERE name = 'release.published' AND resource_id = $1`, [id]);
      expect(events).toHaveLength(1);
    }
  });

  it('that meets an edit either comes first, or finds what it changes outdated', async () => {
    for (let round = 0; round < 6; round++) {
      const post = await aPost(one, admin);
      const { ids } = await aPair(100);
      const release = await aRelease(
        one,
        admin,
        { kind: 'post', postId: post.id, changes: { title: 'By the release' }, publication: 'publish' },
        ...ids.map((variantId) => ({ kind: 'variant', variantId, changes: { price: eur(200) } })),
      );
      const edit = () =>
        other.request('PATCH', `posts/${post.id}`, { ...as(admin), body: { title: 'By hand' }, headers: { 'if-match': '"1"' } });
      const [edited, published] =
        round % 2 === 0
          ? await Promise.all([edit(), publish(one, release.id)])
          : await Promise.all([publish(one, release.id), edit()]).then(([a, b]) => [b, a] as const);
      const { title, status } = (await one.request<Wire<PostResponse>>('GET', `posts/${post.id}`, as(admin))).body;
      const prices = (
        await query<{ price: number }>(one.databaseUrl, 'SELECT price_amount::int AS price FROM variants WHERE id = ANY ($1)', [ids])
      ).map(({ price }) => price);
      const outcome = JSON.stringify([edited.status, published.status, title, status, ...prices]);
      expect([
        JSON.stringify([200, 409, 'By hand', 'draft', 100, 100]),
        JSON.stringify([412, 200, 'By the release', 'published', 200, 200]),
      ]).toContain(outcome);
    }
  });

  it('that is rolled back while somebody edits either comes first, or changes nothing', async () => {
    for (let round = 0; round < 5; round++) {
      const { product, ids } = await aPair(100);
      const { id } = await repriced(ids, 200);
      await publish(one, id);
      const [rolledBack, edited] = await Promise.all([
        one.request<ReleaseBody>('POST', `releases/${id}/rollback`, { ...as(admin), body: {} }),
        other.request('PATCH', `variants/${ids[1]}`, { ...as(admin), body: { price: eur(300) }, headers: { 'if-match': '"2"' } }),
      ]);
      const { body } = await one.request<Wire<ProductResponse>>('GET', `products/${product.id}`, as(admin));
      const outcome = [rolledBack.status, edited.status, ...body.variants.map(({ price }) => price.amount)];
      expect(['200,412,100,100', '409,200,200,300']).toContain(String(outcome));
    }
  });

  it('never waits for ever for orders and edits of the same, in whatever order they come', async () => {
    const { ids } = await aPair(100);
    const post = await aPost(one, admin);
    const customer = await aUser(one);
    const releases = await Promise.all(
      [1, 2, 3, 4].map(() =>
        aRelease(one, admin, ...ids.toReversed().map((variantId) => ({ kind: 'variant', variantId, changes: { name: 'x' } })), {
          kind: 'post',
          postId: post.id,
          publication: 'publish',
        }),
      ),
    );
    const order = (server: Server) =>
      server.request('POST', 'orders', {
        ...as(customer),
        headers: { 'idempotency-key': unique() },
        body: { items: ids.toReversed().map((variantId) => ({ variantId, quantity: 1 })) },
      });
    const answers = await Promise.all([
      ...releases.map(({ id }, index) => publish(index % 2 === 0 ? one : other, id)),
      ...Array.from({ length: 10 }, (_, index) => order(index % 2 === 0 ? one : other)),
      ...ids.map((id) => other.request('PATCH', `variants/${id}`, { ...as(admin), body: { name: 'y' } })),
    ]);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    expect(answers.slice(4, 14).map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 201));
  });
});

describe('while prices change together', () => {
  it('an order has all the old ones or all the new ones, and so has a quote, and what anybody reads', async () => {
    const customers = await Promise.all([1, 2, 3, 4].map(() => aUser(one)));
    const seen = new Set<number>();
    let price = 100;
    const { product, ids } = await aPair(price);
    for (let round = 0; round < 4; round++) {
      const { id } = await repriced(ids, price + 100);
      let live = false;
      const items = ids.map((variantId) => ({ variantId, quantity: 1 }));
      const amounts = ({ body }: Answer<Wire<OrderResponse>>) => body.items.map(({ unitPrice }) => unitPrice.amount);
      const buyer = async (customer: Person, server: Server): Promise<number[][]> => {
        const found: number[][] = [];
        do {
          const body = { items };
          const headers = { 'idempotency-key': unique() };
          const [quote, order, read] = await Promise.all([
            server.request<Wire<OrderResponse>>('POST', 'orders/quote', { ...as(customer), body }),
            server.request<Wire<OrderResponse>>('POST', 'orders', { ...as(customer), body, headers }),
            server.request<Wire<ProductResponse>>('GET', `products/${product.slug}`),
          ]);
          expect([quote.status, order.status, read.status]).toEqual([200, 201, 200]);
          found.push(
            amounts(quote),
            amounts(order),
            read.body.variants.map((variant) => variant.price.amount),
          );
        } while (!live);
        return found;
      };
      const buying = customers.map((customer, index) => buyer(customer, index % 2 === 0 ? one : other));
      expect((await publish(round % 2 === 0 ? one : other, id)).status).toBe(200);
      live = true;
      const found = (await Promise.all(buying)).flat();
      for (const [first, second] of found) {
        expect(first).toBe(second);
        expect([price, price + 100]).toContain(first);
        seen.add(first!);
      }
      price += 100;
      const after = await other.request<Wire<OrderResponse>>('POST', 'orders/quote', { ...as(customers[0]!), body: { items } });
      expect(amounts(after)).toEqual([price, price]);
    }
    expect(seen.size).toBeGreaterThan(2);
  });
});

describe('a large release', () => {
  const TAG = `large-${unique()}`;

  it('goes live whole with 200 items, and takes no more', async () => {
    const pairs = await Promise.all(Array.from({ length: 50 }, () => aPair(100)));
    const posts = await Promise.all(Array.from({ length: 50 }, () => aPost(one, admin)));
    const { id } = await aRelease(
      one,
      admin,
      ...pairs.flatMap(({ ids }) => ids.map((variantId) => ({ kind: 'variant', variantId, changes: { price: eur(200) } }))),
      ...pairs.map(({ product }) => ({ kind: 'product', productId: product.id, changes: { category: TAG } })),
      ...posts.map((post) => ({ kind: 'post', postId: post.id, changes: { tags: [TAG] }, publication: 'publish' })),
    );
    const extra = await aPost(one, admin);
    const item = { kind: 'post', postId: extra.id, publication: 'publish' };
    const refused = await one.request('POST', `releases/${id}/items`, { ...as(admin), body: item });
    expect([refused.status, refused.body.code]).toEqual([409, 'releases/full']);
    const preview = await one.request<Wire<PreviewResponse>>('GET', `releases/${id}/preview`, as(admin));
    expect([preview.body.publishable, preview.body.items.length]).toEqual([true, 200]);
    expect((await publish(one, id)).body).toMatchObject({ status: 'published', items: 200 });
    const count = async (sql: string) => (await query<{ n: number }>(one.databaseUrl, sql, [TAG]))[0]!.n;
    expect(await count('SELECT count(*)::int AS n FROM posts WHERE tags @> ARRAY[$1] AND published_at IS NOT NULL')).toBe(50);
    expect(
      await count(
        'SELECT count(*)::int AS n FROM variants v JOIN products p ON p.id = v.product_id WHERE p.category = $1 AND v.price_amount = 200',
      ),
    ).toBe(100);
    expect((await one.request('POST', `releases/${id}/rollback`, { ...as(admin), body: {} })).status).toBe(200);
    expect(await count('SELECT count(*)::int AS n FROM posts WHERE tags @> ARRAY[$1]')).toBe(0);
  }, 120_000);
});

describe('a process that is killed while it publishes', () => {
  it('has published nothing; the next one publishes all of it, once', async () => {
    const { product, ids } = await aPair(100);
    const post = await aPost(one, admin);
    const { id } = await aRelease(one, admin, ...ids.map((variantId) => ({ kind: 'variant', variantId, changes: { price: eur(200) } })), {
      kind: 'post',
      postId: post.id,
      publication: 'publish',
    });
    const start = () => startProcess({ databaseUrl: one.databaseUrl, env: { ROLE: 'worker' } });
    const first = await start();
    const client = new pg.Client({ connectionString: one.databaseUrl });
    await client.connect();
    let second: Product | undefined;
    try {
      // Whoever changes the last of them waits here, with everything else changed already.
      await client.query('BEGIN');
      await client.query('SELECT FROM variants WHERE id = $1 FOR UPDATE', [ids.toSorted().at(-1)]);
      expect((await publish(one, id, { at: new Date(Date.now() + 500).toISOString() })).body.status).toBe('scheduled');
      await eventually(async () => {
        const waiting = await query(
          one.databaseUrl,
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%variants%FOR UPDATE%'`,
        );
        return waiting.length > 0;
      }, 30_000);
      await first.stop('SIGKILL');
      await client.query('ROLLBACK');
      const untouched = async () => {
        const { status } = (await other.request<Wire<PostResponse>>('GET', `posts/${post.id}`, as(admin))).body;
        const { variants } = (await other.request<Wire<ProductResponse>>('GET', `products/${product.id}`, as(admin))).body;
        return [status, ...variants.map(({ price }) => price.amount)];
      };
      expect(await untouched()).toEqual(['draft', 100, 100]);
      second = await start();
      await eventually(
        async () => (await one.request<ReleaseBody>('GET', `releases/${id}`, as(admin))).body.status === 'published',
        60_000,
      );
      expect(await untouched()).toEqual(['published', 200, 200]);
      const events = await query(
        one.databaseUrl,
        `SELECT FROM events WHERE (name = 'release.published' AND resource_id = $1) OR (name = 'post.published' AND resource_id = $2)`,
        [id, post.id],
      );
      expect(events).toHaveLength(2);
      const versions = await query<{ version: number }>(one.databaseUrl, 'SELECT version FROM variants WHERE id = ANY ($1)', [ids]);
      expect(versions).toEqual([{ version: 2 }, { version: 2 }]);
    } finally {
      await client.end();
      await second?.stop('SIGKILL');
    }
  }, 120_000);
});
