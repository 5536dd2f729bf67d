import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Embedded, startEmbedded } from '#database';
import pg from 'pg';
import { fill } from '../../bench/fill.js';
import { migrateDatabase } from '../../prisma/deploy.js';
import { startApp, type TestApp } from '../harness/app.js';
import { aUser, type Person } from '../harness/people.js';

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}

/** A list of the API: whom it answers, and what its filters are tried with. Sorts, and which filters there are, come from openapi.json. */
interface List {
  operation: string;
  /** What stands for `{id}` in its path. */
  of?: 'import' | 'priceList' | 'variant' | 'endpoint' | 'release' | 'post' | 'comment' | 'order';
  callers: Caller[];
  filters: Record<string, string[]>;
  /** Filters that customers may not use. */
  ofStaff?: string[];
}
type Caller = 'nobody' | 'customer' | 'admin';

const ROWS = {
  users: 50_000,
  posts: 200_000,
  paragraphs: 1,
  products: 20_000,
  orders: 100_000,
  movements: 100_000,
  events: 200_000,
  audited: 200_000,
};
/** Deliveries of webhooks: half of them go to one endpoint, a hundred of its owner's, the others to those of 2,000 people. */
const DELIVERIES = 200_000;
/** Comments: half of them on one post, where every second one answers the same; the others three on each of the newest. A hundredth waits. */
const COMMENTS = 200_000;
/** The most that one step of a plan may read for a page of 20. */
const MOST_ROWS = 20_000;
/** Known and weaker: a page of a rare role, or of an address typed in part, may walk the index of all users. Only staff can ask for it. */
const MOST_USERS = 60_000;
const BIG =
  `users posts post_tags post_words post_imports post_revisions post_reviews comments comment_reports products variants orders order_lines order_notes shipments coupons stock_movements notifications events event_deliveries audit_entries releases release_items webhook_endpoints webhook_deliveries webhook_attempts product_images product_imports product_import_problems list_prices`.split(
    ' ',
  );

