import { audited } from '#audit';
import { type Backorder, type Db, Prisma, rows, rowsPlannedAnew, type Tx } from '#database';
import { keysetSql, parseSort, type Position } from '#http';
import { slugsWithin } from './categories.queries.js';
import type { ListProductsQuery, ProductFilters } from './products.dto.js';
import { type Option, type OptionValues, readOptions } from './products.rules.js';

/** A variant with what can be ordered of it: reservations that have run out count as free, though nobody has released them yet. */
export interface Variant {
  id: string;
  productId: string;
  sku: string;
  name: string;
  /** Its own price, whatever a price list says. */
  priceAmount: number;
  /** What it costs now. */
  price: number;
  currency: string;
  /** Minor units of `currency`. */
  compareAt: number | null;
  optionValues: OptionValues;
  available: number;
  backorder: Backorder;
  /** In RFC 3339. */
  availableFrom: string | null;
  externalId: string | null;
  metadata: Record<string, string>;
  version: number;
}

/** An image of a product, as JSON comes from the database. */
export interface Picture {
  id: string;
  alt: string;
  isPublic: boolean;
  width: number | null;
  height: number | null;
  variants: 'none' | 'pending' | 'ready' | 'failed';
  made: { name: string; size: number; width: number; height: number }[];
}

export interface Product {
  id: string;
  slug: string;
  name: string;
  description: string;
  status: 'draft' | 'active' | 'archived';
  category: string | null;
  taxClass: string;
  options: Option[];
  images: Picture[];
  variants: Variant[];
  externalId: string | null;
  metadata: Record<string, string>;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

export const auditedProduct = audited('product', {
  slug: 'plain',
  name: 'plain',
  description: 'digest',
  status: 'plain',
  category: 'plain',
  taxClass: 'plain',
  options: 'plain',
  images: 'plain',
  externalId: 'plain',
  metadata: 'plain',
});

export const auditedVariant = audited('variant', {
  productId: 'plain',
  sku: 'plain',
  name: 'plain',
  priceAmount: 'plain',
  currency: 'plain',
  compareAt: 'plain',
  optionValues: 'plain',
  stock: 'plain',
  backorder: 'plain',
  availableFrom: 'plain',
  reason: 'personal',
  externalId: 'plain',
  metadata: 'plain',
});

/** Whether the price list `l` counts now. */
const COUNTS = Prisma.sql`l.active AND (l.starts_at IS NULL OR l.starts_at <= now()) AND (l.ends_at IS NULL OR l.ends_at > now())`;

/**
 * What the variant `v` costs now in a currency, in its minor units: by the list with the highest priority (of equals the newest) that counts
 * and has a price of it in that currency; else its own price, where that is in it; NULL where it is not sold in it. Without a currency: in
 * that of its own price. Whoever shows a price, quotes it or charges it asks this.
 */
export function priceIn(currency: string | undefined): Prisma.Sql {
  const wanted = currencyIn(currency);
  const own = currency === undefined ? Prisma.sql`v.price_amount` : Prisma.sql`CASE WHEN v.currency = ${wanted} THEN v.price_amount END`;
  return Prisma.sql`coalesce(${onList(wanted, Prisma.sql`l.priority DESC, l.id DESC`)}, ${own})`;
}

/** The price that the variant `v` has, in a currency, on the first list that counts. */
function onList(wanted: Prisma.Sql, order: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`(SELECT lp.amount FROM list_prices lp JOIN price_lists l ON l.id = lp.list_id
    WHERE lp.variant_id = v.id AND l.currency = ${wanted} AND ${COUNTS} ORDER BY ${order} LIMIT 1)`;
}

/** The currency that `priceIn` is in. */
export function currencyIn(currency: string | undefined): Prisma.Sql {
  return currency === undefined ? Prisma.sql`v.currency` : Prisma.sql`${currency}::char(3)`;
}

/** Whether the variant `v` is sold in the currency. */
export function isSoldIn(currency: string | undefined): Prisma.Sql {
  return currency === undefined ? Prisma.sql`true` : Prisma.sql`${priceIn(currency)} IS NOT NULL`;
}

/** Whether any price list counts now; where none does, prices are those of an index. */
export async function anyListCounts(db: Db): Promise<boolean> {
  return (await rows(db, Prisma.sql`SELECT FROM price_lists l WHERE ${COUNTS} LIMIT 1`)).length > 0;
}

/** How many more milliseconds no price list begins or ends to count that had not `sinceMs` ago; less than 0 when one has. */
export async function untilNextPrice(db: Db, sinceMs: number): Promise<number> {
  const [next] = await rows<{ ms: number | null }>(
    db,
    Prisma.sql`SELECT (extract(epoch FROM min(at) - now()) * 1000)::float8 AS ms
      FROM (SELECT starts_at AS at FROM price_lists WHERE active UNION ALL SELECT ends_at FROM price_lists WHERE active) AS l
      WHERE at > now() - make_interval(secs => ${sinceMs / 1_000})`,
  );
  return next?.ms ?? Infinity;
}

/** What can be ordered of the variant `v`: reservations that ran out count as free, though nobody has released them yet. */
export const AVAILABLE = Prisma.sql`(v.stock - v.reserved + coalesce((SELECT sum(r.quantity) FROM stock_reservations r WHERE r.variant_id = v.id AND r.expires_at <= now()), 0))::int`;
/** When more of the variant `v` is expected, in RFC 3339. */
export const AVAILABLE_FROM = Prisma.sql`to_char(v.available_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
/** Whether any of the variant `v` can be ordered in the currency: there is some, or more is to come. */
export function orderableIn(currency: string | undefined): Prisma.Sql {
  return Prisma.sql`((v.backorder <> 'none' OR ${AVAILABLE} > 0) AND ${isSoldIn(currency)})`;
}
/** The variant `v`, sold in the currency. In another than its own its regular price is that of the list all others go before. */
function variantIn(currency: string | undefined): Prisma.Sql {
  const [price, shown] = [priceIn(currency), currencyIn(currency)];
  const [regular, compareAt] =
    currency === undefined
      ? [Prisma.sql`v.price_amount`, Prisma.sql`v.compare_at`]
      : [
          Prisma.sql`CASE WHEN v.currency = ${shown} THEN v.price_amount ELSE ${onList(shown, Prisma.sql`l.priority, l.id`)} END`,
          Prisma.sql`CASE WHEN v.currency = ${shown} THEN v.compare_at END`,
        ];
  return Prisma.sql`json_build_object('id', v.id, 'productId', v.product_id, 'sku', v.sku, 'name', v.name, 'priceAmount', ${regular}, 'price', ${price}, 'currency', ${shown}, 'compareAt', ${compareAt}, 'optionValues', v.option_values,
  'available', greatest(${AVAILABLE}, 0), 'backorder', v.backorder, 'availableFrom', ${AVAILABLE_FROM}, 'externalId', v.external_id, 'metadata', v.metadata, 'version', v.version)`;
}

/** The columns of the product `p`, with its images and those of its variants that are sold in the currency. */
export function productIn(currency: string | undefined): Prisma.Sql {
  return Prisma.sql`p.id, p.slug, p.name, p.description, p.status, p.category, p.tax_class AS "taxClass", p.options, p.external_id AS "externalId", p.metadata, p.version, p.created_at AS "createdAt", p.updated_at AS "updatedAt",
  coalesce((SELECT json_agg(${variantIn(currency)} ORDER BY v.id) FROM variants v WHERE v.product_id = p.id AND v.withdrawn_at IS NULL AND ${isSoldIn(currency)}), '[]') AS variants,
  coalesce((SELECT json_agg(json_build_object('id', f.id, 'alt', i.alt, 'isPublic', f.is_public, 'width', f.width, 'height', f.height, 'variants', f.variants, 'made', coalesce(
      (SELECT json_agg(json_build_object('name', m.name, 'size', m.size, 'width', m.width, 'height', m.height)) FROM file_variants m WHERE m.file_id = f.id), '[]')) ORDER BY i.position)
    FROM product_images i JOIN files f ON f.id = i.file_id WHERE i.product_id = p.id), '[]') AS images`;
}

/** What the filters ask of the product `p` itself, its category apart. */
export function filtersOf(staff: boolean, query: ProductFilters): Prisma.Sql[] {
  return [
    Prisma.sql`p.withdrawn_at IS NULL`,
    ...(staff ? [] : [Prisma.sql`p.status = 'active'`]),
    ...(query.status === undefined ? [] : [Prisma.sql`p.status = ${query.status}::product_status`]),
    ...(query.q === undefined ? [] : [Prisma.sql`p.search @@ websearch_to_tsquery('simple', ${query.q})`]),
  ];
}

/** What they ask of one variant `v` of it: of its price, of whether it can be ordered, and of its value of each option. */
export function wantedOf(
  query: ProductFilters,
  price: Prisma.Sql = Prisma.sql`v.price_amount`,
): Record<'price' | 'available' | 'options', Prisma.Sql[]> {
  return {
    price: [
      ...(query.minPrice === undefined ? [] : [Prisma.sql`${price} >= ${query.minPrice}`]),
      ...(query.maxPrice === undefined ? [] : [Prisma.sql`${price} <= ${query.maxPrice}`]),
    ],
    available: query.available === undefined ? [] : [orderableIn(query.currency)],
    options: [...readOptions(query.option)].map(([name, values]) => {
      const either = values.map((value) => Prisma.sql`v.option_values @> ${JSON.stringify({ [name]: value })}::jsonb`);
      return Prisma.sql`(${Prisma.join(either, ' OR ')})`;
    }),
  };
}

/** A page of products; one row more than asked for tells that there is a next page. `staff` sees drafts and archived ones, too. */
export async function listProducts(db: Db, staff: boolean, query: ListProductsQuery, position: Position | null): Promise<Product[]> {
  const sort = parseSort(query.sort);
  const { after, order } = keysetSql(
    sort.field === 'name' ? Prisma.sql`p.name` : Prisma.sql`p.created_at`,
    Prisma.sql`p.id`,
    sort,
    position,
  );
  const isPriced = query.minPrice !== undefined || query.maxPrice !== undefined;
  const goesByLists = isPriced && (query.currency !== undefined || (await anyListCounts(db)));
  const wanted = Object.values(wantedOf(query, goesByLists ? priceIn(query.currency) : undefined)).flat();
  const conditions = [
    ...filtersOf(staff, query),
    ...(wanted.length === 0
      ? []
      : [
          Prisma.sql`EXISTS (SELECT FROM variants v WHERE v.product_id = p.id AND v.withdrawn_at IS NULL AND ${Prisma.join(wanted, ' AND ')})`,
        ]),
  ];
  const tail = Prisma.sql`${Prisma.join(conditions, ' AND ')} ${after} ${order} LIMIT ${query.limit + 1}`;
  // The first of each category, in the order of an index that begins with it, and the first of those: the same work however much lies in them.
  const page =
    query.category === undefined
      ? Prisma.sql`SELECT ${productIn(query.currency)} FROM products p WHERE ${tail}`
      : Prisma.sql`SELECT ${productIn(query.currency)} FROM ${slugsWithin(query.category)} CROSS JOIN LATERAL (SELECT * FROM products p WHERE p.category = within.slug AND ${tail}) p
          ${order} LIMIT ${query.limit + 1}`;
  return query.q === undefined && query.option === undefined ? rows(db, page) : rowsPlannedAnew(db, page);
}

export async function findProduct(db: Db, by: { id: string } | { slug: string }, currency?: string): Promise<Product | null> {
  const key = 'id' in by ? Prisma.sql`p.id = ${by.id}::uuid` : Prisma.sql`p.slug = ${by.slug}`;
  const [product] = await rows<Product>(
    db,
    Prisma.sql`SELECT ${productIn(currency)} FROM products p WHERE ${key} AND p.withdrawn_at IS NULL`,
  );
  return product ?? null;
}

/** The options of the product of a variant, kept until the transaction ends; none where it is not there. */
export async function lockOptions(db: Tx, variantId: string): Promise<Option[]> {
  const [found] = await rows<{ options: Option[] }>(
    db,
    Prisma.sql`SELECT p.options FROM products p JOIN variants v ON v.product_id = p.id WHERE v.id = ${variantId}::uuid FOR SHARE OF p`,
  );
  return found?.options ?? [];
}

/** How many more milliseconds no reservation of these variants runs out that had not `sinceMs` ago; less than 0 when one has. */
export async function untilNextLapse(db: Db, variantIds: readonly string[], sinceMs: number): Promise<number> {
  const [next] = await rows<{ ms: number | null }>(
    db,
    Prisma.sql`SELECT (extract(epoch FROM min(expires_at) - now()) * 1000)::float8 AS ms FROM stock_reservations
      WHERE variant_id = ANY (${variantIds}::uuid[]) AND expires_at > now() - make_interval(secs => ${sinceMs / 1_000})`,
  );
  return next?.ms ?? Infinity;
}

/** A variant that is not withdrawn and is sold in the currency, with the status of its product. */
export async function findVariant(db: Db, id: string, currency?: string): Promise<(Variant & { productStatus: Product['status'] }) | null> {
  const [found] = await rows<{ variant: Variant; status: Product['status'] }>(
    db,
    Prisma.sql`SELECT ${variantIn(currency)} AS variant, p.status FROM variants v JOIN products p ON p.id = v.product_id
      WHERE v.id = ${id}::uuid AND v.withdrawn_at IS NULL AND p.withdrawn_at IS NULL AND ${isSoldIn(currency)}`,
  );
  return found ? { ...found.variant, productStatus: found.status } : null;
}
