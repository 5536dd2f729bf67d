// The yardstick: what a good engineer writes by hand in a day with Fastify and pg. The same database, statements, locks and answers as the
// product, and nothing else: no Nest, no Prisma, no limits, no ETags, no problem documents. Fastify serialises with JSON.stringify here,
// which is faster than fast-json-stringify for such rows.
import { createHash, createPrivateKey, createPublicKey, hash, randomBytes, randomUUIDv7 } from 'node:crypto';
import { verify } from '@node-rs/argon2';
import Fastify, { type FastifyRequest, LogController } from 'fastify';
import { calculateJwkThumbprint, exportJWK, jwtVerify, SignJWT } from 'jose';
import MarkdownIt from 'markdown-it';
import pg from 'pg';
import { pino } from 'pino';
import sanitize from 'sanitize-html';

/** Handed over as JSON on the command line, with the product's own names. */
interface Settings {
  PORT: string;
  PUBLIC_URL: string;
  DATABASE_URL: string;
  DATABASE_POOL_SIZE: string;
  JWT_PRIVATE_KEYS: string;
  JWT_ACCESS_TTL_SECONDS: string;
  ORDERS_RESERVATION_SECONDS: string;
}
interface Session {
  id: string;
  userId: string;
  roles: string[];
}
interface Address {
  [line: string]: string;
}
interface Wanted {
  variantId: string;
  quantity: number;
}
type Row = Record<string, never>;

const settings = JSON.parse(process.argv[2]!) as Settings;
const pool = new pg.Pool({
  connectionString: settings.DATABASE_URL,
  max: Number(settings.DATABASE_POOL_SIZE),
  keepAlive: true,
  connectionTimeoutMillis: 5_000,
  statement_timeout: 10_000,
});
pool.on('error', () => undefined);
const logger = pino({ timestamp: pino.stdTimeFunctions.isoTime });
const app = Fastify({
  loggerInstance: logger,
  logController: new LogController({ disableRequestLogging: true }),
  keepAliveTimeout: 65_000,
  bodyLimit: 1_048_576,
});

