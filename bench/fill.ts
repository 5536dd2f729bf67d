import type { ClientBase } from 'pg';

/** How much of everything there is to be; what is left out stays empty. */
export interface World {
  /** User n is `user-n@example.org`; the first is an administrator, the others are customers. */
  users: number;
  /** What every user's password hashes to; without it nobody can log in. */
  passwordHash?: string;
  /** 90 % published, 5 % drafts, 4 % scheduled, 1 % in the trash; by the first 500 users. */
  posts?: number;
  /** Paragraphs of 350 characters in each post. */
  paragraphs?: number;
  /** With three variants each. */
  products?: number;
  /** With two lines each; of all users alike. */
  orders?: number;
  /** A tenth of them of the first variant. */
  movements?: number;
  /** Of twenty kinds, about as many orders as there are; each with a delivery, of which 1 % are stuck and 1 % are pending. */
  events?: number;
  /** Entries of the audit log, sealed by nobody: of twenty actions by all users alike, 1 % denied. */
  audited?: number;
}

/** Tags, and how many posts have one of them; each post has one of a hundred others beside. */
export const TAGS = { common: 5, some: 50, rare: 1_000 };

/** A word that depends on the row: of 5,000, as unevenly spread as words are (Zipf's law), so that searches meet common and rare ones. */
const word = (seed: string) => `'word' || floor(exp(ln(5000) * ((hashtext('${seed}' || n) & 2147483647) / 2147483648.0)))::int`;
const PARAGRAPH =
  'Stock that cannot oversell, retries that are safe and sessions that really end are what a back end owes to its people. '.repeat(3);

