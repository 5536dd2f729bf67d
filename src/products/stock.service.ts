import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type AuditActor, audited, record } from '#audit';
import { Cache, invalidate } from '#cache';
import { type Backorder, type Db, listed, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { publish } from '#events';
import { keyset, type Page, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import { LocationsService } from './locations.service.js';
import { outOfStock, stockTooHigh, stockTooLow, unknownLocation, variantNotFound } from './products.errors.js';
import { stockAdjusted, stockReturned, stockTransferred } from './products.events.js';
import { auditedVariant, AVAILABLE, currencyIn, isSoldIn, priceIn, untilNextLapse } from './products.queries.js';
import type { AdjustStockDto, ListMovementsQuery, TransferStockDto } from './stock.dto.js';
import { type Entry, findStock, lockVariant, restoreStock, sellStock, type Stock, takeStock } from './stock.queries.js';

export type { Stock } from './stock.queries.js';
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
  /** What is there and free; less than that of what is sold before it comes. */
  available: number;
  backorder: Backorder;
}

/** Goods brought from one location to another. */
export interface Transfer extends TransferStockDto {
  id: string;
  variantId: string;
  createdAt: Date;
}

const auditedTransfer = audited('variant', { fromLocationId: 'plain', toLocationId: 'plain', quantity: 'plain', reason: 'personal' });

const MAX_STOCK = 1_000_000_000;

/**
 * Stock and who holds it. Every change locks the variants it concerns first, in the order of their ids, so that no two wait for each
 * other; CHECK constraints keep 0 <= reserved <= stock behind it all, and the ledger's sum is the stock. Orders hold of a variant wherever it
 * lies; from which location it is taken is decided when it is sold, with the variant locked, and a trigger moves the level with each entry.
 */
@Injectable()
export class StockService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly locations: LocationsService,
    cache: Cache,
  ) {
    cache.limit('variant', (ids, sinceMs) => untilNextLapse(prisma, ids, sinceMs));
  }

  async adjust(actor: Actor, variantId: string, adjustment: AdjustStockDto, db: Db = this.prisma): Promise<Movement> {
    const { delta, reason, reference = null } = adjustment;
    return transaction(db, async (tx) => {
      let variant = await lockVariant(variantId, tx);
      if (variant !== undefined && variant.stock + delta < variant.reserved) {
        await this.releaseExpired([variantId], tx);
        variant = await lockVariant(variantId, tx);
      }
      if (variant === undefined) throw variantNotFound('No variant has this id.');
      const location = await this.locations.open(adjustment.locationId, '/locationId', tx);
      const stock = variant.stock + delta;
      const loose = variant.stock - variant.reserved;
      if (stock > MAX_STOCK) throw stockTooHigh(`There are ${variant.stock}; at most ${MAX_STOCK - variant.stock} can come in.`);
      if (delta < 0) await this.refuseTooMany(variantId, location, -delta, tx);
      if (delta < 0 && loose + delta < 0 && variant.backorder === 'none')
        throw stockTooLow(`There are ${variant.stock}, of which pending orders hold ${variant.reserved}; at most ${loose} can go.`);
      await tx.variant.update({ where: { id: variantId }, data: { stock } });
      outdate(tx, [variantId]);
      const [before, after] = [{ stock: variant.stock }, { stock, reason }];
      await record(tx, { actor, action: 'variants.stock-adjusted', resource: auditedVariant(variantId), before, after });
      await publish(tx, stockAdjusted, { variantId, delta, stock }, { actor, resource: { type: 'variant', id: variantId } });
      const data = { variantId, locationId: location.id, delta, balance: stock, reason, reference, actorId: actor.id };
      return tx.stockMovement.create({ data });
    });
  }

  /** Two entries, or none; there are as many as before. */
  async transfer(actor: Actor, variantId: string, transfer: TransferStockDto, db: Db = this.prisma): Promise<Transfer> {
    const { fromLocationId, toLocationId, quantity, reason } = transfer;
    return transaction(db, async (tx) => {
      const variant = await lockVariant(variantId, tx);
      if (variant === undefined) throw variantNotFound('No variant has this id.');
      if (fromLocationId === toLocationId) throw sameLocation();
      const open = {
        from: () => this.locations.open(fromLocationId, '/fromLocationId', tx),
        to: () => this.locations.open(toLocationId, '/toLocationId', tx),
      };
      // Locked in the order of their ids, as everybody does.
      if (toLocationId < fromLocationId) await open.to();
      await this.refuseTooMany(variantId, await open.from(), quantity, tx);
      await open.to();
      const [id, createdAt] = [randomUUIDv7(), new Date()];
      const entry = { variantId, balance: variant.stock, reason, reference: id, actorId: actor.id, createdAt };
      await tx.stockMovement.create({ data: { ...entry, locationId: fromLocationId, delta: -quantity } });
      await tx.stockMovement.create({ data: { ...entry, locationId: toLocationId, delta: quantity } });
      const facts = { fromLocationId, toLocationId, quantity };
      await record(tx, { actor, action: 'variants.stock-transferred', resource: auditedTransfer(variantId), after: { ...facts, reason } });
      await publish(tx, stockTransferred, { variantId, ...facts }, { actor, resource: { type: 'variant', id: variantId } });
      return { id, variantId, ...transfer, createdAt };
    });
  }

  /** How many there are of a variant, and where. */
  async levels(_actor: Actor, variantId: string): Promise<Stock> {
    const stock = await findStock(variantId, this.prisma);
    if (stock === undefined) throw variantNotFound('No variant has this id.');
    return stock;
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

  /**
   * What is asked for, if it is on sale, in the currency if one is named, with what can be ordered of it now.
   * @throws products/variant-not-found naming each line that is not
   */
  async forSale(wanted: readonly Wanted[], currency: string | null = null, db: Db = this.prisma): Promise<Map<string, ForSale>> {
    const variants = await this.onSale(
      wanted.map(({ variantId }) => variantId),
      currency,
      db,
    );
    const detail = currency === null ? 'is not on sale' : `is not on sale in ${currency}`;
    const missing = wanted.flatMap(({ variantId }, index) =>
      variants.has(variantId) ? [] : [{ pointer: `/items/${index}/variantId`, code: variantNotFound.code, detail }],
    );
    if (missing.length > 0) throw variantNotFound('Some of what was asked for is not on sale; see errors.', { fields: missing });
    return variants;
  }

  /** Those of these variants that are on sale, in the currency if one is named, with what can be ordered of each now. */
  async onSale(variantIds: readonly string[], currency: string | null = null, db: Db = this.prisma): Promise<Map<string, ForSale>> {
    const ids = [...new Set(variantIds)];
    const wanted = currency ?? undefined;
    const found = await rows<ForSale>(
      db,
      Prisma.sql`
      SELECT v.id, v.sku, p.name || CASE WHEN v.name = p.name THEN '' ELSE ', ' || v.name END AS name,
        ${priceIn(wanted)} AS "priceAmount", ${currencyIn(wanted)} AS currency, p.tax_class AS "taxClass", v.backorder, ${AVAILABLE} AS available
      FROM variants v JOIN products p ON p.id = v.product_id
      WHERE v.id = ANY (${listed(ids, 'uuid')}) AND v.withdrawn_at IS NULL AND p.withdrawn_at IS NULL AND p.status = 'active' AND ${isSoldIn(wanted)}`,
    );
    return new Map(found.map((row) => [row.id, row]));
  }

  /** Refuses what is sold out as far as a look without a lock can tell, so that nobody queues for it. @throws products/out-of-stock */
  refuseSoldOut(wanted: readonly Wanted[], variants: ReadonlyMap<string, ForSale>): void {
    const short = [...together(wanted)].filter(([id, quantity]) => {
      const { available, backorder } = variants.get(id)!;
      return available < quantity && backorder === 'none';
    });
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
    if (missing.size > 0) throw refuseShort(wanted, await this.forSale(wanted, null, db), missing);
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
    await this.enter(await sellStock(orderId, db), orderId, 'sold', db);
  }

  /** Puts what an order had bought back into the stock: all that is still out, or so many of each variant. */
  async restock(actor: AuditActor, orderId: string, reason: string, db: Tx, only?: ReadonlyMap<string, number>): Promise<void> {
    const entries = await restoreStock(orderId, only, db);
    outdate(
      db,
      entries.map(({ variantId }) => variantId),
    );
    await this.enter(entries, orderId, reason, db);
    for (const { variantId, delta, balance: stock } of entries)
      await publish(db, stockReturned, { variantId, orderId, delta, stock }, { actor, resource: { type: 'variant', id: variantId } });
  }

  private async enter(entries: readonly Entry[], orderId: string, reason: string, db: Tx): Promise<void> {
    await db.stockMovement.createMany({ data: entries.map((entry) => ({ ...entry, reason, orderId })) });
  }

  /** With the variant locked. @throws products/stock-too-low when fewer lie in the location */
  private async refuseTooMany(
    variantId: string,
    { id: locationId, code }: { id: string; code: string },
    quantity: number,
    db: Tx,
  ): Promise<void> {
    const level = await db.stockLevel.findUnique({ where: { variantId_locationId: { variantId, locationId } } });
    const there = Math.max(level?.quantity ?? 0, 0);
    if (there < quantity) throw stockTooLow(`Only ${there} lie in ${code}; take so many or fewer from there.`);
  }

  /** Holds of each what there is enough of; returns what there was not. */
  private async take(orderId: string, needed: ReadonlyMap<string, number>, expiresAt: Date, db: Tx): Promise<Map<string, number>> {
    const missing = new Map(needed);
    for (const id of await takeStock(orderId, needed, expiresAt, db)) missing.delete(id);
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

function sameLocation(): Error {
  return unknownLocation('Goods are brought from one location to another.', {
    fields: [{ pointer: '/toLocationId', code: unknownLocation.code, detail: 'is the location where they come from' }],
  });
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
      ? [{ pointer: `/items/${index}/quantity`, code: outOfStock.code, detail: `only ${Math.max(available, 0)} of ${sku} are left` }]
      : [];
  });
  return outOfStock('There is not enough in stock; see errors for what is left of each line.', { fields });
}