class Refusal extends Error {
  readonly statusCode: number;
  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** One named statement: parsed and planned once for each connection. */
async function rows<T = Row>(db: pg.Pool | pg.PoolClient, name: string, text: string, values: unknown[] = []): Promise<T[]> {
  return (await db.query<T & pg.QueryResultRow>({ name, text, values })).rows;
}

async function transaction<T>(work: (db: pg.PoolClient) => Promise<T>): Promise<T> {
  const db = await pool.connect();
  try {
    await db.query('BEGIN');
    const result = await work(db);
    await db.query('COMMIT');
    db.release();
    return result;
  } catch (error) {
    await db.query('ROLLBACK').catch(() => undefined);
    db.release();
    throw error;
  }
}

app.addHook('onResponse', async (request, reply) => {
  const { id, method, ip } = request;
  logger.info(
    {
      requestId: id,
      userId: sessions.get(request)?.userId,
      method,
      route: request.routeOptions.url,
      path: request.url.split('?', 1)[0],
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
      ip,
    },
    'request',
  );
});

// --- who calls

const privateKey = createPrivateKey(Buffer.from(settings.JWT_PRIVATE_KEYS, 'base64').toString());
const publicKey = createPublicKey(privateKey);
const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
const sessions = new WeakMap<FastifyRequest, Session>();
const live = new Map<string, { until: number; session: Promise<Session | undefined> }>();

/** A session as it was at most a second ago. */
function liveSession(id: string): Promise<Session | undefined> {
  const known = live.get(id);
  if (known && known.until > Date.now()) return known.session;
  const session = rows<Session>(
    pool,
    'session',
    `SELECT s.id, s.user_id AS "userId", u.roles FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > now() AND s.rotated_at > now() - interval '30 days' AND u.status = 'active'`,
    [id],
  ).then(([row]) => row);
  if (live.size > 20_000) live.clear();
  live.set(id, { until: Date.now() + 1_000, session });
  return session;
}

async function signedIn(request: FastifyRequest): Promise<Session> {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new Refusal(401, 'Send an access token.');
  const { payload } = await jwtVerify(token, publicKey, {
    typ: 'at+jwt',
    issuer: settings.PUBLIC_URL,
    audience: 'ashlar',
    algorithms: ['EdDSA'],
  }).catch(() => {
    throw new Refusal(401, 'The access token is not valid.');
  });
  const session = await liveSession(String(payload.sid));
  if (session === undefined || session.userId !== payload.sub) throw new Refusal(401, 'The session has ended.');
  sessions.set(request, session);
  return session;
}

// --- reading

app.get('/health/live', async () => ({ status: 'live' }));

app.get('/health/ready', async () => {
  await rows(pool, 'ready', 'SELECT 1');
  return { status: 'ready' };
});

function readCursor(cursor: string | undefined): [string, string] | null {
  if (cursor === undefined) return null;
  const [sort, value, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as [string, string, string];
  if (sort !== '-createdAt') throw new Refusal(400, 'The cursor is not one of this list.');
  return [value, id];
}

function toPage<T extends { id: string; createdAt: Date }>(found: T[], limit: number, shape: (row: T) => object): object {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const nextCursor =
    found.length > limit && last ? Buffer.from(JSON.stringify(['-createdAt', last.createdAt, last.id])).toString('base64url') : null;
  return { items: items.map(shape), nextCursor };
}

interface Post {
  id: string;
  slug: string;
  title: string;
  excerpt: string;
  tags: string[];
  authorId: string;
  authorName: string;
  externalId: string | null;
  metadata: object;
  version: number;
  createdAt: Date;
  updatedAt: Date;
  publishedAt: Date | null;
  cover: Cover | null;
  series: object | null;
  commentsOpen: boolean;
  likes: number;
  liked?: boolean;
  comments: number;
  expiresAt: Date | null;
  review: 'submitted' | 'approved' | null;
  trashedAt: Date | null;
  body: string;
  bodyHtml: string;
  minutes: number;
  contents: object[];
}
interface Cover {
  id: string;
  width: number;
  height: number;
  variants: string;
  made: { name: string; size: number; width: number; height: number }[];
}

const OTHERS = `FROM posts o WHERE o.series_id = s.id AND o.id <> p.id AND o.published_at <= now() AND (o.expires_at IS NULL OR o.expires_at > now()) AND o.trashed_at IS NULL`;
const NEIGHBOUR = `SELECT json_build_object('id', o.id, 'slug', o.slug, 'title', o.title) ${OTHERS}`;
const SUMMARY = `p.id, p.slug, p.title, p.excerpt, p.tags, p.author_id AS "authorId", u.name AS "authorName", p.external_id AS "externalId", p.metadata, p.version,
  p.created_at AS "createdAt", p.updated_at AS "updatedAt", p.published_at AS "publishedAt", p.expires_at AS "expiresAt",
  p.review::text AS review, p.trashed_at AS "trashedAt",
  CASE WHEN p.cover_file_id IS NOT NULL THEN (
    SELECT json_build_object('id', f.id, 'width', f.width, 'height', f.height, 'variants', f.variants, 'made', coalesce(
      (SELECT json_agg(json_build_object('name', v.name, 'size', v.size, 'width', v.width, 'height', v.height) ORDER BY v.width) FROM file_variants v WHERE v.file_id = f.id), '[]'))
    FROM files f WHERE f.id = p.cover_file_id) END AS cover,
  CASE WHEN p.series_id IS NOT NULL THEN (
    SELECT json_build_object('id', s.id, 'slug', s.slug, 'title', s.title,
      'position', 1 + (SELECT count(*) ${OTHERS} AND (o.series_place, o.id) < (p.series_place, p.id)), 'of', 1 + (SELECT count(*) ${OTHERS}),
      'previous', (${NEIGHBOUR} AND (o.series_place, o.id) < (p.series_place, p.id) ORDER BY o.series_place DESC, o.id DESC LIMIT 1),
      'next', (${NEIGHBOUR} AND (o.series_place, o.id) > (p.series_place, p.id) ORDER BY o.series_place, o.id LIMIT 1))
    FROM series s WHERE s.id = p.series_id) END AS series,
  p.comments_open AS "commentsOpen", coalesce(pc.likes, 0) AS likes, coalesce(pc.comments, 0) AS comments`;
const WHOLE = `${SUMMARY}, p.body, p.body_html AS "bodyHtml", p.minutes, p.contents`;
const JOINS = `JOIN users u ON u.id = p.author_id LEFT JOIN post_counts pc ON pc.post_id = p.id`;
const POSTS = `SELECT ${SUMMARY} FROM posts p ${JOINS} WHERE p.trashed_at IS NULL AND p.published_at <= now()
  AND (p.expires_at IS NULL OR p.expires_at > now())`;

function summaryOf(post: Post): object {
  const {
    id,
    slug,
    title,
    excerpt,
    tags,
    authorId,
    authorName,
    externalId,
    metadata,
    version,
    createdAt,
    updatedAt,
    publishedAt,
    expiresAt,
    review,
    trashedAt,
    cover,
    series,
  } = post;
  const now = new Date();
  const out =
    publishedAt === null
      ? (review ?? 'draft')
      : publishedAt > now
        ? 'scheduled'
        : expiresAt !== null && expiresAt <= now
          ? 'expired'
          : 'published';
  const status = trashedAt === null ? out : 'trashed';
  return {
    id,
    slug,
    title,
    excerpt,
    status,
    tags,
    author: { id: authorId, name: authorName },
    cover: cover && coverOf(cover),
    series,
    likes: post.likes,
    ...(post.liked !== undefined && { liked: post.liked }),
    comments: post.comments,
    commentsOpen: post.commentsOpen,
    externalId,
    metadata,
    version,
    createdAt,
    updatedAt,
    publishedAt,
    expiresAt,
    trashedAt,
  };
}

function coverOf({ id, width, height, variants, made }: Cover): object {
  const url = `${settings.PUBLIC_URL}/api/v1/files/${id}/content`;
  const smaller = made.map(({ name, size, width, height }) => ({
    name,
    contentType: 'image/webp',
    url: `${url}?variant=${name}`,
    size,
    width,
    height,
  }));
  return { fileId: id, url, width, height, variants: smaller, variantsStatus: variants };
}

function wholeOf(post: Post): object {
  const { body, bodyHtml, minutes, contents } = post;
  return { ...summaryOf(post), body, bodyHtml, readingMinutes: minutes, tableOfContents: contents };
}

const PAGE = {
  type: 'object',
  additionalProperties: false,
  properties: { limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 }, cursor: { type: 'string', maxLength: 1_000 } },
};
interface PageQuery {
  limit: number;
  cursor?: string;
}

app.get<{ Querystring: PageQuery }>('/api/v1/posts', { schema: { querystring: PAGE } }, async ({ query: { limit, cursor } }) => {
  const after = readCursor(cursor);
  const found = after
    ? await rows<Post>(
        pool,
        'posts-after',
        `${POSTS} AND (p.created_at, p.id) < ($2, $3::uuid) ORDER BY p.created_at DESC, p.id DESC LIMIT $1`,
        [limit + 1, ...after],
      )
    : await rows<Post>(pool, 'posts', `${POSTS} ORDER BY p.created_at DESC, p.id DESC LIMIT $1`, [limit + 1]);
  return toPage(found, limit, summaryOf);
});

app.get<{ Params: { slug: string } }>('/api/v1/posts/:slug', async ({ params }) => {
  const [post] = await rows<Post>(pool, 'post', `SELECT ${WHOLE} FROM posts p ${JOINS} WHERE p.slug = $1 AND p.trashed_at IS NULL`, [
    params.slug,
  ]);
  const now = new Date();
  if (post === undefined || post.publishedAt === null || post.publishedAt > now || (post.expiresAt !== null && post.expiresAt <= now))
    throw new Refusal(404, 'No such post.');
  return wholeOf(post);
});

interface Variant {
  id: string;
  productId: string;
  sku: string;
  name: string;
  priceAmount: number;
  price: number;
  currency: string;
  compareAt: number | null;
  optionValues: object;
  available: number;
  backorder: string;
  availableFrom: string | null;
  externalId: string | null;
  metadata: object;
  version: number;
}
interface Product {
  id: string;
  slug: string;
  name: string;
  description: string;
  status: string;
  category: string | null;
  taxClass: string;
  options: object[];
  images: (Cover & { alt: string })[];
  externalId: string | null;
  metadata: object;
  version: number;
  createdAt: Date;
  updatedAt: Date;
  variants: Variant[];
}

/** What the variant `v` costs now: by the price list with the highest priority that counts, else its own price. */
const PRICE = `coalesce((SELECT lp.amount FROM list_prices lp JOIN price_lists l ON l.id = lp.list_id
  WHERE lp.variant_id = v.id AND l.currency = v.currency AND l.active AND (l.starts_at IS NULL OR l.starts_at <= now()) AND (l.ends_at IS NULL OR l.ends_at > now())
  ORDER BY l.priority DESC, l.id DESC LIMIT 1), v.price_amount)`;

const PRODUCTS = `SELECT p.id, p.slug, p.name, p.description, p.status, p.category, p.tax_class AS "taxClass", p.options, p.external_id AS "externalId", p.metadata, p.version, p.created_at AS "createdAt", p.updated_at AS "updatedAt",
  coalesce((SELECT json_agg(json_build_object('id', v.id, 'productId', v.product_id, 'sku', v.sku, 'name', v.name, 'priceAmount', v.price_amount, 'price', ${PRICE}, 'currency', v.currency, 'compareAt', v.compare_at, 'optionValues', v.option_values,
    'available', greatest((v.stock - v.reserved + coalesce((SELECT sum(r.quantity) FROM stock_reservations r WHERE r.variant_id = v.id AND r.expires_at <= now()), 0))::int, 0),
    'backorder', v.backorder, 'availableFrom', to_char(v.available_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'externalId', v.external_id, 'metadata', v.metadata, 'version', v.version) ORDER BY v.id) FROM variants v WHERE v.product_id = p.id AND v.withdrawn_at IS NULL), '[]') AS variants,
  coalesce((SELECT json_agg(json_build_object('id', f.id, 'alt', i.alt, 'width', f.width, 'height', f.height, 'variants', f.variants, 'made', coalesce(
      (SELECT json_agg(json_build_object('name', m.name, 'size', m.size, 'width', m.width, 'height', m.height) ORDER BY m.width) FROM file_variants m WHERE m.file_id = f.id), '[]')) ORDER BY i.position)
    FROM product_images i JOIN files f ON f.id = i.file_id WHERE i.product_id = p.id), '[]') AS images
  FROM products p WHERE p.withdrawn_at IS NULL AND p.status = 'active'`;

function productOf({
  id,
  slug,
  name,
  description,
  status,
  category,
  taxClass,
  options,
  images,
  variants,
  externalId,
  metadata,
  version,
  createdAt,
  updatedAt,
}: Product): object {
  return {
    id,
    slug,
    name,
    description,
    status,
    category,
    taxClass,
    options,
    images: images.map(({ alt, ...image }) => ({ ...coverOf(image), alt })),
    variants: variants.map(variantOf),
    externalId,
    metadata,
    version,
    createdAt,
    updatedAt,
  };
}

function variantOf({ id, productId, sku, name, priceAmount, price, currency, optionValues, ...rest }: Variant): object {
  const { available, backorder, availableFrom, externalId, metadata, version } = rest;
  const compareAt = rest.compareAt ?? priceAmount;
  return {
    id,
    productId,
    sku,
    name,
    price: { amount: price, currency },
    regularPrice: { amount: priceAmount, currency },
    compareAtPrice: compareAt > price ? { amount: compareAt, currency } : null,
    optionValues,
    available,
    backorder,
    availableFrom,
    externalId,
    metadata,
    version,
  };
}

app.get<{ Querystring: PageQuery }>('/api/v1/products', { schema: { querystring: PAGE } }, async ({ query: { limit, cursor } }) => {
  const after = readCursor(cursor);
  const found = after
    ? await rows<Product>(
        pool,
        'products-after',
        `${PRODUCTS} AND (p.created_at, p.id) < ($2, $3::uuid) ORDER BY p.created_at DESC, p.id DESC LIMIT $1`,
        [limit + 1, ...after],
      )
    : await rows<Product>(pool, 'products', `${PRODUCTS} ORDER BY p.created_at DESC, p.id DESC LIMIT $1`, [limit + 1]);
  return toPage(found, limit, productOf);
});

interface User {
  id: string;
  email: string;
  name: string;
  emailVerifiedAt: Date | null;
  roles: string[];
  status: string;
  externalId: string | null;
  metadata: object;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

const USER = `u.id, u.email, u.name, u.email_verified_at AS "emailVerifiedAt", u.roles, u.status, u.external_id AS "externalId", u.metadata, u.version, u.created_at AS "createdAt", u.updated_at AS "updatedAt"`;

function userOf({ id, email, name, emailVerifiedAt, roles, status, externalId, metadata, version, createdAt, updatedAt }: User): object {
  return {
    id,
    email,
    name,
    emailVerified: emailVerifiedAt !== null,
    roles,
    mfaEnabled: false,
    status,
    externalId,
    metadata,
    version,
    createdAt,
    updatedAt,
  };
}

app.get('/api/v1/users/me', async (request) => {
  const session = await signedIn(request);
  const [user] = await rows<User>(pool, 'me', `SELECT ${USER} FROM users u WHERE u.id = $1`, [session.userId]);
  return { ...userOf(user!), impersonatedBy: null };
});

// --- writing a post

const markdown = new MarkdownIt({ html: false, linkify: true, typographer: false, maxNesting: 50 });
const ALLOWED: sanitize.IOptions = {
  allowedTags: [
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'p',
    'br',
    'hr',
    'blockquote',
    'ul',
    'ol',
    'li',
    'strong',
    'em',
    's',
    'code',
    'pre',
    'a',
    'img',
    'table',
    'thead',
    'tbody',
    'tr',
    'th',
    'td',
  ],
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    img: ['src', 'alt', 'title'],
    ol: ['start'],
    code: ['class'],
    h1: ['id'],
    h2: ['id'],
    h3: ['id'],
    h4: ['id'],
    h5: ['id'],
    h6: ['id'],
    th: ['style'],
    td: ['style'],
  },
  allowedClasses: { code: ['language-*'] },
  allowedStyles: { '*': { 'text-align': [/^(left|right|center)$/] } },
  allowedSchemes: ['http', 'https', 'mailto'],
  transformTags: { a: sanitize.simpleTransform('a', { rel: 'nofollow noopener ugc' }) },
};
const ENTITIES: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&amp;': '&' };

function excerptFrom(html: string): string {
  const decode = (text: string) => text.replace(/&(lt|gt|quot|amp);/g, (entity) => ENTITIES[entity]!);
  const text = sanitize(html, { allowedTags: [], allowedAttributes: {}, textFilter: decode }).replace(/\s+/g, ' ').trim();
  if (text.length <= 200) return text;
  const cut = text.slice(0, 200).toWellFormed();
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), 100))}…`;
}

function slugFrom(title: string): string {
  const bare = title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return (
    bare
      .replace(/['’]/g, '')
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 100)
      .replace(/^-+|-+$/g, '') || 'post'
  );
}

interface NewPost {
  title: string;
  body: string;
  excerpt?: string;
  tags?: string[];
  slug?: string;
  externalId?: string | null;
  metadata?: Record<string, string>;
}
const EXTERNAL_ID = { type: 'string', nullable: true, minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' };
const METADATA = { type: 'object', maxProperties: 50, additionalProperties: { type: 'string', maxLength: 500 } };
const NEW_POST = {
  type: 'object',
  required: ['title', 'body'],
  additionalProperties: false,
  properties: {
    title: { type: 'string', minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f]*$' },
    body: { type: 'string', minLength: 1, maxLength: 500_000 },
    excerpt: { type: 'string', maxLength: 500 },
    tags: { type: 'array', maxItems: 20, items: { type: 'string', pattern: '^[\\p{L}\\p{N} .+#_-]{1,40}$' } },
    slug: { type: 'string', maxLength: 120, pattern: '^[a-z0-9]+(-[a-z0-9]+)*$' },
    externalId: EXTERNAL_ID,
    metadata: METADATA,
  },
};

app.post<{ Body: NewPost }>('/api/v1/posts', { schema: { body: NEW_POST } }, async (request, reply) => {
  const session = await signedIn(request);
  const { body } = request;
  const title = body.title.trim().normalize('NFC');
  const text = body.body.normalize('NFC');
  const env = {};
  const tokens = markdown.parse(text, env);
  const contents = outline(tokens);
  const bodyHtml = sanitize(markdown.renderer.render(tokens, markdown.options, env), ALLOWED).trim();
  const minutes = Math.max(1, Math.ceil((text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0) / 238));
  const tags = [...new Set((body.tags ?? []).map((tag) => tag.trim().normalize('NFC').toLowerCase().replace(/\s+/g, ' ')))];
  const id = randomUUIDv7();
  const post = await transaction(async (db) => {
    const slug = body.slug ?? (await freeSlug(db, slugFrom(title), id));
    const [written] = await rows<Post>(
      db,
      'write-post',
      `WITH p AS (INSERT INTO posts (id, slug, title, excerpt, body, body_html, tags, author_id, external_id, metadata, contents, minutes, own_excerpt, rendering)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1) RETURNING *)
      SELECT ${WHOLE} FROM p ${JOINS}`,
      [
        id,
        slug,
        title,
        body.excerpt ?? excerptFrom(bodyHtml),
        text,
        bodyHtml,
        tags,
        session.userId,
        body.externalId ?? null,
        body.metadata ?? {},
        JSON.stringify(contents),
        minutes,
        body.excerpt !== undefined,
      ],
    );
    return { ...written!, liked: false };
  });
  void reply.code(201).header('Location', `${settings.PUBLIC_URL}/api/v1/posts/${id}`);
  return wholeOf(post);
});

/** Headings with ids. */
function outline(tokens: ReturnType<typeof markdown.parse>): { id: string; level: number; text: string }[] {
  const seen = new Map<string, number>();
  return tokens.flatMap((token, index) => {
    if (token.type !== 'heading_open' || token.level > 0) return [];
    const text = tokens[index + 1]!.content;
    const word = `h-${text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-')}`;
    const count = (seen.get(word) ?? 0) + 1;
    seen.set(word, count);
    const id = count === 1 ? word : `${word}-${count}`;
    token.attrSet('id', id);
    return [{ id, level: Number(token.tag.slice(1)), text }];
  });
}

