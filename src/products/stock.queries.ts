import { type Backorder, type Db, listed, Prisma, rows, type Tx } from '#database';
import { AVAILABLE } from './products.queries.js';

/** An entry of the ledger that is to be made: `balance` is what the variant's stock is after it, in all locations. */
export interface Entry {
  variantId: string;
  locationId: string;
  delta: number;
  balance: number;
}

/** What there is of a variant, and how much of that orders hold. */
export interface Held {
  stock: number;
  reserved: number;
  backorder: Backorder;
}

/** How many there are of a variant, and where some of them lie, or are owed, the fullest location first. */
export interface Stock extends Held {
  variantId: string;
  available: number;
  availableFrom: Date | null;
  levels: { locationId: string; code: string; name: string; quantity: number }[];
}

const DEFAULT_LOCATION = Prisma.sql`(SELECT id FROM stock_locations WHERE is_default)`;

/** A variant that is not withdrawn, kept as it is until the transaction ends. */
export async function lockVariant(id: string, db: Tx): Promise<Held | undefined> {
  const [variant] = await rows<Held>(
    db,
    Prisma.sql`SELECT stock, reserved, backorder FROM variants WHERE id = ${id}::uuid AND withdrawn_at IS NULL FOR UPDATE`,
  );
  return variant;
}

/** Locks the variants in order and holds of each what there is enough of, or what can be ordered before it comes; returns which. */
export async function takeStock(orderId: string, needed: ReadonlyMap<string, number>, expiresAt: Date, db: Tx): Promise<string[]> {
  const taken = await rows<{ id: string }>(
    db,
    Prisma.sql`
    WITH wanted AS (SELECT * FROM unnest(${listed([...needed.keys()], 'uuid')}, ${listed([...needed.values()], 'int')}) AS w (id, quantity)),
    locked AS (SELECT v.id FROM variants v JOIN wanted USING (id) ORDER BY v.id FOR UPDATE OF v),
    taken AS (
      UPDATE variants v SET reserved = v.reserved + wanted.quantity FROM wanted JOIN locked USING (id)
      WHERE v.id = wanted.id AND (v.stock - v.reserved >= wanted.quantity OR v.backorder <> 'none') RETURNING v.id, wanted.quantity
    )
    INSERT INTO stock_reservations (order_id, variant_id, quantity, expires_at)
    SELECT ${orderId}::uuid, id, quantity, ${expiresAt}::timestamptz FROM taken RETURNING variant_id AS id`,
  );
  return taken.map(({ id }) => id);
}

/**
 * Takes what an order holds out of the stock, with its variants locked: from the location where most of it lies, the first by its code where
 * that is the same, and what is not there from the next. What was sold before it came is owed by the default location.
 */
export function sellStock(orderId: string, db: Tx): Promise<Entry[]> {
  return rows<Entry>(
    db,
    Prisma.sql`
    WITH gone AS (DELETE FROM stock_reservations WHERE order_id = ${orderId}::uuid RETURNING variant_id, quantity),
    sold AS (
      UPDATE variants v SET stock = v.stock - gone.quantity, reserved = v.reserved - gone.quantity FROM gone WHERE v.id = gone.variant_id
      RETURNING v.id AS variant_id, gone.quantity, v.stock + gone.quantity AS before
    ),
    fullest AS (
      SELECT s.variant_id, s.quantity AS wanted, l.location_id, l.quantity, o.code,
        coalesce(sum(l.quantity) OVER (PARTITION BY s.variant_id ORDER BY l.quantity DESC, o.code ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::int AS earlier
      FROM sold s JOIN stock_levels l ON l.variant_id = s.variant_id AND l.quantity > 0 JOIN stock_locations o ON o.id = l.location_id
    ),
    parts AS (SELECT variant_id, location_id, least(quantity, wanted - earlier) AS quantity FROM fullest WHERE earlier < wanted),
    owed AS (
      SELECT s.variant_id, ${DEFAULT_LOCATION} AS location_id, s.quantity - coalesce(sum(p.quantity), 0)::int AS quantity
      FROM sold s LEFT JOIN parts p USING (variant_id) GROUP BY s.variant_id, s.quantity HAVING s.quantity > coalesce(sum(p.quantity), 0)
    ),
    entries AS (
      SELECT variant_id, location_id, sum(quantity)::int AS quantity FROM (SELECT * FROM parts UNION ALL SELECT * FROM owed) e GROUP BY variant_id, location_id
    )
    SELECT e.variant_id AS "variantId", e.location_id AS "locationId", -e.quantity AS delta,
      (s.before - sum(e.quantity) OVER (PARTITION BY e.variant_id ORDER BY e.quantity DESC, e.location_id))::int AS balance
    FROM entries e JOIN sold s USING (variant_id)`,
  );
}

