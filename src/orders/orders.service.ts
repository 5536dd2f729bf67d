import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type AuditActor, record } from '#audit';
import { Env } from '#config';
import { type Db, isUniqueViolation, Prisma, PrismaService, transaction, type Tx } from '#database';
import { type Circumstances, publish } from '#events';
import { keyset, type Money, money, type Page, parseSort, readCursor, toPage } from '#http';
import { type Actor, forbidden } from '#security';
import { StockService } from '../products/stock.service.js';
import type { ListOrdersQuery, PlaceOrderDto } from './orders.dto.js';
import { orderExternalIdTaken, orderNotFound } from './orders.errors.js';
import { orderDelivered, orderPaid, orderPlaced, orderShipped } from './orders.events.js';
import { auditedOrder, insertOrder, lockOrder, type Order, withLines } from './orders.queries.js';
import type { OrderStatus } from './orders.rules.js';
import { PricingService, type Quote } from './pricing.service.js';
import type { Returned } from './returns.rules.js';
import { nextStatus, unsentOf } from './shipments.rules.js';

export type { Order } from './orders.queries.js';

/** Buying: an order holds its stock from the moment it is placed until it is paid, cancelled or out of time. */
@Injectable()
export class OrdersService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly stock: StockService,
    private readonly pricing: PricingService,
  ) {}

  async quote(actor: Actor, order: PlaceOrderDto): Promise<Quote> {
    return this.pricing.price(actor, order, await this.stock.forSale(order.items), this.prisma);
  }

  async place(actor: Actor, wanted: PlaceOrderDto, db: Db = this.prisma): Promise<Order> {
    const { items, shippingAddress, billingAddress, externalId, metadata } = wanted;
    return transaction(db, async (tx) => {
      const id = randomUUIDv7();
      const createdAt = new Date();
      const expiresAt = this.expiryOf(createdAt);
      const variants = await this.stock.forSale(items, tx);
      this.stock.refuseSoldOut(items, variants);
      const { coupon, options: _, ...priced } = await this.pricing.price(actor, wanted, variants, tx);
      const order = await insertOrder(tx, {
        ...priced,
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
      // After the variants, as where an order ends: whoever waits for a coupon is waited for by nobody who holds it.
      if (coupon !== null) await this.pricing.redeem(actor, coupon, tx);
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

  /** What was bought, for whoever tells its customer. */
  async bought(
    id: string,
    db: Tx,
  ): Promise<{ number: number; items: { name: string; quantity: number; total: Money }[]; shipping: Money }> {
    const { number, lines, shipping, currency } = await db.order.findUniqueOrThrow({ where: { id }, ...withLines });
    const items = lines.map(({ name, quantity, total }) => ({ name, quantity, total: money(total, currency) }));
    return { number, items, shipping: money(shipping, currency) };
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
    what: 'payment-begun' | 'payment-waits' | 'payment-failed' | Exclude<OrderStatus, 'pending'>,
    before: Order,
    data: { status?: OrderStatus; expiresAt?: Date | null },
    db: Tx,
  ): Promise<Order> {
    const after = await db.order.update({ where: { id: before.id }, data: { ...data, version: { increment: 1 } }, ...withLines });
    await record(db, { actor, action: `orders.${what}`, resource: auditedOrder(after.id), subject: after.userId, before, after });
    return after;
  }

  /** Keeps an order's stock until then (null: for as long as a payment is under way); whether all of it was still there. */
  async hold(order: Order, until: Date | null, db: Tx): Promise<boolean> {
    const held = await this.stock.hold(order.id, until, db);
    return held === new Set(order.lines.map(({ variantId }) => variantId)).size;
  }

  /** An order whose stock is held has its money: the stock is sold. With the order locked. */
  async sell(actor: AuditActor, order: Order, paymentId: string, db: Tx): Promise<void> {
    await this.stock.sell(order.id, db);
    await this.change(actor, 'paid', order, { status: 'paid', expiresAt: null }, db);
    const { id: orderId, number, total, currency } = order;
    await publish(db, orderPaid, { orderId, number, total: money(total, currency), paymentId }, aboutOrder(actor, order));
  }

  /** Puts back into the stock what came back of an order. */
  async restock({ id, lines }: Order, returned: readonly Returned[], db: Tx): Promise<void> {
    const back = new Map<string, number>();
    for (const { position, quantity } of returned) {
      const { variantId } = lines[position]!;
      back.set(variantId, (back.get(variantId) ?? 0) + quantity);
    }
    await this.stock.restock(id, 'returned', db, back);
  }

  /**
   * Takes a paid order on: to `shipped` once all is sent that has not come back (`returned`, by line), and to `delivered` once all of that has
   * arrived. With the order locked, and as it was read then.
   */
  async advance(actor: AuditActor, before: Order, returned: ReadonlyMap<number, number>, db: Tx): Promise<void> {
    const unsent = [...unsentOf(before.lines, returned).values()].reduce((sum, quantity) => sum + quantity, 0);
    const sent = before.lines.reduce((sum, { shipped }) => sum + shipped, 0);
    const underWay = await db.shipment.count({ where: { orderId: before.id, deliveredAt: null } });
    let order = before;
    for (let next; (next = nextStatus(order.status, { unsent, sent, underWay })) !== null;) {
      order = await this.change(actor, next, order, { status: next }, db);
      const happened = next === 'shipped' ? orderShipped : orderDelivered;
      await publish(db, happened, { orderId: order.id, number: order.number }, aboutOrder(actor, order));
    }
  }
}

/** What an order's events say of it. */
export function aboutOrder(actor: AuditActor, { id, userId }: { id: string; userId: string }): Circumstances {
  return { actor, resource: { type: 'order', id }, subject: userId };
}

/** The rows that `statusAt` gives this status. */
export function withStatus(status: OrderStatus): Prisma.OrderWhereInput {
  const now = new Date();
  if (status === 'pending') return { status, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
  if (status === 'expired') return { OR: [{ status }, { status: 'pending', expiresAt: { lte: now } }] };
  return { status };
}