async function freeSlug(db: pg.PoolClient, slug: string, id: string): Promise<string> {
  await rows(db, 'lock', 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`posts.slug ${slug}`]);
  const taken = await rows(db, 'slug', 'SELECT id FROM posts WHERE slug = $1 UNION ALL SELECT post_id FROM former_slugs WHERE slug = $1', [
    slug,
  ]);
  return taken.length > 0 ? `${slug}-${id.slice(-6)}` : slug;
}

// --- placing an order

interface NewOrder {
  items: Wanted[];
  shippingAddress?: Address | null;
  billingAddress?: Address | null;
  externalId?: string | null;
  metadata?: Record<string, string>;
}
interface ForSale {
  id: string;
  sku: string;
  name: string;
  priceAmount: string;
  currency: string;
  stock: number;
  reserved: number;
}
interface Placed {
  number: number;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

const LINE = (maxLength: number, minLength = 1) => ({ type: 'string', minLength, maxLength });
const ADDRESS = {
  type: 'object',
  nullable: true,
  required: ['name', 'line1', 'city', 'postalCode', 'country'],
  additionalProperties: false,
  properties: {
    name: LINE(200),
    line1: LINE(200),
    line2: LINE(200, 0),
    city: LINE(100),
    region: LINE(100, 0),
    postalCode: LINE(20),
    country: { type: 'string', pattern: '^[A-Z]{2}$' },
  },
};
const NEW_ORDER = {
  type: 'object',
  required: ['items'],
  additionalProperties: false,
  properties: {
    items: {
      type: 'array',
      minItems: 1,
      maxItems: 100,
      items: {
        type: 'object',
        required: ['variantId', 'quantity'],
        additionalProperties: false,
        properties: { variantId: { type: 'string', format: 'uuid' }, quantity: { type: 'integer', minimum: 1, maximum: 100_000 } },
      },
    },
    couponCode: { type: 'null' },
    shippingMethod: { type: 'null' },
    shippingAddress: ADDRESS,
    billingAddress: ADDRESS,
    externalId: EXTERNAL_ID,
    metadata: METADATA,
  },
};

app.post<{ Body: NewOrder }>('/api/v1/orders', { schema: { body: NEW_ORDER } }, async (request, reply) => {
  const { userId } = await signedIn(request);
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) throw new Refusal(400, 'Send an Idempotency-Key.');
  const fingerprint = hash('sha256', `${request.method} ${request.url}\n${JSON.stringify(request.body)}`, 'buffer');
  const answer = await transaction((db) => placeOnce(db, userId, key, fingerprint, request.body));
  return reply.code(answer.status).headers(answer.headers).header('Content-Type', 'application/json; charset=utf-8').send(answer.body);
});

