import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Cache, invalidate } from '#cache';
import { type Db, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { publish } from '#events';
import { keyset, type Page, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import { outOfStock, stockTooHigh, stockTooLow, variantNotFound } from './products.errors.js';
import { stockAdjusted } from './products.events.js';
import { auditedVariant, AVAILABLE, PRICE, untilNextLapse } from './products.queries.js';
import type { AdjustStockDto, ListMovementsQuery } from './stock.dto.js';

export type Movement = Prisma.StockMovementGetPayload<object>;

/** What a buyer wants, in the order they named it; a variant may be named more than once. */
export interface Wanted {
  variantId: string;
  quantity: number;
}

/** A variant on sale, with what can be ordered of it now. */
export interface ForSale {
  id: string;
  sku: string;
  name: string;
  priceAmount: bigint;
  currency: string;
  taxClass: string;
  available: number;
}

const MAX_STOCK = 1_000_000_000;

/** What there is of a variant, and how much of that pending orders hold. */
interface Held {
  stock: number;
  reserved: number;
}

/** A variant's stock after a movement of `delta`. */
interface Level {
  id: string;
  stock: number;
  delta: number;
}

/**
 * Stock and who holds it. Every change locks the variants it concerns first, in the order of their ids, so that no two wait for each
 * other; CHECK constraints keep 0 <= reserved <= stock behind it all, and the ledger's sum is the stock.
 */
@Injectable()
export class StockService {
  constructor(
    private readonly prisma: PrismaService,
    cache: Cache,
  ) {
    cache.limit('variant', (ids, sinceMs) => untilNextLapse(prisma, ids, sinceMs));
  }

  async adjust(actor: Actor, variantId: string, { delta, reason }: AdjustStockDto, db: Db = this.prisma): Promise<Movement> {
    return transaction(db, async (tx) => {
      const look = () =>
        tx.$queryRaw<Held[]>`SELECT stock, reserved FROM variants WHERE id = ${variantId}::uuid AND withdrawn_at IS NULL FOR UPDATE`;
      let [variant] = await look();
      if (variant !== undefined && variant.stock + delta < variant.reserved) {
        await this.releaseExpired([variantId], tx);
        [variant] = await look();
      }
      if (variant === undefined) throw variantNotFound('No variant has this id.');
      const stock = variant.stock + delta;
      const loose = variant.stock - variant.reserved;
      if (stock > MAX_STOCK) throw stockTooHigh(`There are ${variant.stock}; at most ${MAX_STOCK - variant.stock} can come in.`);
      if (loose + delta < 0)
        throw stockTooLow(`There are ${variant.stock}, of which pending orders hold ${variant.reserved}; at most ${loose} can go.`);
      await tx.variant.update({ where: { id: variantId }, data: { stock } });
      outdate(tx, [variantId]);
      const [before, after] = [{ stock: variant.stock }, { stock, reason }];
      await record(tx, { actor, action: 'variants.stock-adjusted', resource: auditedVariant(variantId), before, after });
      await publish(tx, stockAdjusted, { variantId, delta, stock }, { actor, resource: { type: 'variant', id: variantId } });
      return tx.stockMovement.create({ data: { variantId, delta, balance: stock, reason, actorId: actor.id } });
    });
  }

  async movements(_actor: Actor, variantId: string, query: ListMovementsQuery): Promise<Page<Movement>> {
    const sort = '-createdAt';
    const { where, orderBy } = keyset({ field: 'createdAt', descending: true }, readCursor(query.cursor, sort, 'time'));
    if ((await this.prisma.variant.count({ where: { id: variantId } })) === 0) throw variantNotFound('No variant has this id.');
    const rows = await this.prisma.stockMovement.findMany({ where: { variantId, ...where }, orderBy, take: query.limit + 1 });
    return toPage(
      rows,
      { ...query, sort },
      (movement) => movement.createdAt,
      (movement) => movement,
    );
  }

  /** What is asked for, if it is on sale, with what can be ordered of it now. @throws products/variant-not-found naming each line that is not */
  async forSale(wanted: readonly Wanted[], db: Db = this.prisma): Promise<Map<string, ForSale>> {
    const ids = [...new Set(wanted.map(({ variantId }) => variantId))];
    const found = await rows<ForSale>(
      db,
      Prisma.sql`
      SELECT v.id, v.sku, p.name || CASE WHEN v.name = p.name THEN '' ELSE ', ' || v.name END AS name,
        ${PRICE} AS "priceAmount", v.currency, p.tax_class AS "taxClass", ${AVAILABLE} AS available
      FROM variants v JOIN products p ON p.id = v.product_id
      WHERE v.id = ANY (${ids}::uuid[]) AND v.withdrawn_at IS NULL AND p.withdrawn_at IS NULL AND p.status = 'active'`,
    );
    const variants = new Map(found.map((row) => [row.id, row]));
    const missing = wanted.flatMap(({ variantId }, index) =>
      variants.has(variantId) ? [] : [{ pointer: `/items/${index}/variantId`, code: variantNotFound.code, detail: 'is not on sale' }],
    );
    if (missing.length > 0) throw variantNotFound('Some of what was asked for is not on sale; see errors.', { fields: missing });
    return variants;
  }

  /** Refuses what is sold out as far as a look without a lock can tell, so that nobody queues for it. @throws products/out-of-stock */
  refuseSoldOut(wanted: readonly Wanted[], variants: ReadonlyMap<string, ForSale>): void {
    const short = [...together(wanted)].filter(([id, quantity]) => variants.get(id)!.available < quantity);
    if (short.length > 0) throw refuseShort(wanted, variants, new Map(short));
  }

  /**
   * Holds what is asked for until `expiresAt`, all or nothing. What others held without paying in time is released on the way. Call it
   * last: the variants stay locked until the transaction ends. @throws products/out-of-stock naming each short line
   */
  async reserve(orderId: string, wanted: readonly Wanted[], expiresAt: Date, db: Tx): Promise<void> {
    const needed = together(wanted);
    outdate(db, [...needed.keys()]);
    let missing = await this.take(orderId, needed, expiresAt, db);
    if (missing.size === 0) return;
    await this.releaseExpired([...missing.keys()], db);
    missing = await this.take(orderId, missing, expiresAt, db);
    if (missing.size > 0) throw refuseShort(wanted, await this.forSale(wanted, db), missing);
  }

  /**
   * Keeps an order's stock beyond its time, while a payment is under way (`null`), or gives it a time again. Returns how many variants it
   * still held: fewer than it was placed with, when others took what had run out.
   */
  async hold(orderId: string, until: Date | null, db: Tx): Promise<number> {
    await this.lockHeld(orderId, db);
    const { count } = await db.stockReservation.updateMany({ where: { orderId }, data: { expiresAt: until } });
    return count;
  }

  /** Gives back what an order holds. */
  async release(orderId: string, db: Tx): Promise<void> {
    await this.lockHeld(orderId, db);
    await db.$executeRaw`WITH gone AS (DELETE FROM stock_reservations WHERE order_id = ${orderId}::uuid RETURNING variant_id, quantity)
      UPDATE variants v SET reserved = v.reserved - gone.quantity FROM gone WHERE v.id = gone.variant_id`;
  }

  /** Takes what an order holds out of the stock, for good. */
  async sell(orderId: string, db: Tx): Promise<void> {
    await this.lockHeld(orderId, db);
    const levels = await db.$queryRaw<
      Level[]
    >`WITH sold AS (DELETE FROM stock_reservations WHERE order_id = ${orderId}::uuid RETURNING variant_id, quantity)
      UPDATE variants v SET stock = v.stock - sold.quantity, reserved = v.reserved - sold.quantity FROM sold WHERE v.id = sold.variant_id
      RETURNING v.id, v.stock, -sold.quantity AS delta`;
    await this.enter(levels, orderId, 'sold', db);
  }

  /** Puts what an order had bought back into the stock: all that is still out, or so many of each variant. */
  async restock(orderId: string, reason: string, db: Tx, only?: ReadonlyMap<string, number>): Promise<void> {
    const variants = await db.$queryRaw<
      { id: string }[]
    >`SELECT id FROM variants WHERE id IN (SELECT variant_id FROM stock_movements WHERE order_id = ${orderId}::uuid) ORDER BY id FOR UPDATE`;
    outdate(
      db,
      variants.map(({ id }) => id),
    );
    const levels = await db.$queryRaw<Level[]>`
      WITH out AS (SELECT variant_id, -sum(delta)::int AS quantity FROM stock_movements WHERE order_id = ${orderId}::uuid GROUP BY variant_id HAVING sum(delta) < 0),
      wanted AS (SELECT * FROM unnest(${[...(only?.keys() ?? [])]}::uuid[], ${[...(only?.values() ?? [])]}::int[]) AS w (variant_id, quantity)),
      back AS (
        SELECT out.variant_id, CASE WHEN ${only === undefined} THEN out.quantity ELSE least(wanted.quantity, out.quantity) END AS quantity
        FROM out LEFT JOIN wanted USING (variant_id) WHERE ${only === undefined} OR wanted.quantity IS NOT NULL
      )
      UPDATE variants v SET stock = v.stock + back.quantity FROM back WHERE v.id = back.variant_id RETURNING v.id, v.stock, back.quantity AS delta`;
    await this.enter(levels, orderId, reason, db);
  }

  private async enter(levels: readonly Level[], orderId: string, reason: string, db: Tx): Promise<void> {
    await db.stockMovement.createMany({
      data: levels.map(({ id, stock, delta }) => ({ variantId: id, delta, balance: stock, reason, orderId })),
    });
  }

  /** Locks the variants in order and holds of each what there is enough of; returns what there was not. */
  private async take(orderId: string, needed: ReadonlyMap<string, number>, expiresAt: Date, db: Tx): Promise<Map<string, number>> {
    const taken = await rows<{ id: string }>(
      db,
      Prisma.sql`
      WITH wanted AS (SELECT * FROM unnest(${[...needed.keys()]}::uuid[], ${[...needed.values()]}::int[]) AS w (id, quantity)),
      locked AS (SELECT v.id FROM variants v JOIN wanted USING (id) ORDER BY v.id FOR UPDATE OF v),
      taken AS (
        UPDATE variants v SET reserved = v.reserved + wanted.quantity FROM wanted JOIN locked USING (id)
        WHERE v.id = wanted.id AND v.stock - v.reserved >= wanted.quantity RETURNING v.id, wanted.quantity
      )
      INSERT INTO stock_reservations (order_id, variant_id, quantity, expires_at)
      SELECT ${orderId}::uuid, id, quantity, ${expiresAt}::timestamptz FROM taken RETURNING variant_id AS id`,
    );
    const missing = new Map(needed);
    for (const { id } of taken) missing.delete(id);
    return missing;
  }

  /** With these variants locked, frees what ran out of time. */
  private async releaseExpired(ids: readonly string[], db: Tx): Promise<void> {
    await db.$executeRaw`
      WITH gone AS (DELETE FROM stock_reservations WHERE variant_id = ANY (${ids}::uuid[]) AND expires_at <= now() RETURNING variant_id, quantity),
      sums AS (SELECT variant_id, sum(quantity)::int AS quantity FROM gone GROUP BY variant_id)
      UPDATE variants v SET reserved = v.reserved - sums.quantity FROM sums WHERE v.id = sums.variant_id`;
  }

  /** Locks the variants of which an order holds some, for that to change. */
  private async lockHeld(orderId: string, db: Tx): Promise<void> {
    const variants = await db.$queryRaw<
      { id: string }[]
    >`SELECT id FROM variants WHERE id IN (SELECT variant_id FROM stock_reservations WHERE order_id = ${orderId}::uuid) ORDER BY id FOR UPDATE`;
    outdate(
      db,
      variants.map(({ id }) => id),
    );
  }
}

/** What strangers were answered of these variants shows another number by now. */
function outdate(db: Db, variantIds: readonly string[]): void {
  invalidate(
    db,
    variantIds.map((id) => `variant:${id}`),
  );
}

/** What is wanted of each variant, however many lines name it. */
function together(wanted: readonly Wanted[]): Map<string, number> {
  const needed = new Map<string, number>();
  for (const { variantId, quantity } of wanted) needed.set(variantId, (needed.get(variantId) ?? 0) + quantity);
  return needed;
}

function refuseShort(wanted: readonly Wanted[], variants: ReadonlyMap<string, ForSale>, short: ReadonlyMap<string, number>): Error {
  const fields = wanted.flatMap(({ variantId }, index) => {
    const { available, sku } = variants.get(variantId)!;
    return short.has(variantId)
      ? [{ pointer: `/items/${index}/quantity`, code: outOfStock.code, detail: `only ${available} of ${sku} are left` }]
      : [];
  });
  return outOfStock('There is not enough in stock; see errors for what is left of each line.', { fields });
}