/** Fills a migrated, empty database by INSERT … SELECT. Rows are a minute apart, ids follow the times (UUIDv7), and the rest follows from the row's number. */
export async function fill(client: ClientBase, world: World): Promise<void> {
  const { users, passwordHash, posts = 0, paragraphs = 3, products = 0, orders = 0, movements = 0, events = 0, audited = 0 } = world;
  const tags = Object.entries(TAGS).map(([tag, every]) => `CASE WHEN n % ${every} = 1 THEN '${tag}' END`);
  const TIME = `CROSS JOIN LATERAL (SELECT date_trunc('milliseconds', now()) - n * interval '1 minute' AS t, hashint4(n) & 2147483647 AS h) x`;
  // Foreign keys hold by construction; checking them row by row would take most of the time.
  await client.query(`SET session_replication_role = replica; SET maintenance_work_mem = '256MB'; SET statement_timeout = 0`);

  await bulk(
    client,
    'users',
    `INSERT INTO users (id, email, name, roles, created_at, updated_at)
    SELECT uuidv7(t - now()), 'user-' || n || '@example.org', 'User ' || n, ARRAY[CASE n WHEN 1 THEN 'admin' ELSE 'customer' END], t, t FROM generate_series(1, ${users}) n ${TIME}`,
  );
  await client.query(
    `CREATE TEMP TABLE person AS SELECT id, split_part(name, ' ', 2)::int AS place FROM users; CREATE UNIQUE INDEX ON person (place); ANALYZE person`,
  );
  if (passwordHash !== undefined) await client.query('INSERT INTO passwords (user_id, hash) SELECT id, $1 FROM users', [passwordHash]);

  await bulk(
    client,
    'posts',
    `INSERT INTO posts (id, slug, title, excerpt, body, body_html, rendering, minutes, tags, author_id, published_at, trashed_at, created_at, updated_at)
    SELECT uuidv7(t - now()), 'post-' || n, 'On ' || ${word('a')} || ' and ' || ${word('b')} || ', part ' || n, ${word('c')} || ' ' || ${word('d')} || left('${PARAGRAPH}', 170), repeat('${PARAGRAPH}' || E'*weaves*.\\n\\n', ${paragraphs}), repeat('<p>${PARAGRAPH}<em>weaves</em>.</p>', ${paragraphs}), 1000000, 1 + ${paragraphs} / 4,
      array_remove(ARRAY['topic ' || h / 50000 % 100, ${tags.join(', ')}], NULL), a.id,
      CASE WHEN h % 100 < 5 THEN NULL WHEN h % 100 < 9 THEN now() + h % 10000 * interval '1 minute' ELSE t END, CASE WHEN h % 100 = 99 THEN now() END, t, t
    FROM generate_series(1, ${posts}) n ${TIME} JOIN person a ON a.place = 1 + h / 100 % ${Math.min(users, 500)}`,
  );

  // Triggers do not count while everything is filled in.
  await client.query(
    `INSERT INTO tags (name, posts) SELECT tag, count(*) FROM posts, unnest(tags) AS tag WHERE published_at IS NOT NULL AND trashed_at IS NULL GROUP BY tag`,
  );
  // What triggers and consumers keep of posts: here neither runs.
  await bulk(
    client,
    'post_tags',
    `INSERT INTO post_tags (tag, post_id, created_at, published_at) SELECT tag, id, created_at, published_at FROM posts, unnest(tags) tag WHERE trashed_at IS NULL`,
  );
  await client.query(`INSERT INTO post_words (word) SELECT 'word' UNION SELECT word FROM ts_stat('SELECT search FROM posts ORDER BY created_at DESC LIMIT 10000')
    WHERE length(word) BETWEEN 4 AND 30 ON CONFLICT DO NOTHING`);

  await bulk(
    client,
    'products',
    `INSERT INTO products (id, slug, name, description, status, category, options, created_at, updated_at)
    SELECT uuidv7(t - now()), 'product-' || n, 'Product ' || n, ${word('a')} || ' ' || ${word('b')} || '${PARAGRAPH}', (CASE WHEN h % 20 = 0 THEN 'draft' WHEN h % 20 = 1 THEN 'archived' ELSE 'active' END)::product_status, 'category ' || h % 25, '[{"name": "Size", "values": ["Small", "Medium", "Large"]}]', t, t
    FROM generate_series(1, ${products}) n ${TIME}`,
  );
  // By hand what a trigger does otherwise.
  await client.query(
    `INSERT INTO categories (id, slug, name) SELECT gen_random_uuid(), category, category FROM products WHERE category IS NOT NULL GROUP BY category`,
  );
  await bulk(
    client,
    'variants',
    `INSERT INTO variants (id, product_id, sku, name, option_values, price_amount, currency, stock)
    SELECT uuidv7(), p.id, 'SKU-' || split_part(p.name, ' ', 2) || '-' || k, (ARRAY['Small', 'Medium', 'Large'])[k], jsonb_build_object('Size', (ARRAY['Small', 'Medium', 'Large'])[k]), 500 * k + hashtext(p.name) % 400, 'EUR', 100000000 FROM products p, generate_series(1, 3) k`,
  );
  await client.query(`CREATE TEMP TABLE thing AS SELECT v.id, v.sku, row_number() OVER (ORDER BY v.id)::int AS place FROM variants v JOIN products p ON p.id = v.product_id AND p.status = 'active';
    CREATE UNIQUE INDEX ON thing (place); ANALYZE thing`);
  const variants = Math.max(1, ((await client.query('SELECT count(*)::int AS count FROM thing')).rows[0] as { count: number }).count);

  await bulk(
    client,
    'orders',
    `INSERT INTO orders (id, user_id, status, currency, subtotal, total, expires_at, external_id, created_at, updated_at)
    SELECT uuidv7(t - now()), b.id, status, 'EUR', 3000, 3000, CASE WHEN status = 'pending' THEN now() + (h % 2000 - 500) * interval '1 minute' END, CASE WHEN n % 10 = 0 THEN 'ext-' || n END, t, t
    FROM generate_series(1, ${orders}) n ${TIME} JOIN person b ON b.place = 1 + h / 100 % ${users},
      LATERAL (SELECT (CASE WHEN h % 100 < 40 THEN 'paid' WHEN h % 100 < 70 THEN 'delivered' WHEN h % 100 < 80 THEN 'shipped' WHEN h % 100 < 90 THEN 'cancelled'
        WHEN h % 100 < 95 THEN 'expired' WHEN h % 100 < 98 THEN 'pending' ELSE 'refunded' END)::order_status AS status) s`,
  );
  await bulk(
    client,
    'order_lines',
    `INSERT INTO order_lines (order_id, position, variant_id, sku, name, quantity, unit_price, total)
    SELECT o.id, k, v.id, v.sku, 'Product, ' || v.sku, k + 1, 1000, 1000 * (k + 1) FROM orders o CROSS JOIN generate_series(0, 1) k JOIN thing v ON v.place = 1 + (o.number * 7 + k) % ${variants}`,
  );
  // What orders leave behind: without it, statements would be planned for empty tables and keep those plans while the tables grow.
  await client.query(`INSERT INTO stock_reservations (order_id, variant_id, quantity, expires_at)
    SELECT o.id, l.variant_id, sum(l.quantity), o.expires_at FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.status = 'pending' GROUP BY o.id, l.variant_id;
    UPDATE variants v SET reserved = r.held FROM (SELECT variant_id, sum(quantity) AS held FROM stock_reservations GROUP BY variant_id) r WHERE r.variant_id = v.id;
    INSERT INTO idempotency_keys (scope, key, fingerprint, status, headers, body, expires_at) SELECT user_id, 'filled-' || number, '', 201, '{}', '{}', now() + interval '1 day' FROM orders`);
  await bulk(
    client,
    'stock_movements',
    `INSERT INTO stock_movements (id, variant_id, delta, balance, reason, created_at)
    SELECT uuidv7(t - now()), v.id, 1, n, 'delivery ' || n, t FROM generate_series(1, ${movements}) n ${TIME} JOIN thing v ON v.place = CASE WHEN n % 10 = 0 THEN 1 ELSE 1 + h % ${variants} END`,
  );
  // What a trigger of the ledger keeps.
  await client.query(`INSERT INTO stock_levels (variant_id, location_id, quantity) SELECT v.id, l.id, v.stock FROM variants v JOIN stock_locations l ON l.is_default
    ON CONFLICT (variant_id, location_id) DO UPDATE SET quantity = excluded.quantity`);

  await bulk(
    client,
    'events',
    `INSERT INTO events (id, position, name, version, resource_type, resource_id, actor_id, subject_id, payload, occurred_at)
    SELECT uuidv7(t - now()), ${events} + 1 - n, 'kind-' || chr(97 + h % 20) || '.happened', 1, 'order', 'order-' || h % 100000, a.id, a.id, '{}', t
    FROM generate_series(1, ${events}) n ${TIME} JOIN person a ON a.place = 1 + h / 100 % ${users}`,
  );
  await bulk(
    client,
    'event_deliveries',
    `INSERT INTO event_deliveries (consumer, event_id, position, resource, status)
    SELECT 'some.consumer-' || chr(97 + (position % 3)::int), id, position, 'order:' || resource_id,
      (CASE position % 100 WHEN 0 THEN 'stuck' WHEN 1 THEN 'pending' ELSE 'done' END)::event_delivery_status FROM events`,
  );
  await client.query('UPDATE event_log SET position = $1', [events]);
  await bulk(
    client,
    'audit_entries',
    `INSERT INTO audit_entries (id, created_at, actor_kind, actor_id, subject_id, action, resource_type, resource_id, outcome, mac)
    SELECT uuidv7(t - now()), t, 'user', a.id, CASE WHEN h % 10 = 0 THEN b.id ELSE a.id END, 'things.done-' || chr(97 + h % 20), (ARRAY['thing', 'part', 'piece'])[1 + h % 3], b.id,
      (CASE h % 100 WHEN 0 THEN 'denied' ELSE 'succeeded' END)::audit_outcome, sha256(n::text::bytea)
    FROM generate_series(1, ${audited}) n ${TIME} JOIN person a ON a.place = 1 + h / 100 % ${users} JOIN person b ON b.place = 1 + h / 1000 % ${users}`,
  );

  await client.query('DROP TABLE person, thing; RESET ALL');
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
}

/** Inserts with the table's indexes out of the way, and builds them afterwards: many times faster for the large ones. */
async function bulk(client: ClientBase, table: string, insert: string): Promise<void> {
  const { rows } = await client.query<{ name: string; definition: string }>(
    `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index WHERE indrelid = $1::regclass AND NOT indisprimary`,
    [table],
  );
  for (const { name } of rows) await client.query(`DROP INDEX ${name}`);
  await client.query(insert);
  for (const { definition } of rows) await client.query(definition);
}
