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
  of?: 'variant' | 'endpoint';
  callers: Caller[];
  filters: Record<string, string[]>;
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
/** The most that one step of a plan may read for a page of 20. */
const MOST_ROWS = 20_000;
/** Known and weaker: a page of a rare role, or of an address typed in part, may walk the index of all users. Only staff can ask for it. */
const MOST_USERS = 60_000;
const BIG =
  `users posts products variants orders order_lines stock_movements notifications events event_deliveries audit_entries webhook_endpoints webhook_deliveries webhook_attempts`.split(
    ' ',
  );

const LISTS: Record<string, List> = {
  posts: {
    operation: '/api/v1/posts',
    callers: ['nobody', 'customer', 'admin'],
    filters: {
      q: ['weaves', 'word3', 'word777', 'quokka'],
      tag: ['common', 'some', 'rare', 'never'],
      author: ['{user}'],
      status: ['draft', 'scheduled', 'published'],
    },
  },
  products: {
    operation: '/api/v1/products',
    callers: ['nobody', 'admin'],
    filters: {
      q: ['people', 'word3', 'word777', 'quokka'],
      category: ['category 7', 'never'],
      status: ['draft', 'active', 'archived'],
      minPrice: ['0', '1900', '100000'],
      maxPrice: ['0', '500', '100000'],
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
  },
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
  'stock movements': { operation: '/api/v1/variants/{id}/stock-adjustments', of: 'variant', callers: ['admin'], filters: {} },
  'webhook endpoints': { operation: '/api/v1/webhooks/endpoints', callers: ['admin'], filters: {} },
  'webhook deliveries': {
    operation: '/api/v1/webhooks/endpoints/{id}/deliveries',
    of: 'endpoint',
    callers: ['admin'],
    filters: { status: ['pending', 'delivered', 'failed'], event: ['kind-a.happened', 'kind-rare.happened', 'never.happened'] },
  },
};
const STAFF_FILTERS = new Set(['customer', 'q']); // of orders

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
    await fillWebhooks(client);
    const { rows } = await client.query<{ user: string; month: Date; variant: string; endpoint: string }>(
      `SELECT (SELECT author_id FROM posts LIMIT 1) AS user, now() - interval '30 days' AS month, (SELECT variant_id FROM stock_movements GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) AS variant, (SELECT endpoint_id FROM webhook_deliveries GROUP BY 1 ORDER BY count(*) DESC LIMIT 1) AS endpoint`,
    );
    Object.assign(known, rows[0], { month: rows[0]!.month.toISOString() });
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
    const paged = Object.keys(paths).filter((path) => paths[path]!.get?.parameters?.some(({ name }) => ['cursor', 'limit'].includes(name)));
    expect(paged.sort()).toEqual(
      Object.values(LISTS)
        .map(({ operation }) => operation)
        .sort(),
    );
  });

  it.each(Object.keys(LISTS))('no list of %s reads a big table from end to end', async (name) => {
    const { operation, of, callers, filters } = LISTS[name]!;
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
        if (name === 'orders' && caller === 'customer' && Object.keys(query).some((filter) => STAFF_FILTERS.has(filter))) continue;
        for (const sort of sorts) {
          const search = new URLSearchParams({ ...query, ...(sort !== undefined && { sort }) });
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