/**
 * What the transaction alone takes: so many at a time for so many seconds, without HTTP, log-in, validation and log. For the bench.
 * Answers how many were placed, and the milliseconds that half of them and 99 of 100 took at most.
 */
app.post<{ Body: { orders: NewOrder[]; connections: number; seconds: number } }>('/bare/orders', async ({ body }) => {
  const { orders, connections, seconds } = body;
  const users = await rows<{ id: string }>(pool, 'users', 'SELECT id FROM users ORDER BY id LIMIT 50');
  const took: number[] = [];
  const began = performance.now();
  const over = began + seconds * 1_000;
  let next = 0;
  const loop = async () => {
    while (performance.now() < over) {
      const [nth, since] = [next++, performance.now()];
      const [userId, order] = [users[nth % users.length]!.id, orders[nth % orders.length]!];
      const fingerprint = hash('sha256', JSON.stringify(order), 'buffer');
      await transaction((db) => placeOnce(db, userId, `bare-${randomUUIDv7()}`, fingerprint, order));
      took.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: connections }, loop));
  const perSecond = took.length / ((performance.now() - began) / 1_000);
  took.sort((a, b) => a - b);
  const [p50Ms, p99Ms] = [0.5, 0.99].map((part) => took[Math.floor(took.length * part)]!);
  return { requests: took.length, perSecond, p50Ms, p99Ms };
});