/**
 * Puts what an order had bought back into the stock: all that is still out, or so many of each variant; where most of it left from, if that is
 * open, else into the default location.
 */
export async function restoreStock(orderId: string, only: ReadonlyMap<string, number> | undefined, db: Tx): Promise<Entry[]> {
  await rows(
    db,
    Prisma.sql`SELECT id FROM variants WHERE id IN (SELECT variant_id FROM stock_movements WHERE order_id = ${orderId}::uuid) ORDER BY id FOR UPDATE`,
  );
  // Kept open meanwhile.
  await rows(
    db,
    Prisma.sql`SELECT id FROM stock_locations WHERE id IN (SELECT location_id FROM stock_movements WHERE order_id = ${orderId}::uuid) ORDER BY id FOR SHARE`,
  );
  return rows<Entry>(
    db,
    Prisma.sql`
    WITH out AS (SELECT variant_id, -sum(delta)::int AS quantity FROM stock_movements WHERE order_id = ${orderId}::uuid GROUP BY variant_id HAVING sum(delta) < 0),
    home AS (
      SELECT DISTINCT ON (m.variant_id) m.variant_id, m.location_id FROM stock_movements m JOIN stock_locations l ON l.id = m.location_id AND l.active
      WHERE m.order_id = ${orderId}::uuid AND m.delta < 0 ORDER BY m.variant_id, m.delta, l.code
    ),
    wanted AS (SELECT * FROM unnest(${[...(only?.keys() ?? [])]}::uuid[], ${[...(only?.values() ?? [])]}::int[]) AS w (variant_id, quantity)),
    back AS (
      SELECT out.variant_id, CASE WHEN ${only === undefined} THEN out.quantity ELSE least(wanted.quantity, out.quantity) END AS quantity
      FROM out LEFT JOIN wanted USING (variant_id) WHERE ${only === undefined} OR wanted.quantity IS NOT NULL
    ),
    restored AS (
      UPDATE variants v SET stock = v.stock + back.quantity FROM back WHERE v.id = back.variant_id RETURNING v.id, v.stock, back.quantity
    )
    SELECT r.id AS "variantId", coalesce(home.location_id, ${DEFAULT_LOCATION}) AS "locationId", r.quantity AS delta, r.stock AS balance
    FROM restored r LEFT JOIN home ON home.variant_id = r.id`,
  );
}

/** How many there are of a variant that is not withdrawn, and where: as one moment has it. */
export async function findStock(variantId: string, db: Db): Promise<Stock | undefined> {
  const [stock] = await rows<Stock>(
    db,
    Prisma.sql`SELECT v.id AS "variantId", v.stock, v.reserved, greatest(${AVAILABLE}, 0) AS available, v.backorder, v.available_from AS "availableFrom",
      coalesce((SELECT json_agg(json_build_object('locationId', o.id, 'code', o.code, 'name', o.name, 'quantity', l.quantity) ORDER BY l.quantity DESC, o.code)
        FROM stock_levels l JOIN stock_locations o ON o.id = l.location_id WHERE l.variant_id = v.id AND l.quantity <> 0), '[]') AS levels
      FROM variants v WHERE v.id = ${variantId}::uuid AND v.withdrawn_at IS NULL`,
  );
  return stock;
}