const LISTS: Record<string, List> = {
  posts: {
    operation: '/api/v1/posts',
    callers: ['nobody', 'customer', 'admin'],
    filters: {
      q: ['weaves', 'word3', 'word77', 'word777', 'word7', 'quokka', 'weaves word777', 'word3 or word4', 'wrd777', 'back end'],
      tag: ['common', 'some', 'rare', 'never', 'common,some', 'rare,common'],
      author: ['{user}'],
      status: ['draft', 'in-review', 'approved', 'scheduled', 'published', 'expired', 'trashed'],
      from: ['{month}', '2100-01-01T00:00:00Z'],
      to: ['{month}', '2000-01-01T00:00:00Z'],
    },
  },
  tags: { operation: '/api/v1/tags', callers: ['nobody'], filters: { q: ['topic', 'common', 'never'] } },
  series: { operation: '/api/v1/series', callers: ['nobody', 'customer', 'admin'], filters: { owner: ['{user}'] } },
  'imports of posts': { operation: '/api/v1/posts/imports', callers: ['customer'], filters: {} },
  products: {
    operation: '/api/v1/products',
    callers: ['nobody', 'admin'],
    filters: {
      q: ['people', 'word3', 'word777', 'quokka'],
      category: ['category 7', 'never'],
      status: ['draft', 'active', 'archived'],
      minPrice: ['0', '1900', '100000'],
      maxPrice: ['0', '500', '100000'],
      option: ['Size:Small', 'Size:never', 'Colour:Blue,Colour:Red'],
      available: ['true'],
      currency: ['EUR', 'USD', 'JPY'],
    },
  },
  users: {
    operation: '/api/v1/users',
    callers: ['admin'],
    filters: { q: ['user-77', 'quokka'], role: ['admin', 'support', 'customer'], status: ['active', 'suspended'] },
  },
  orders: {
    operation: '/api/v1/orders',
    callers: ['customer', 'admin'],
    filters: {
      status: ['pending', 'paid', 'shipped', 'delivered', 'cancelled', 'expired', 'refunded'],
      from: ['{month}', '2100-01-01T00:00:00Z'],
      to: ['{month}', '2000-01-01T00:00:00Z'],
      customer: ['{user}'],
      q: ['1001', 'ext-10', 'never'],
    },
    ofStaff: ['customer', 'q'],
  },
  'events of an order': { operation: '/api/v1/orders/{id}/events', of: 'order', callers: ['admin'], filters: {} },
  'notes about an order': { operation: '/api/v1/orders/{id}/notes', of: 'order', callers: ['admin'], filters: {} },
  'shipments of an order': { operation: '/api/v1/orders/{id}/shipments', of: 'order', callers: ['admin'], filters: {} },
  categories: { operation: '/api/v1/categories', callers: ['nobody'], filters: { parent: ['{category}'] } },
  'imports of variants': { operation: '/api/v1/products/imports', callers: ['admin'], filters: {} },
  'problems of an import of variants': {
    operation: '/api/v1/products/imports/{id}/problems',
    of: 'import',
    callers: ['admin'],
    filters: {},
  },
  'price lists': { operation: '/api/v1/shop/price-lists', callers: ['admin'], filters: {} },
  'prices of a list': { operation: '/api/v1/shop/price-lists/{id}/prices', of: 'priceList', callers: ['admin'], filters: {} },
  coupons: { operation: '/api/v1/coupons', callers: ['admin'], filters: { code: ['C-77', 'never'] } },
  'stock locations': { operation: '/api/v1/stock/locations', callers: ['admin'], filters: {} },
  jobs: {
    operation: '/api/v1/ops/jobs',
    callers: ['admin'],
    filters: { status: ['waiting', 'running', 'retrying', 'dead'], task: ['orders.sweep', 'never'] },
  },
  notifications: { operation: '/api/v1/notifications', callers: ['customer'], filters: { unread: ['true', 'false'] } },
  'audit entries': {
    operation: '/api/v1/audit',
    callers: ['admin'],
    filters: {
      actor: ['{user}'],
      person: ['{user}'],
      action: ['things.done-b', 'never.done'],
      outcome: ['succeeded', 'denied', 'failed'],
      resource: ['order', 'thing', 'thing:{user}', '{user}'],
      from: ['{month}', '2100-01-01T00:00:00Z'],
      to: ['{month}', '2000-01-01T00:00:00Z'],
    },
  },
  events: {
    operation: '/api/v1/ops/events',
    callers: ['admin'],
    filters: {
      name: ['kind-a.happened', 'never.happened'],
      resource: ['order:order-7', 'order:never'],
      from: ['{month}', '2100-01-01T00:00:00Z'],
      to: ['{month}', '2000-01-01T00:00:00Z'],
    },
  },
  deliveries: {
    operation: '/api/v1/ops/events/deliveries',
    callers: ['admin'],
    filters: { status: ['stuck', 'pending'], consumer: ['some.consumer-a', 'never'] },
  },
  releases: {
    operation: '/api/v1/releases',
    callers: ['admin'],
    filters: { status: ['open', 'scheduled', 'published', 'rolled-back', 'failed'] },
  },
  'items of a release': { operation: '/api/v1/releases/{id}/items', of: 'release', callers: ['admin'], filters: {} },
  'revisions of a post': { operation: '/api/v1/posts/{id}/revisions', of: 'post', callers: ['admin'], filters: {} },
  'reviews of a post': { operation: '/api/v1/posts/{id}/reviews', of: 'post', callers: ['admin'], filters: {} },
  'comments on a post': {
    operation: '/api/v1/posts/{id}/comments',
    of: 'post',
    callers: ['nobody', 'customer', 'admin'],
    filters: { parent: ['{comment}'] },
  },
  'the queue of comments': {
    operation: '/api/v1/comments',
    callers: ['admin'],
    filters: { author: ['{user}', '{talker}'], status: ['approved', 'pending', 'rejected', 'spam'] },
  },
  'reports of a comment': { operation: '/api/v1/comments/{id}/reports', of: 'comment', callers: ['admin'], filters: {} },
  'stock movements': { operation: '/api/v1/variants/{id}/stock-adjustments', of: 'variant', callers: ['admin'], filters: {} },
  'webhook endpoints': { operation: '/api/v1/webhooks/endpoints', callers: ['admin'], filters: {} },
  'webhook deliveries': {
    operation: '/api/v1/webhooks/endpoints/{id}/deliveries',
    of: 'endpoint',
    callers: ['admin'],
    filters: { status: ['pending', 'delivered', 'failed'], event: ['kind-a.happened', 'kind-rare.happened', 'never.happened'] },
  },
};
/** Filters and sorts of posts that go together; the others are refused. */
const goTogether = (search: URLSearchParams): boolean => {
  const sort = search.get('sort');
  if (sort === 'relevance') return search.has('q');
  return sort === null || sort.endsWith('publishedAt') || !(search.has('from') || search.has('to'));
};
/** Searches that are narrowed down by a filter. */
const NARROWED: Record<string, string>[] = [
  { tag: 'common' },
  { tag: 'rare' },
  { author: '{user}' },
  { from: '{month}' },
  { to: '{month}' },
  { status: 'draft' },
];
describe(`with ${ROWS.posts.toLocaleString('en')} posts and ${ROWS.orders.toLocaleString('en')} orders`, () => {
  let folder: string;
  let server: Embedded;
  let app: TestApp;
  let people: Record<Exclude<Caller, 'nobody'>, Person>;
  const known: Record<string, string> = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ashlar-explain-'));
    server = await startEmbedded({ dataDir: folder, durable: false, settings: { shared_buffers: '512MB', max_wal_size: '8GB' } });
    await migrateDatabase(server.url);
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await fill(client, ROWS);
    await client.query(`INSERT INTO notifications (id, user_id, kind, event_id, resource_type, resource_id, in_app, read_at)
      SELECT gen_random_uuid(), id, 'order.paid', gen_random_uuid(), 'order', gen_random_uuid(), true, CASE WHEN n > 1 THEN now() END
      FROM users, generate_series(1, 4) AS n`);
    await client.query('ANALYZE notifications');
    await client.query(`INSERT INTO post_imports (id, owner_id, author_id, name, created_at)
      SELECT gen_random_uuid(), id, id, 'blog.zip', now() - make_interval(mins => n) FROM users, generate_series(1, 4) AS n`);
    await client.query('ANALYZE post_imports');
    await client.query(`INSERT INTO coupons (id, code, kind, created_at, updated_at)
      SELECT gen_random_uuid(), 'C-' || n, 'free-shipping', now() - make_interval(mins => n), now() FROM generate_series(1, 50000) AS n`);
    await client.query('ANALYZE coupons');
    known.order = await fillOrders(client);
    await client.query(`WITH tops AS (INSERT INTO categories (id, slug, name) SELECT gen_random_uuid(), 'top ' || n, 'Top' FROM generate_series(1, 20) AS n RETURNING id)
      INSERT INTO categories (id, slug, name, parent_id, position) SELECT gen_random_uuid(), 'sub ' || n || tops.id, 'Sub ' || n, tops.id, n FROM tops, generate_series(1, 100) AS n`);
    await client.query('ANALYZE categories');
    await client.query(`WITH made AS (INSERT INTO product_imports (id, owner_id, name, status, completed_at, created_at)
        SELECT gen_random_uuid(), id, 'a.csv', 'done', now(), now() - row_number() OVER () * interval '1 minute' FROM users LIMIT 20000 RETURNING id)
      INSERT INTO product_import_problems (id, import_id, line, code, detail) SELECT gen_random_uuid(), made.id, n, 'invalid', 'x' FROM made, generate_series(1, 3) AS n`);
    await client.query(`WITH made AS (INSERT INTO price_lists (id, name, currency, active, created_at)
        SELECT gen_random_uuid(), 'Sale', 'EUR', false, now() - make_interval(mins => n) FROM generate_series(1, 2000) AS n RETURNING id)
      INSERT INTO list_prices (list_id, variant_id, amount) SELECT made.id, v.id, 5 FROM (SELECT id FROM made LIMIT 5) AS made, variants v`);
    await client.query('ANALYZE product_imports; ANALYZE product_import_problems; ANALYZE price_lists; ANALYZE list_prices');
    await client.query(`WITH shown AS (SELECT id AS product_id, gen_random_uuid() AS file_id FROM products),
      made AS (INSERT INTO files (id, owner_id, name, content_type, size, sha256, is_public, width, height)
        SELECT file_id, (SELECT id FROM users LIMIT 1), 'a.png', 'image/png', 1, sha256('x'), true, 8, 8 FROM shown)
      INSERT INTO product_images (product_id, position, file_id) SELECT product_id, 0, file_id FROM shown`);
    await client.query('ANALYZE files; ANALYZE product_images');
    await fillWebhooks(client);
    Object.assign(known, await fillTalk(client));
    const { rows } = await client.query<{ user: string; month: Date; variant: string; endpoint: string }>(
      `SELECT (SELECT author_id FROM posts LIMIT 1) AS user, (SELECT id FROM categories WHERE slug = 'top 7') AS category, (SELECT id FROM product_imports LIMIT 1) AS import, (SELECT list_id FROM list_prices LIMIT 1) AS "priceList", now() - interval '30 days' AS month, (SELECT variant_id FROM stock_movements GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) AS variant, (SELECT endpoint_id FROM webhook_deliveries GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) AS endpoint`,
    );
    Object.assign(known, rows[0], { month: rows[0]!.month.toISOString() });
    await client.query(
      `INSERT INTO releases (id, name, status, published_at, created_by_id, created_at, updated_at)
       SELECT gen_random_uuid(), 'release ' || n, CASE WHEN n % 10 = 0 THEN 'open' ELSE 'published' END::release_status,
         CASE WHEN n % 10 = 0 THEN NULL ELSE now() END, $1, now() - n * interval '1 minute', now() FROM generate_series(1, 30000) n`,
      [rows[0]!.user],
    );
    await client.query(`INSERT INTO release_items (id, release_id, kind, resource_id, base_version, changes, created_at, updated_at)
      SELECT gen_random_uuid(), id, 'product', gen_random_uuid(), 1, '{"name": "x"}', now() - n * interval '1 second', now() FROM releases, generate_series(1, 4) n`);
    await client.query('ANALYZE releases, release_items');
    known.release = (await client.query<{ id: string }>('SELECT id FROM releases ORDER BY created_at DESC LIMIT 1')).rows[0]!.id;
    // From here on every statement of every new connection goes into the server's log together with the plan it had.
    const explain = {
      session_preload_libraries: 'auto_explain',
      'auto_explain.log_min_duration': '0',
      'auto_explain.log_analyze': 'on',
      'auto_explain.log_timing': 'off',
      'auto_explain.log_format': 'json',
    };
    for (const [setting, value] of Object.entries(explain)) await client.query(`ALTER DATABASE ashlar SET ${setting} = '${value}'`);
    await client.end();
    app = await startApp({ DATABASE_URL: server.url, ROLE: 'api' });
    people = { customer: await aUser(app), admin: await aUser(app, { roles: ['admin'] }) };
    // Endpoints are their owners' alone, so the one who asks takes over those of the owner who has a hundred.
    await app.prisma.$executeRaw`UPDATE webhook_endpoints SET owner_id = ${people.admin.id}::uuid
      WHERE owner_id = (SELECT owner_id FROM webhook_endpoints WHERE id = ${known.endpoint}::uuid)`;
  });

  afterAll(async () => {
    await app?.close();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('every list is among these', async () => {
    const { paths } = await openApi();
    const paged = Object.keys(paths).filter((path) => paths[path]!.get?.parameters?.some(({ name }) => name === 'cursor'));
    expect(paged.sort()).toEqual([...new Set(Object.values(LISTS).map(({ operation }) => operation))].sort());
  });

  it.each(Object.keys(LISTS))('no list of %s reads a big table from end to end', async (name) => {
    const { operation, of, callers, filters, ofStaff = [] } = LISTS[name]!;
    const path = operation.replace('{id}', known[of ?? '']!);
    const { sorts, names } = await parametersOf(operation);
    expect(Object.keys(filters).sort()).toEqual(names.sort());
    const queries = [
      {},
      ...Object.entries(filters).flatMap(([filter, values]) =>
        values.map((value) => ({ [filter]: value.replace(/\{(\w+)\}/, (_, of: string) => known[of]!) })),
      ),
    ];
    const offences = new Set<string>();
    let plans = 0;
    for (const caller of callers) {
      for (const query of queries) {
        if (caller === 'customer' && Object.keys(query).some((filter) => ofStaff.includes(filter))) continue;
        for (const sort of sorts) {
          const search = new URLSearchParams({ ...query, ...(sort !== undefined && { sort }) });
          if (name === 'posts' && !goTogether(search)) continue;
          const first = await explained(path, search, caller);
          const pages = [first.plans];
          if (first.nextCursor !== null)
            pages.push((await explained(path, new URLSearchParams([...search, ['cursor', first.nextCursor]]), caller)).plans);
          for (const [page, explanations] of pages.entries()) {
            plans += explanations.length;
            for (const offence of explanations.flatMap(endToEnd))
              offences.add(`${name}?${search.toString()} for ${caller}, page ${page + 1}: ${offence}`);
          }
        }
      }
    }
    expect([...offences]).toEqual([]);
    expect(plans).toBeGreaterThanOrEqual(callers.length * sorts.length);
  });

  it('nor does a search that is narrowed down, what is related to a post, a feed or the index of the sitemap', async () => {
    const fill = (value: string) => value.replace(/\{(\w+)\}/, (_, of: string) => known[of]!);
    const paths = ['weaves', 'word3', 'word777'].flatMap((q) =>
      NARROWED.map(
        (filter) =>
          `/api/v1/posts?${new URLSearchParams({ q, ...Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, fill(value)])) }).toString()}`,
      ),
    );
    const posts = await app.prisma.$queryRaw<
      { id: string }[]
    >`SELECT id FROM posts WHERE published_at < now() AND trashed_at IS NULL ORDER BY created_at DESC LIMIT 20`;
    paths.push(...posts.map(({ id }) => `/api/v1/posts/${id}/related?limit=10`));
    paths.push(
      '/feeds/posts.rss',
      '/feeds/posts.atom?tag=common',
      '/feeds/posts.json?tag=rare',
      fill('/feeds/posts.rss?author={user}'),
      fill('/feeds/posts.rss?tag=rare&author={user}'),
    );
    const offences = new Set<string>();
    for (const path of paths)
      for (const caller of ['nobody', 'customer', 'admin'] as const) {
        const from = await logSize();
        const { status, text } = await app.request('GET', path, caller === 'nobody' ? {} : { token: people[caller].accessToken });
        if (status !== 200) throw new Error(`${path} was answered ${status}: ${text}`);
        for (const offence of (await plansSince(from)).flatMap(endToEnd)) offences.add(`${path} for ${caller}: ${offence}`);
      }
    expect([...offences]).toEqual([]);
  });

  it('would notice one', async () => {
    const from = await logSize();
    await app.prisma.$queryRaw`SELECT id FROM posts WHERE excerpt = 'nothing'`;
    expect((await plansSince(from)).flatMap(endToEnd)).toEqual([`Seq Scan of posts (${ROWS.posts} rows)`]);
  });

  async function explained(path: string, search: URLSearchParams, caller: Caller): Promise<{ plans: Plan[]; nextCursor: string | null }> {
    const from = await logSize();
    const { status, body, text } = await app.request<{ nextCursor: string | null }>(
      'GET',
      search.size > 0 ? `${path}?${search.toString()}` : path,
      caller === 'nobody' ? {} : { token: people[caller].accessToken },
    );
    if (status !== 200) throw new Error(`${path}?${search.toString()} was answered ${status}: ${text}`);
    return { plans: await plansSince(from), nextCursor: body.nextCursor };
  }

  const logFile = () => join(folder, 'postgres.log');
  const logSize = async () => (await stat(logFile())).size;

  /** PostgreSQL writes a plan before it reports the statement's end, so what has been answered has been logged. */
  async function plansSince(from: number): Promise<Plan[]> {
    const file = await open(logFile());
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc((await logSize()) - from), position: from });
    await file.close();
    const entries = buffer.toString('utf8', 0, bytesRead).matchAll(/ plan:\n((?:\t.*\n)+)/g);
    return [...entries].map(([, json]) => (JSON.parse(json!) as { Plan: Plan }).Plan);
  }
});