interface Kept {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Places an order, or gives the answer that the key had already. */
async function placeOnce(db: pg.PoolClient, userId: string, key: string, fingerprint: Buffer, order: NewOrder): Promise<Kept> {
  const earlier = await claim(db, userId, key, fingerprint);
  if (earlier) return earlier;
  const id = randomUUIDv7();
  const headers = { location: `${settings.PUBLIC_URL}/api/v1/orders/${id}` };
  const kept = { status: 201, headers, body: JSON.stringify(await place(db, id, userId, order)) };
  await rows(
    db,
    'keep',
    `INSERT INTO idempotency_keys (scope, key, fingerprint, status, headers, body, expires_at) VALUES ($1, $2, $3, $4, $5, $6, now() + interval '1 day')`,
    [userId, key, fingerprint, kept.status, kept.headers, kept.body],
  );
  return kept;
}

/** Takes the key for this transaction, or gives the answer it already had. */
async function claim(db: pg.PoolClient, scope: string, key: string, fingerprint: Buffer): Promise<Kept | null> {
  const [lock] = await rows<{ mine: boolean }>(db, 'try-lock', 'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS mine', [
    `${scope} ${key}`,
  ]);
  if (!lock!.mine) throw new Refusal(409, 'The first call with this key is still running.');
  const [earlier] = await rows<Kept & { fingerprint: Buffer }>(
    db,
    'claim',
    'SELECT fingerprint, status, headers, body FROM idempotency_keys WHERE scope = $1 AND key = $2 AND expires_at > now()',
    [scope, key],
  );
  if (earlier === undefined) return null;
  if (!earlier.fingerprint.equals(fingerprint)) throw new Refusal(422, 'This key was used for another call.');
  return earlier;
}

async function place(db: pg.PoolClient, id: string, userId: string, order: NewOrder): Promise<object> {
  const needed = new Map<string, number>();
  for (const { variantId, quantity } of order.items) needed.set(variantId, (needed.get(variantId) ?? 0) + quantity);
  const ids = [...needed.keys()];
  const found = await rows<ForSale>(
    db,
    'for-sale',
    `SELECT v.id, v.sku, p.name || CASE WHEN v.name = p.name THEN '' ELSE ', ' || v.name END AS name, ${PRICE} AS "priceAmount", v.currency, v.stock, v.reserved
    FROM variants v JOIN products p ON p.id = v.product_id
    WHERE v.id = ANY ((SELECT $1::uuid[])::uuid[]) AND v.withdrawn_at IS NULL AND p.withdrawn_at IS NULL AND p.status = 'active' ORDER BY v.id FOR UPDATE OF v`,
    [ids],
  );
  const variants = new Map(found.map((variant) => [variant.id, variant]));
  if (variants.size < ids.length) throw new Refusal(404, 'Some of what was asked for is not on sale.');
  const isShort = (variant: ForSale) => variant.stock - variant.reserved < needed.get(variant.id)!;
  const short = found.filter(isShort);
  if (short.length > 0) await releaseExpired(db, short, variants);
  if (short.some(isShort)) throw new Refusal(409, 'There is not enough in stock.');

  const quantities = [...needed.values()];
  const createdAt = new Date();
  const expiresAt = new Date(createdAt.getTime() + Number(settings.ORDERS_RESERVATION_SECONDS) * 1_000);
  await rows(
    db,
    'reserve',
    'UPDATE variants v SET reserved = v.reserved + n.quantity FROM unnest($1::uuid[], $2::int[]) AS n (id, quantity) WHERE v.id = n.id',
    [ids, quantities],
  );
  await rows(
    db,
    'reservations',
    'INSERT INTO stock_reservations (order_id, variant_id, quantity, expires_at) SELECT $1, id, quantity, $4 FROM unnest($2::uuid[], $3::int[]) AS n (id, quantity)',
    [id, ids, quantities, expiresAt],
  );

  const currencies = new Set(found.map(({ currency }) => currency));
  if (currencies.size > 1) throw new Refusal(409, 'An order has one currency.');
  const currency = [...currencies][0]!;
  const lines = order.items.map(({ variantId, quantity }) => {
    const { sku, name, priceAmount } = variants.get(variantId)!;
    return { variantId, sku, name, quantity, unitPrice: BigInt(priceAmount), total: BigInt(priceAmount) * BigInt(quantity) };
  });
  const total = lines.reduce((sum, line) => sum + line.total, 0n);
  if (total > 1_000_000_000_000_000n) throw new Refusal(400, 'The order is too large.');
  const { shippingAddress = null, billingAddress = null, externalId = null, metadata = {} } = order;
  const [placed] = await rows<Placed>(
    db,
    'place',
    `INSERT INTO orders (id, user_id, currency, subtotal, total, shipping_address, billing_address, expires_at, external_id, metadata, created_at)
    VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10) RETURNING number, version, created_at AS "createdAt", updated_at AS "updatedAt"`,
    [id, userId, currency, total, shippingAddress, billingAddress, expiresAt, externalId, metadata, createdAt],
  );
  await rows(
    db,
    'lines',
    `INSERT INTO order_lines (order_id, position, variant_id, sku, name, quantity, unit_price, total)
    SELECT $1, * FROM unnest($2::int[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::bigint[], $8::bigint[])`,
    [
      id,
      lines.map((_, position) => position),
      ...(['variantId', 'sku', 'name', 'quantity', 'unitPrice', 'total'] as const).map((member) => lines.map((line) => line[member])),
    ],
  );

  const money = (amount: bigint) => ({ amount: Number(amount), currency });
  const items = lines.map(({ variantId, sku, name, quantity, unitPrice, total }) => ({
    variantId,
    sku,
    name,
    quantity,
    unitPrice: money(unitPrice),
    total: money(total),
    discount: money(0n),
    tax: money(0n),
    taxRate: null,
  }));
  // The shop of the bench sells without tax, shipping and coupons.
  const none = { discount: money(0n), tax: money(0n), includedTax: money(0n), shipping: money(0n) };
  const totals = { subtotal: money(total), ...none, total: money(total), taxes: [], shippingMethod: null, couponCode: null };
  const { number, version, updatedAt } = placed!;
  return {
    id,
    number: String(number),
    status: 'pending',
    customerId: userId,
    guestEmail: null,
    items,
    ...totals,
    expiresAt,
    shippingAddress,
    billingAddress,
    externalId,
    metadata,
    version,
    createdAt: placed!.createdAt,
    updatedAt,
  };
}

/** With the variants locked, frees what others held beyond their time. */
async function releaseExpired(db: pg.PoolClient, short: ForSale[], variants: Map<string, ForSale>): Promise<void> {
  const freed = await rows<{ id: string; reserved: number }>(
    db,
    'release',
    `WITH gone AS (DELETE FROM stock_reservations WHERE variant_id = ANY ($1::uuid[]) AND expires_at <= now() RETURNING variant_id, quantity),
    sums AS (SELECT variant_id, sum(quantity)::int AS quantity FROM gone GROUP BY variant_id)
    UPDATE variants v SET reserved = v.reserved - sums.quantity FROM sums WHERE v.id = sums.variant_id RETURNING v.id, v.reserved`,
    [short.map(({ id }) => id)],
  );
  for (const { id, reserved } of freed) variants.get(id)!.reserved = reserved;
}

// --- logging in

const CREDENTIALS = {
  type: 'object',
  required: ['email', 'password'],
  additionalProperties: false,
  properties: { email: { type: 'string', format: 'email', maxLength: 254 }, password: { type: 'string', minLength: 1, maxLength: 1_024 } },
};

app.post<{ Body: { email: string; password: string } }>('/api/v1/auth/login', { schema: { body: CREDENTIALS } }, async (request) => {
  const { email, password } = request.body;
  const [user] = await rows<User & { hash: string }>(
    pool,
    'login',
    `SELECT ${USER}, w.hash FROM users u JOIN passwords w ON w.user_id = u.id WHERE u.email = $1 AND u.status = 'active'`,
    [email.trim().normalize('NFC').toLowerCase()],
  );
  if (user === undefined || !(await verify(user.hash, password.normalize('NFC'))))
    throw new Refusal(401, 'The address or the password is wrong.');
  const id = randomUUIDv7();
  const refreshToken = `${id}.${randomBytes(48).toString('base64url')}`;
  await rows(
    pool,
    'open',
    `INSERT INTO sessions (id, user_id, refresh_hash, ip, user_agent, expires_at) VALUES ($1, $2, $3, $4, $5, now() + interval '90 days')`,
    [id, user.id, createHash('sha256').update(refreshToken).digest(), request.ip, (request.headers['user-agent'] ?? '').slice(0, 500)],
  );
  const expiresIn = Number(settings.JWT_ACCESS_TTL_SECONDS);
  const token = new SignJWT({ sid: id })
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'at+jwt' })
    .setSubject(user.id)
    .setIssuer(settings.PUBLIC_URL)
    .setAudience('ashlar');
  const accessToken = await token.setIssuedAt().setExpirationTime(`${expiresIn}s`).sign(privateKey);
  return { user: userOf(user), accessToken, refreshToken, expiresIn };
});

process.once(
  'SIGTERM',
  () =>
    void app
      .close()
      .then(() => pool.end())
      .then(() => process.exit(0)),
);
await app.listen({ port: Number(settings.PORT), host: '127.0.0.1' });
