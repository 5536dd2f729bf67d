import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type AuditActor, record } from '#audit';
import { Env } from '#config';
import { type Db, isUniqueViolation, Prisma, PrismaService, transaction, type Tx } from '#database';
import { type Circumstances, publish } from '#events';
import { keyset, money, type Page, parseSort, readCursor, toPage } from '#http';
import { type Actor, forbidden } from '#security';
import { type ForSale, StockService } from '../products/stock.service.js';
import type { ListOrdersQuery, OrderItemDto, PlaceOrderDto } from './orders.dto.js';
import { mixedCurrencies, orderExternalIdTaken, orderNotFound, orderTooLarge } from './orders.errors.js';
import { orderPlaced } from './orders.events.js';
import { auditedOrder, insertOrder, lockOrder, type Order, type OrderLine, withLines } from './orders.queries.js';
import { MAX_TOTAL, type OrderStatus, type Totals, totalsOf } from './orders.rules.js';

export type { Order } from './orders.queries.js';

/** What an order would come to; nothing of it is kept. */
export interface Quote extends Totals {
  currency: string;
  lines: OrderLine[];
}

/** Buying: an order holds its stock from the moment it is placed until it is paid, cancelled or out of time. */
@Injectable()
export class OrdersService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly stock: StockService,
  ) {}

  async quote(_actor: Actor, { items }: PlaceOrderDto): Promise<Quote> {
    return priced(items, await this.stock.forSale(items));
  }

  async place(
    actor: Actor,
    { items, shippingAddress, billingAddress, externalId, metadata }: PlaceOrderDto,
    db: Db = this.prisma,
  ): Promise<Order> {
    return transaction(db, async (tx) => {
      const id = randomUUIDv7();
      const createdAt = new Date();
      const expiresAt = this.expiryOf(createdAt);
      const variants = await this.stock.forSale(items, tx);
      this.stock.refuseSoldOut(items, variants);
      const order = await insertOrder(tx, {
        ...priced(items, variants),
        id,
        userId: actor.id,
        createdAt,
        expiresAt,
        shippingAddress: shippingAddress ?? null,
        billingAddress: billingAddress ?? null,
        externalId: externalId ?? null,
        metadata: metadata ?? {},
      }).catch((error: unknown) => {
        if (isUniqueViolation(error, 'external_id')) throw orderExternalIdTaken('Another order has this externalId.');
        throw error;
      });
      await record(tx, { actor, action: 'orders.placed', resource: auditedOrder(id), subject: actor.id, after: order });
      const { number, total, currency } = order;
      const facts = { orderId: id, number, total: money(total, currency), expiresAt: expiresAt.toISOString() };
      await publish(tx, orderPlaced, facts, aboutOrder(actor, order));
      await this.stock.reserve(id, items, expiresAt, tx);
      return order;
    });
  }

  async list(actor: Actor, query: ListOrdersQuery): Promise<Page<Order>> {
    const staff = actor.can('orders:read');
    if (!staff && (query.customer !== undefined || query.q !== undefined))
      throw forbidden('Filtering by customer and q is for staff; you see your own orders.');
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const filters: Prisma.OrderWhereInput[] = [staff ? {} : { userId: actor.id }];
    if (query.status !== undefined) filters.push(withStatus(query.status));
    if (query.customer !== undefined) filters.push({ userId: query.customer });
    if (query.from !== undefined) filters.push({ createdAt: { gte: new Date(query.from) } });
    if (query.to !== undefined) filters.push({ createdAt: { lt: new Date(query.to) } });
    if (query.q !== undefined)
      filters.push({ OR: [{ externalId: query.q }, ...(/^\d{1,9}$/.test(query.q) ? [{ number: Number(query.q) }] : [])] });
    const rows = await this.prisma.order.findMany({ where: { AND: [where, ...filters] }, orderBy, take: query.limit + 1, ...withLines });
    return toPage(
      rows,
      query,
      (order) => order.createdAt,
      (order) => order,
    );
  }

  async get(actor: Actor, id: string, db: Db = this.prisma): Promise<Order> {
    const order = await db.order.findFirst({ where: { id, ...(actor.can('orders:read') ? {} : { userId: actor.id }) }, ...withLines });
    if (order !== null) return order;
    throw orderNotFound('You have no order with this id.', { concealed: (await db.order.count({ where: { id } })) > 0 });
  }

  /** When an order that was placed then runs out of time. */
  expiryOf(placedAt: Date): Date {
    return new Date(placedAt.getTime() + this.env.ORDERS_RESERVATION_SECONDS * 1_000);
  }

  /** The order as it is now, for somebody who may see it, kept so until the transaction ends. */
  async lock(actor: Actor, id: string, db: Tx): Promise<Order> {
    await lockOrder(id, db);
    return this.get(actor, id, db);
  }

  /** Writes down what became of an order that is locked. */
  async change(
    actor: AuditActor,
    what: 'payment-begun' | 'payment-waits' | 'payment-failed' | 'paid' | 'expired' | 'cancelled' | 'refunded',
    before: Order,
    data: { status?: OrderStatus; expiresAt?: Date | null },
    db: Tx,
  ): Promise<Order> {
    const after = await db.order.update({ where: { id: before.id }, data: { ...data, version: { increment: 1 } }, ...withLines });
    await record(db, { actor, action: `orders.${what}`, resource: auditedOrder(after.id), subject: after.userId, before, after });
    return after;
  }
}

/** What an order's events say of it. */
export function aboutOrder(actor: AuditActor, { id, userId }: { id: string; userId: string }): Circumstances {
  return { actor, resource: { type: 'order', id }, subject: userId };
}

function priced(items: readonly OrderItemDto[], variants: Map<string, ForSale>): Quote {
  const lines = items.map(({ variantId, quantity }) => {
    const { sku, name, priceAmount } = variants.get(variantId)!;
    return { variantId, sku, name, quantity, unitPrice: priceAmount, total: priceAmount * BigInt(quantity) };
  });
  const currencies = new Set(items.map(({ variantId }) => variants.get(variantId)!.currency));
  if (currencies.size > 1) throw mixedCurrencies('An order has one currency; order the others separately.');
  const totals = totalsOf(lines);
  if (totals.total > MAX_TOTAL) throw orderTooLarge('The total is more than can be charged at once; split the order.');
  return { ...totals, currency: [...currencies][0]!, lines };
}

/** The rows that `statusAt` gives this status. */
function withStatus(status: OrderStatus): Prisma.OrderWhereInput {
  const now = new Date();
  if (status === 'pending') return { status, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
  if (status === 'expired') return { OR: [{ status }, { status: 'pending', expiresAt: { lte: now } }] };
  return { status };
}