/** Parcels of orders, and notes about them: two of each order, and 30,000 of one. @returns that order */
async function fillOrders(client: pg.Client): Promise<string> {
  await client.query(`CREATE TEMP TABLE told AS SELECT o.id, o.user_id, n FROM (SELECT id, user_id, row_number() OVER (ORDER BY id) AS place FROM orders) o,
    generate_series(1, CASE o.place WHEN 1 THEN 30000 ELSE 2 END) n`);
  await client.query(`INSERT INTO shipments (id, order_id, carrier, tracking_number, created_at)
    SELECT gen_random_uuid(), id, 'DHL', n, now() - make_interval(mins => n) FROM told`);
  await client.query(`INSERT INTO order_notes (id, order_id, text, shared, created_at)
    SELECT gen_random_uuid(), id, 'x', n % 2 = 0, now() - make_interval(mins => n) FROM told`);
  await client.query(
    `UPDATE events SET resource_id = (SELECT min(id::text) FROM told), name = 'order.paid' WHERE resource_id LIKE 'order-123%'`,
  );
  await client.query('ANALYZE shipments, order_notes, events');
  const { rows } = await client.query<{ id: string }>('SELECT min(id::text) AS id FROM told');
  await client.query('DROP TABLE told');
  return rows[0]!.id;
}

