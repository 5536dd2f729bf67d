import { Injectable } from '@nestjs/common';
import { type AuditActor, record } from '#audit';
import { deriveKeys, Env } from '#config';
import { type Db, Prisma, PrismaService, type Tx } from '#database';
import { type Circumstances, publish } from '#events';
import { keyset, type Money, money, type Page, parseSort, readCursor, toPage } from '#http';
import { type Actor, forbidden, Guest } from '#security';
import { StockService } from '../products/stock.service.js';
import { opens, tokenOf } from './guests.rules.js';
import type { ListOrdersQuery } from './orders.dto.js';
import { orderNotFound } from './orders.errors.js';
import { orderDelivered, orderPaid, orderShipped } from './orders.events.js';
import { auditedOrder, lockOrder, type Order, withLines } from './orders.queries.js';
import type { OrderStatus } from './orders.rules.js';
import type { Returned } from './returns.rules.js';
import { nextStatus, unsentOf } from './shipments.rules.js';

export type { Order } from './orders.queries.js';

/**
 * Orders, and what becomes of them: one holds its stock from the moment it is placed until it is paid, cancelled or out of time. It is seen by
 * whose it is, by staff, and, where it is a guest's, by whoever shows its token.
 */
@Injectable()
export class OrdersService {
  private readonly keys: Buffer[];

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly stock: StockService,
  ) {
    this.keys = deriveKeys(env, 'order-tokens');
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
      filters.push({
        OR: [
          { externalId: query.q },
          { guestEmail: query.q.toLowerCase() },
          ...(/^\d{1,9}$/.test(query.q) ? [{ number: Number(query.q) }] : []),
        ],
      });
    const rows = await this.prisma.order.findMany({ where: { AND: [where, ...filters] }, orderBy, take: query.limit + 1, ...withLines });
    return toPage(
      rows,
      query,
      (order) => order.createdAt,
      (order) => order,
    );
  }

  async get(caller: Actor | Guest, id: string, db: Db = this.prisma): Promise<Order> {
    const order = await db.order.findFirst({ where: { id, ...this.seenBy(caller, id) }, ...withLines });
    if (order !== null) return order;
    throw orderNotFound('You have no order with this id.', { concealed: (await db.order.count({ where: { id } })) > 0 });
  }

  /** What opens the order for its guest; null where it is a user's, or its guest is forgotten. */
  tokenFor({ id, guestEmail }: Pick<Order, 'id' | 'guestEmail'>): string | null {
    return guestEmail === null ? null : tokenOf(this.keys[0]!, id);
  }

  /** The guest whose order it is, and what opens it for them; null where it is none's (any more). */
  async guest(id: string, db: Tx): Promise<{ email: string; token: string } | null> {
    const order = await db.order.findUnique({ where: { id }, select: { id: true, guestEmail: true } });
    return order?.guestEmail ? { email: order.guestEmail, token: this.tokenFor(order)! } : null;
  }

  /** What was bought, for whoever hears of it by an event. */
  async bought(
    id: string,
    db: Tx,
  ): Promise<{ number: number; items: { variantId: string; name: string; quantity: number; total: Money }[]; shipping: Money }> {
    const { number, lines, shipping, currency } = await db.order.findUniqueOrThrow({ where: { id }, ...withLines });
    const items = lines.map(({ variantId, name, quantity, total }) => ({ variantId, name, quantity, total: money(total, currency) }));
    return { number, items, shipping: money(shipping, currency) };
  }

  /** When an order that was placed then runs out of time. */
  expiryOf(placedAt: Date): Date {
    return new Date(placedAt.getTime() + this.env.ORDERS_RESERVATION_SECONDS * 1_000);
  }

  /** The order as it is now, for somebody who may see it, kept so until the transaction ends. */
  async lock(caller: Actor | Guest, id: string, db: Tx): Promise<Order> {
    await lockOrder(id, db);
    return this.get(caller, id, db);
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
    await record(db, { actor, action: `orders.${what}`, resource: auditedOrder(after), subject: after.userId, before, after });
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
  async restock(actor: AuditActor, { id, lines }: Order, returned: readonly Returned[], db: Tx): Promise<void> {
    const back = new Map<string, number>();
    for (const { position, quantity } of returned) {
      const { variantId } = lines[position]!;
      back.set(variantId, (back.get(variantId) ?? 0) + quantity);
    }
    await this.stock.restock(actor, id, 'returned', db, back);
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

  private seenBy(caller: Actor | Guest, id: string): Prisma.OrderWhereInput {
    if (caller instanceof Guest) return opens(this.keys, caller.token, id) ? { guestEmail: { not: null } } : { id: { in: [] } };
    return caller.can('orders:read') ? {} : { userId: caller.id };
  }
}

/** Who is written down as having done what a guest does: nobody. */
export function auditorOf(caller: Actor | Guest): Actor | null {
  return caller instanceof Guest ? null : caller;
}

/** What an order's events say of it. */
export function aboutOrder(actor: AuditActor, { id, userId }: Pick<Order, 'id' | 'userId'>): Circumstances {
  return { actor, resource: { type: 'order', id }, subject: userId };
}

/** The rows that `statusAt` gives this status. */
export function withStatus(status: OrderStatus): Prisma.OrderWhereInput {
  const now = new Date();
  if (status === 'pending') return { status, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
  if (status === 'expired') return { OR: [{ status }, { status: 'pending', expiresAt: { lte: now } }] };
  return { status };
}
