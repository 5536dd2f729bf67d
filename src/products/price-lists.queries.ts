import { audited } from '#audit';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import type { Position } from '#http';

export type PriceList = Prisma.PriceListGetPayload<object>;

/** A price of a list: minor units. */
export interface ListPrice {
  id: string;
  variantId: string;
  sku: string;
  amount: bigint;
  currency: string;
}

export const auditedPriceList = audited('price-list', {
  name: 'plain',
  currency: 'plain',
  startsAt: 'plain',
  endsAt: 'plain',
  priority: 'plain',
  active: 'plain',
  prices: 'plain',
});

/** Locks the list until the transaction ends. */
export async function lockPriceList(db: Tx, id: string): Promise<void> {
  await rows(db, Prisma.sql`SELECT id FROM price_lists WHERE id = ${id}::uuid FOR UPDATE`);
}

export function listPrices(db: Db, listId: string, limit: number, position: Position | null): Promise<ListPrice[]> {
  const after = position === null ? Prisma.empty : Prisma.sql`AND lp.variant_id > ${position.id}::uuid`;
  return rows(
    db,
    Prisma.sql`SELECT v.id, v.id AS "variantId", v.sku, lp.amount, l.currency FROM list_prices lp JOIN price_lists l ON l.id = lp.list_id JOIN variants v ON v.id = lp.variant_id
      WHERE lp.list_id = ${listId}::uuid ${after} ORDER BY lp.variant_id LIMIT ${limit + 1}`,
  );
}

/** Of these variants those that are on sale, or were put on the list before: with the price that they have there. */
export function pricesNow(
  db: Tx,
  { id }: PriceList,
  variantIds: readonly string[],
): Promise<{ variantId: string; amount: bigint | null }[]> {
  return rows(
    db,
    Prisma.sql`SELECT v.id AS "variantId", lp.amount FROM variants v LEFT JOIN list_prices lp ON lp.variant_id = v.id AND lp.list_id = ${id}::uuid
      WHERE v.id = ANY (${variantIds}::uuid[]) AND (v.withdrawn_at IS NULL OR lp.amount IS NOT NULL) ORDER BY v.id`,
  );
}

export async function setPrices(db: Tx, listId: string, prices: readonly { variantId: string; amount: number | null }[]): Promise<void> {
  const kept = prices.filter(({ amount }) => amount !== null);
  const gone = prices.filter(({ amount }) => amount === null).map(({ variantId }) => variantId);
  if (gone.length > 0)
    await execute(db, Prisma.sql`DELETE FROM list_prices WHERE list_id = ${listId}::uuid AND variant_id = ANY (${gone}::uuid[])`);
  if (kept.length === 0) return;
  await execute(
    db,
    Prisma.sql`INSERT INTO list_prices (list_id, variant_id, amount)
      SELECT ${listId}::uuid, variant_id, amount FROM unnest(${kept.map(({ variantId }) => variantId)}::uuid[], ${kept.map(({ amount }) => amount)}::bigint[]) AS p (variant_id, amount)
      ON CONFLICT (variant_id, list_id) DO UPDATE SET amount = excluded.amount`,
  );
}
