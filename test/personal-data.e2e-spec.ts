import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { transaction } from '#database';
import { Erasures, Exports, PersonalDataRegister } from '#privacy';
import { type Column, personalTables, tablesOf } from '../prisma/datamap.rules.js';
import { OrdersPrivacy } from '../src/orders/orders.privacy.js';
import { HistoryPrivacy } from '../src/posts/history.privacy.js';
import { PostsPrivacy } from '../src/posts/posts.privacy.js';
import { startApp, type TestApp } from './harness/app.js';
import { query } from './harness/database.js';
import { eventually } from './harness/eventually.js';
import { aPost, aUser, type Person, unique } from './harness/people.js';

let app: TestApp;
let keeping: TestApp;

beforeAll(async () => {
  app = await startApp();
  keeping = await startApp({ DATABASE_URL: app.databaseUrl, POSTS_AFTER_ERASURE: 'keep', ORDERS_BILLING_KEPT_DAYS: '0' });
}, 60_000);

afterAll(async () => {
  await keeping.close();
  await app.close();
});

const models = join(import.meta.dirname, '../prisma/models');
const tables = tablesOf(
  readdirSync(models)
    .map((name) => readFileSync(join(models, name), 'utf8'))
    .join('\n'),
);
const sql = <Row extends object>(text: string, values: unknown[] = []) => query<Row>(app.databaseUrl, text, values);