async function fillWebhooks(client: pg.Client): Promise<void> {
  const statements = [
    `INSERT INTO webhook_endpoints (id, owner_id, url, events, created_at, updated_at)
      SELECT uuidv7(t - now()), u.id, 'https://example.com/' || n, '{*}', t, t
      FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM users ORDER BY id LIMIT 2000) u,
        generate_series(1, CASE u.place WHEN 1 THEN 100 ELSE 10 END) n, LATERAL (SELECT date_trunc('milliseconds', now()) - n * interval '1 hour' AS t) x`,
    `CREATE TEMP TABLE endpoint AS SELECT id, row_number() OVER (ORDER BY id)::int AS place FROM webhook_endpoints`,
    `INSERT INTO webhook_deliveries (id, endpoint_id, message_id, type, body, status, attempts, next_attempt_at, completed_at, created_at)
      SELECT uuidv7(t - now()), e.id, uuidv7(t - now()), CASE n % 10000 WHEN 1 THEN 'kind-rare.happened' ELSE 'kind-' || chr(97 + n / 2 % 20) || '.happened' END, '{}',
        status, 1, CASE status WHEN 'scheduled' THEN now() + interval '1 day' END, CASE WHEN status <> 'scheduled' THEN t END, t
      FROM generate_series(1, ${DELIVERIES}) n
        JOIN endpoint e ON e.place = CASE n % 2 WHEN 0 THEN 1 + n % (SELECT max(place) FROM endpoint) ELSE 1 END,
        LATERAL (SELECT date_trunc('milliseconds', now()) - n * interval '1 minute' AS t, (CASE n % 1000 WHEN 1 THEN 'failed' WHEN 3 THEN 'scheduled' ELSE 'delivered' END)::webhook_delivery_status AS status) x`,
    `INSERT INTO webhook_attempts (delivery_id, number, started_at, duration_ms, sent_headers, status_code, answer)
      SELECT id, 1, created_at, 20, '{}', 200, 'ok' FROM webhook_deliveries`,
    'DROP TABLE endpoint',
    'ANALYZE webhook_endpoints, webhook_deliveries, webhook_attempts',
  ];
  for (const statement of statements) await client.query(statement);
}

