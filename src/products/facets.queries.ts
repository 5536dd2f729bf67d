import { type Db, Prisma, rowsPlannedAnew } from '#database';
import { slugsWithin } from './categories.queries.js';
import type { ProductFilters } from './products.dto.js';
import { currencyIn, filtersOf, orderableIn, priceIn, wantedOf } from './products.queries.js';
import { readOptions } from './products.rules.js';

/** How many products the filters leave, and what each facet would; prices are minor units. */
export interface Facets {
  total: number;
  categories: { slug: string; name: string; count: number }[];
  options: { name: string; values: { value: string; count: number }[] }[];
  prices: { currency: string; min: number; max: number; ranges: { from: number; to: number; count: number }[] }[];
  availability: { available: number; unavailable: number };
}

const MOST_CATEGORIES = 100;
const MOST_OPTIONS = 20;
const MOST_VALUES = 50;
const RANGES = 5;

const all = (conditions: readonly Prisma.Sql[]) => (conditions.length === 0 ? Prisma.sql`true` : Prisma.join([...conditions], ' AND '));

/**
 * One pass over the variants of the products that the other filters leave, from which each facet is counted. A product counts where one of
 * its variants meets all filters at once, as in the list; one without variants where none is asked of them.
 */
export async function countFacets(db: Db, staff: boolean, filters: ProductFilters): Promise<Facets> {
  const price = priceIn(filters.currency);
  const wanted = wantedOf(filters, price);
  const names = [...readOptions(filters.option).keys()];
  const flag = (index: number) => Prisma.raw(`o${index}`);
  const flags = wanted.options.map((condition, index) => Prisma.sql`, coalesce(${condition}, false) AS ${flag(index)}`);
  const met = wanted.options.map((_, index) => flag(index));
  // Of an option all values are offered that the other filters leave.
  const metButOwn = names.map((name, index) => Prisma.sql`(${flag(index)} OR e.key = ${name})`);
  const from =
    filters.category === undefined
      ? Prisma.sql`products p`
      : Prisma.sql`${slugsWithin(filters.category)} JOIN products p ON p.category = within.slug`;
  const top =
    filters.category === undefined
      ? Prisma.sql`c.parent_id IS NULL`
      : Prisma.sql`c.parent_id = (SELECT id FROM categories WHERE slug = ${filters.category})`;
  const [facets] = await rowsPlannedAnew<Facets>(
    db,
    Prisma.sql`
    WITH RECURSIVE base AS MATERIALIZED (
      SELECT p.id AS product_id, p.category, v.id IS NOT NULL AS is_variant, ${price} AS price, ${currencyIn(filters.currency)} AS currency, v.option_values,
        coalesce(${orderableIn(filters.currency)}, false) AS is_available, coalesce(${all(wanted.price)}, false) AS in_price,
        coalesce(${all(wanted.available)}, false) AS in_stock ${flags.length === 0 ? Prisma.empty : Prisma.join(flags, ' ')}
      FROM ${from} LEFT JOIN variants v ON v.product_id = p.id AND v.withdrawn_at IS NULL WHERE ${all(filtersOf(staff, filters))}
    ),
    kept AS (SELECT DISTINCT product_id, category FROM base WHERE in_price AND in_stock AND ${all(met)}),
    tree AS (
      SELECT c.id, c.slug, c.slug AS top, c.name FROM categories c WHERE ${top}
      UNION ALL SELECT c.id, c.slug, tree.top, tree.name FROM tree JOIN categories c ON c.parent_id = tree.id
    ),
    valued AS (
      SELECT e.key AS name, e.value, count(DISTINCT b.product_id)::int AS count
      FROM base b CROSS JOIN LATERAL jsonb_each_text(b.option_values) e WHERE b.in_price AND b.in_stock AND ${all(metButOwn)} GROUP BY e.key, e.value
    ),
    named AS (SELECT name, sum(count) AS weight FROM valued GROUP BY name ORDER BY weight DESC, name LIMIT ${MOST_OPTIONS}),
    ranked AS (SELECT v.*, row_number() OVER (PARTITION BY v.name ORDER BY v.count DESC, v.value) AS place FROM valued v JOIN named USING (name)),
    priced AS (SELECT product_id, price, currency FROM base WHERE is_variant AND price IS NOT NULL AND in_stock AND ${all(met)}),
    spans AS (
      SELECT currency, min(price) AS min, max(price) AS max, (max(price) - min(price)) / ${RANGES}::int + 1 AS width FROM priced GROUP BY currency
    ),
    ranges AS (
      SELECT s.currency, (p.price - s.min) / s.width AS n, count(DISTINCT p.product_id)::int AS count
      FROM priced p JOIN spans s USING (currency) GROUP BY 1, 2
    )
    SELECT (SELECT count(*)::int FROM kept) AS total,
      coalesce((SELECT json_agg(json_build_object('slug', top, 'name', name, 'count', count) ORDER BY count DESC, name, top) FROM (
        SELECT t.top, t.name, count(*)::int AS count FROM kept k JOIN tree t ON t.slug = k.category GROUP BY t.top, t.name
        ORDER BY count DESC, t.name, t.top LIMIT ${MOST_CATEGORIES}) c), '[]') AS categories,
      coalesce((SELECT json_agg(json_build_object('name', name, 'values', vals) ORDER BY weight DESC, name) FROM (
        SELECT r.name, n.weight, json_agg(json_build_object('value', r.value, 'count', r.count) ORDER BY r.place) AS vals
        FROM ranked r JOIN named n USING (name) WHERE r.place <= ${MOST_VALUES} GROUP BY r.name, n.weight) o), '[]') AS options,
      coalesce((SELECT json_agg(json_build_object('currency', s.currency, 'min', s.min, 'max', s.max, 'ranges', (
          SELECT json_agg(json_build_object('from', s.min + r.n * s.width, 'to', s.min + (r.n + 1) * s.width - 1, 'count', r.count) ORDER BY r.n)
          FROM ranges r WHERE r.currency = s.currency)) ORDER BY s.currency) FROM spans s), '[]') AS prices,
      (SELECT json_build_object('available', count(*) FILTER (WHERE sold), 'unavailable', count(*) FILTER (WHERE NOT sold)) FROM (
        SELECT bool_or(is_available) AS sold FROM base WHERE in_price AND ${all(met)} GROUP BY product_id) a) AS availability`,
  );
  return facets!;
}