describe('the register', () => {
  it('answers for every table that points at a person', () => {
    const answeredFor = app.get(PersonalDataRegister).all.flatMap((data) => data.tables);
    expect([...answeredFor].sort()).toEqual(
      personalTables(tables)
        .map(({ name }) => name)
        .sort(),
    );
  });

  it('knows every column that the database has, generated ones aside', async () => {
    const columns = await sql<{ name: string }>(
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
       WHERE table_schema = 'public' AND is_generated = 'NEVER' AND table_name = ANY ($1) ORDER BY 1`,
      [personalTables(tables).map(({ name }) => name)],
    );
    const known = personalTables(tables).flatMap((table) => table.columns.map((column: Column) => `${table.name}.${column.name}`));
    expect(columns.map(({ name }) => name)).toEqual(known.sort());
  });
});

describe('the posts of somebody who is erased', () => {
  it('stay without a name where the operator keeps them, unless nobody could read them', async () => {
    const author = await aUser(app);
    const published = await aPost(app, author, { published: true, externalId: unique(), metadata: { a: 'b' } });
    await aPost(app, author);
    await transaction(app.prisma, (db) => keeping.get(PostsPrivacy).erase(author.id, db));
    expect(await sql('SELECT id, external_id, metadata FROM posts WHERE author_id = $1', [author.id])).toEqual([
      { id: published.id, external_id: null, metadata: {} },
    ]);
  });

  it('lose their history all the same; what an editor says of the posts of others goes with the editor', async () => {
    const [author, editor] = [await aUser(app), await aUser(app, { roles: ['editor'] })];
    const { id } = await aPost(app, author, { published: true });
    const edit = (by: Person, summary: string) =>
      app.request('PATCH', `posts/${id}`, { token: by.accessToken, body: { title: summary, summary } });
    await edit(author, 'By its author');
    await edit(editor, 'By an editor');
    const left = () => sql('SELECT n, summary FROM post_revisions WHERE post_id = $1 ORDER BY n', [id]);
    const erase = ({ id: userId }: Person) => transaction(app.prisma, (db) => keeping.get(HistoryPrivacy).erase(userId, db));
    await erase(editor);
    expect(await left()).toEqual([
      { n: 1, summary: null },
      { n: 2, summary: null },
      { n: 3, summary: 'By its author' },
      { n: 4, summary: null },
    ]);
    await erase(author);
    expect(await left()).toEqual([]);
    expect(await sql('SELECT id FROM posts WHERE id = $1', [id])).toEqual([{ id }]);
  });

  it('are deleted in batches, so that many are not too many', async () => {
    const author = await aUser(app);
    await sql(
      `INSERT INTO posts (id, slug, title, excerpt, body, body_html, author_id, updated_at)
       SELECT gen_random_uuid(), 'p-${author.id}-' || n, '', '', '', '', $1, now() FROM generate_series(1, 1200) n`,
      [author.id],
    );
    const erase = () => transaction(app.prisma, (db) => app.get(PostsPrivacy).erase(author.id, db));
    expect([await erase(), await erase(), await erase()]).toEqual(['more', 'more', undefined]);
    expect(await sql('SELECT FROM posts WHERE author_id = $1', [author.id])).toEqual([]);
  });
});

describe('the addresses of an erased person’s orders', () => {
  const anOrder = async (userId: string, status: string, { paid, placedAt = 'now' }: { paid?: string; placedAt?: string } = {}) => {
    const id = randomUUID();
    await sql(
      `INSERT INTO orders (id, user_id, status, currency, subtotal, total, shipping_address, billing_address, created_at, expires_at)
       VALUES ($1, $2, $3::order_status, 'EUR', 1, 1, '{"name": "Ada"}', '{"name": "Ada"}', $4::timestamptz, $5)`,
      [id, userId, status, placedAt, status === 'pending' && paid !== 'processing' ? new Date() : null],
    );
    if (paid)
      await sql(
        `INSERT INTO payments (id, order_id, provider, method, status, amount, currency) VALUES ($1, $2, 'x', 'x', $3::payment_status, 1, 'EUR')`,
        [randomUUID(), id, paid],
      );
    return id;
  };
  const kept = async (id: string) => {
    const [row] = await sql<{ billing: boolean; shipping: boolean }>(
      'SELECT billing_address IS NOT NULL AS billing, shipping_address IS NOT NULL AS shipping FROM orders WHERE id = $1',
      [id],
    );
    return row;
  };
  const erase = (by: TestApp, userId: string) => transaction(app.prisma, (db) => by.get(OrdersPrivacy).erase(userId, db));

  it.each([
    ['of an order that was never paid go', 'expired', undefined, { billing: false, shipping: false }],
    ['of one whose payment failed go', 'pending', 'failed', { billing: false, shipping: false }],
    ['of one that is on its way stay', 'paid', 'succeeded', { billing: true, shipping: true }],
    ['of one whose payment is under way stay', 'pending', 'processing', { billing: true, shipping: true }],
    ['of one that was delivered stay for the invoice alone', 'delivered', 'succeeded', { billing: true, shipping: false }],
    ['of one that was paid back stay for the invoice alone', 'refunded', 'succeeded', { billing: true, shipping: false }],
  ])('%s', async (_, status, paid, expected) => {
    const { id: userId } = await aUser(app);
    const id = await anOrder(userId, status, { paid });
    await erase(app, userId);
    expect(await kept(id)).toEqual(expected);
  });

  it('are not kept for the invoice where no law asks for it', async () => {
    const { id: userId } = await aUser(app);
    const id = await anOrder(userId, 'delivered', { paid: 'succeeded' });
    await erase(keeping, userId);
    expect(await kept(id)).toEqual({ billing: false, shipping: false });
  });

  it('go later, when the order has arrived and the law asks no more', async () => {
    const { id: userId } = await aUser(app);
    const id = await anOrder(userId, 'shipped', { paid: 'succeeded' });
    await erase(app, userId);
    const forget = () => app.get(OrdersPrivacy).forgetAddresses();
    await forget();
    expect(await kept(id)).toEqual({ billing: true, shipping: true });
    await sql(`UPDATE orders SET status = 'delivered' WHERE id = $1`, [id]);
    await forget();
    expect(await kept(id)).toEqual({ billing: true, shipping: false });
    await sql(`UPDATE orders SET created_at = now() - interval '11 years' WHERE id = $1`, [id]);
    await forget();
    expect(await kept(id)).toEqual({ billing: false, shipping: false });
  });

  it('go a month later in any case, when nobody ever delivered', async () => {
    const { id: userId } = await aUser(app);
    const id = await anOrder(userId, 'paid', { paid: 'succeeded' });
    await erase(app, userId);
    await sql(`UPDATE orders SET anonymised_at = now() - interval '31 days' WHERE id = $1`, [id]);
    await app.get(OrdersPrivacy).forgetAddresses();
    expect(await kept(id)).toEqual({ billing: true, shipping: false });
  });

  it('of everybody else stay', async () => {
    const { id: userId } = await aUser(app);
    const id = await anOrder(userId, 'delivered', { paid: 'succeeded', placedAt: '2001-01-01' });
    await app.get(OrdersPrivacy).forgetAddresses();
    expect(await kept(id)).toEqual({ billing: true, shipping: true });
  });
});

describe('an export that comes to nothing', () => {
  const run = (attempt: number) => ({
    id: '1',
    attempt,
    maxAttempts: 6,
    signal: new AbortController().signal,
    once: () => Promise.reject(new Error()),
  });
  const anExport = async (userId: string, status = 'pending') => {
    const id = randomUUID();
    await sql(
      `INSERT INTO personal_exports (id, user_id, status, size, sha256, completed_at, expires_at)
       VALUES ($1, $2, $3::personal_export_status, 0, '', now(), $4)`,
      [id, userId, status, status === 'ready' ? new Date() : null],
    );
    return id;
  };
  const statusOf = async (id: string) =>
    (await sql<{ status: string }>('SELECT status FROM personal_exports WHERE id = $1', [id]))[0]?.status;

  it('is said to have failed after the last attempt, and makes room for another', async () => {
    const person = await aUser(app);
    const id = await anExport(person.id);
    await sql('ALTER TABLE stock_movements RENAME TO stock_movements_away');
    await expect(app.get(Exports).make({ exportId: id }, run(1))).rejects.toThrow('stock_movements');
    expect(await statusOf(id)).toBe('running');
    await expect(app.get(Exports).make({ exportId: id }, run(6))).rejects.toThrow('stock_movements');
    await sql('ALTER TABLE stock_movements_away RENAME TO stock_movements');
    expect(await statusOf(id)).toBe('failed');
    const path = `users/me/exports/${id}`;
    expect(await app.request('GET', path, { token: person.accessToken })).toMatchObject({
      status: 200,
      body: { status: 'failed', url: null },
    });
    expect(await app.request('GET', `${path}/content`, { token: person.accessToken })).toMatchObject({
      status: 409,
      body: { code: 'privacy/export-not-ready' },
    });
    expect((await app.request('POST', 'users/me/export', { token: person.accessToken })).status).toBe(202);
  });

  it('is given up after a day, and removed when its time is over', async () => {
    const [first, second] = [await aUser(app), await aUser(app)];
    const [lost, over] = [await anExport(first.id, 'running'), await anExport(second.id, 'ready')];
    await sql(`UPDATE personal_exports SET created_at = now() - interval '25 hours' WHERE id = $1`, [lost]);
    await app.get(Exports).purge();
    expect([await statusOf(lost), await statusOf(over)]).toEqual(['failed', undefined]);
  });

  it('writes nothing when another run has taken over, or its person is gone', async () => {
    const person = await aUser(app);
    const id = await anExport(person.id);
    const holder = new pg.Client({ connectionString: app.databaseUrl });
    await holder.connect();
    await holder.query('BEGIN; LOCK TABLE posts IN ACCESS EXCLUSIVE MODE');
    const making = app.get(Exports).make({ exportId: id }, run(1));
    await eventually(async () => (await statusOf(id)) === 'running');
    await sql('UPDATE personal_exports SET attempt = attempt + 1 WHERE id = $1', [id]);
    await holder.query('ROLLBACK');
    await holder.end();
    await making;
    expect(await sql('SELECT FROM personal_export_chunks WHERE export_id = $1', [id])).toEqual([]);
    expect(await statusOf(id)).toBe('running');
    await app.get(Exports).make({ exportId: randomUUID() }, run(1));
  });
});

describe('an erasure that nobody finishes', () => {
  it('is noticed, and tried again', async () => {
    const { id } = await aUser(app);
    await sql(`INSERT INTO erasures (user_id, actor_id, requested_at) VALUES ($1, $1, now() - interval '1 hour')`, [id]);
    await app.get(Erasures).remind();
    const jobs = await sql<{ payload: string }>(
      `SELECT FROM graphile_worker.jobs WHERE task_identifier = 'privacy.erase' AND key LIKE $1`,
      [`%${id} 2`],
    );
    const [erasure] = await sql<{ completed_at: Date | null }>('SELECT completed_at FROM erasures WHERE user_id = $1', [id]);
    expect(jobs.length === 1 || erasure!.completed_at !== null).toBe(true);
  });
});