/** What is said about posts, and what became of them. @returns the post and the comment that have most of it, and who said most */
async function fillTalk(client: pg.Client): Promise<Record<string, string>> {
  const statements = [
    'SET session_replication_role = replica',
    `CREATE TEMP TABLE newest AS SELECT id, row_number() OVER (ORDER BY created_at DESC)::int AS place FROM posts WHERE published_at < now() AND trashed_at IS NULL`,
    `CREATE TEMP TABLE talker AS SELECT id, row_number() OVER (ORDER BY id)::int AS place FROM users`,
    'CREATE UNIQUE INDEX ON newest (place); CREATE UNIQUE INDEX ON talker (place); ANALYZE newest, talker',
    `CREATE TEMP TABLE said AS SELECT n, uuidv7(t - now()) AS id, t, p.id AS post_id, a.id AS author_id, (CASE n % 100 WHEN 1 THEN 'pending' WHEN 3 THEN 'spam' WHEN 5 THEN 'rejected' ELSE 'approved' END)::comment_status AS status
      FROM generate_series(1, ${COMMENTS}) n CROSS JOIN LATERAL (SELECT date_trunc('milliseconds', now()) - n * interval '1 minute' AS t) x
        JOIN newest p ON p.place = CASE n % 4 WHEN 0 THEN 1 WHEN 3 THEN 1 ELSE 2 + n / 6 END JOIN talker a ON a.place = CASE n % 3 WHEN 0 THEN 1 ELSE 1 + n % (SELECT max(place) FROM talker) END`,
    `INSERT INTO comments (id, post_id, parent_id, root_id, depth, author_id, body, body_html, status, approved_at, created_at)
      SELECT c.id, c.post_id, first.id, first.id, CASE WHEN first.id IS NULL THEN 1 ELSE 2 END, c.author_id, 'Well said.', '<p>Well said.</p>', c.status, CASE c.status WHEN 'approved' THEN c.t END, c.t
      FROM said c LEFT JOIN (SELECT id FROM said WHERE n = 4) AS first ON c.n % 4 = 3`,
    `INSERT INTO comment_reports (id, comment_id, user_id, reason, created_at)
      SELECT gen_random_uuid(), (SELECT id FROM said WHERE n = 4), id, 'It is unkind.', now() - place * interval '1 second' FROM talker WHERE place <= 10000
      UNION ALL SELECT gen_random_uuid(), id, author_id, 'It is unkind.', t FROM said WHERE n % 4 = 1`,
    `INSERT INTO post_revisions (post_id, n, kind, changed, content, body, created_at)
      SELECT p.id, n, 'edited', '{title}', '{}', 'Text', now() - n * interval '1 minute' FROM newest p, generate_series(1, CASE p.place WHEN 1 THEN 1000 ELSE 3 END) n WHERE p.place <= 60000`,
    `INSERT INTO post_reviews (id, post_id, submitted_by_id, submitted_at, version, outcome, decided_at, decided_version)
      SELECT gen_random_uuid(), p.id, a.id, now() - n * interval '1 minute', n, 'returned', now(), n FROM newest p JOIN talker a ON a.place = 1 + p.place % 100, generate_series(1, CASE p.place WHEN 1 THEN 30000 ELSE 3 END) n WHERE p.place <= 60000`,
    'SET session_replication_role = origin',
    'ANALYZE comments, comment_reports, post_revisions, post_reviews',
  ];
  for (const statement of statements) await client.query(statement);
  const { rows } = await client.query<Record<string, string>>(
    `SELECT post_id AS post, id AS comment, (SELECT id FROM talker WHERE place = 1) AS talker FROM said WHERE n = 4`,
  );
  await client.query('DROP TABLE newest, talker, said');
  return rows[0]!;
}

/** Scans that read a big table from end to end: those that say so, and walks along an index that throw nearly all of it away. */
function endToEnd(plan: Plan): string[] {
  const {
    'Node Type': type,
    'Relation Name': table = '',
    'Actual Rows': rows = 0,
    'Actual Loops': loops = 1,
    'Rows Removed by Filter': removed = 0,
  } = plan;
  const read = Math.round((rows + removed) * loops);
  const tooMuch = BIG.includes(table) && (type === 'Seq Scan' || read > (table === 'users' ? MOST_USERS : MOST_ROWS));
  return [...(tooMuch ? [`${type} of ${table} (${read} rows)`] : []), ...(plan.Plans ?? []).flatMap(endToEnd)];
}

interface OpenApi {
  paths: Record<string, { get?: { parameters?: { name: string; in: string; schema: { enum?: string[] } }[] } }>;
}

const openApi = async () => JSON.parse(await readFile(join(import.meta.dirname, '../../openapi.json'), 'utf8')) as OpenApi;

async function parametersOf(operation: string): Promise<{ sorts: (string | undefined)[]; names: string[] }> {
  const { paths } = await openApi();
  const parameters = (paths[operation]?.get?.parameters ?? []).filter((parameter) => parameter.in === 'query');
  const names = parameters.map(({ name }) => name).filter((name) => !['limit', 'cursor', 'sort'].includes(name));
  return { sorts: parameters.find(({ name }) => name === 'sort')?.schema.enum ?? [undefined], names };
}
