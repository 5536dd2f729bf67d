import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type AuditActor, record, SYSTEM } from '#audit';
import { Env } from '#config';
import { type Db, isUniqueViolation, Prisma, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { type Crossing, keyset, money, type Page, parseSort, readCursor, toPage } from '#http';
import { type Actor, forbidden } from '#security';
import type { ChargeOutcome } from '../payments/payments.rules.js';
import { type Payment, PaymentsService } from '../payments/payments.service.js';
import { StockService } from '../products/stock.service.js';
import type { ListOrdersQuery, PlaceOrderDto } from './orders.dto.js';
import { orderExpired, orderExternalIdTaken, orderNotCancellable, orderNotFound, orderNotPayable } from './orders.errors.js';
import { orderCancelled, orderHasExpired, orderPaid, orderPlaced } from './orders.events.js';
import { auditedOrder, insertOrder, type Order, withLines } from './orders.queries.js';
import { mayBecome, type OrderStatus, statusAt } from './orders.rules.js';
import { PricingService, type Quote } from './pricing.service.js';

export type { Order } from './orders.queries.js';

/** Buying: an order holds its stock from the moment it is placed until it is paid, cancelled or out of time, and is charged once. */
@Injectable()
export class OrdersService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly stock: StockService,
    private readonly pricing: PricingService,
    private readonly payments: PaymentsService,
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
      await publish(tx, orderPlaced, facts, about(actor, order));
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

  /** The steps of paying an order: they cross to the payment provider, so each may be repeated after a crash. */
  payment<Body>(actor: Actor, id: string, method: string, shape: (payment: Payment) => Body): Crossing<ChargeOutcome, Body> {
    return {
      begin: async (db) => {
        const order = await this.lock(actor, id, db);
        if (order.userId !== actor.id) throw forbidden('Only its customer can pay an order.');
        const status = statusAt(order, new Date());
        if (status === 'expired') throw orderExpired('The order was not paid in time; place a new one.');
        if (status !== 'pending') throw orderNotPayable(`The order is ${status}; only a pending one can be paid.`);
        const paymentId = await this.payments.begin(actor, order, method, db);
        const held = await this.stock.hold(id, null, db);
        if (held < new Set(order.lines.map(({ variantId }) => variantId)).size)
          throw orderExpired('The order was not paid in time, and its stock is gone; place a new one.');
        await this.change(actor, 'payment-begun', order, { expiresAt: null }, db);
        return paymentId;
      },
      call: (paymentId) => this.payments.charge(paymentId),
      finish: async (db, paymentId, outcome) => shape(await this.settle(actor, id, paymentId, outcome, db)),
    };
  }

  /** Ends a payment whose process died before it could: the provider says what became of it. */
  async finish({ id, orderId }: Payment): Promise<void> {
    const outcome = await this.payments.charge(id);
    await transaction(this.prisma, (db) => this.settle(SYSTEM, orderId, id, outcome, db));
  }

  /** Orders that ran out of time and whose rows do not say so yet, the oldest first. */
  async overdue(): Promise<{ id: string }[]> {
    return this.prisma.order.findMany({
      where: { status: 'pending', expiresAt: { lte: new Date() } },
      select: { id: true },
      orderBy: { expiresAt: 'asc' },
      take: 100,
    });
  }

  /** Writes down that an order has expired, and gives its stock back. */
  async expire(id: string): Promise<void> {
    await transaction(this.prisma, async (db) => {
      const order = await lockOrder(id, db);
      if (order === null || order.status !== 'pending' || statusAt(order, new Date()) !== 'expired') return;
      await this.stock.release(id, db);
      await this.change(SYSTEM, 'expired', order, { status: 'expired' }, db);
      await publish(db, orderHasExpired, { orderId: id, number: order.number }, about(SYSTEM, order));
    });
  }

  /** Gives back what a pending order holds, or refunds a paid one and puts its stock back. */
  async cancel(actor: Actor, id: string, db: Db = this.prisma): Promise<Order> {
    return transaction(db, async (tx) => {
      const order = await this.lock(actor, id, tx);
      if (order.userId !== actor.id && !actor.can('orders:manage'))
        throw forbidden("Cancelling somebody else's order needs the permission orders:manage.");
      const status = statusAt(order, new Date());
      if (!mayBecome(status, 'cancelled'))
        throw orderNotCancellable(`The order is ${status}; only pending and paid orders can be cancelled.`);
      if (status === 'pending' && order.expiresAt === null)
        throw orderNotCancellable('A payment of this order is under way; try again when it has ended.', { retryAfterSeconds: 5 });
      if (status === 'paid') {
        await this.payments.refund(actor, order, 'the order was cancelled', tx);
        await this.stock.restock(id, 'order cancelled', tx);
      } else {
        await this.stock.release(id, tx);
      }
      await publish(tx, orderCancelled, { orderId: id, number: order.number, refunded: status === 'paid' }, about(actor, order));
      return this.change(actor, 'cancelled', order, { status: 'cancelled', expiresAt: null }, tx);
    });
  }

  private async settle(actor: AuditActor, orderId: string, paymentId: string, outcome: ChargeOutcome, db: Tx): Promise<Payment> {
    const order = (await lockOrder(orderId, db))!;
    const before = await this.payments.get(paymentId, db);
    if (before.status !== 'processing') return before; // another process took the payment up and has settled it
    const payment = await this.payments.settle(actor, order, before, outcome, db);
    if (outcome.status === 'succeeded') {
      await this.stock.sell(orderId, db);
      await this.change(actor, 'paid', order, { status: 'paid' }, db);
      const { number, total, currency } = order;
      await publish(db, orderPaid, { orderId, number, total: money(total, currency), paymentId }, about(actor, order));
    } else {
      // The time it had before: a payment that fails does not prolong the reservation.
      const expiresAt = this.expiryOf(order.createdAt);
      await this.stock.hold(orderId, expiresAt, db);
      await this.change(actor, 'payment-failed', order, { expiresAt }, db);
    }
    return payment;
  }

  private expiryOf(placedAt: Date): Date {
    return new Date(placedAt.getTime() + this.env.ORDERS_RESERVATION_SECONDS * 1_000);
  }

  /** The order as it is now, for somebody who may see it, kept so until the transaction ends. */
  private async lock(actor: Actor, id: string, db: Tx): Promise<Order> {
    await lockOrder(id, db);
    return this.get(actor, id, db);
  }

  private async change(
    actor: AuditActor,
    what: 'payment-begun' | 'payment-failed' | 'paid' | 'expired' | 'cancelled',
    before: Order,
    data: { status?: OrderStatus; expiresAt?: Date | null },
    db: Tx,
  ): Promise<Order> {
    const after = await db.order.update({ where: { id: before.id }, data: { ...data, version: { increment: 1 } }, ...withLines });
    await record(db, { actor, action: `orders.${what}`, resource: auditedOrder(after.id), subject: after.userId, before, after });
    return after;
  }
}

async function lockOrder(id: string, db: Tx): Promise<Order | null> {
  await db.$queryRaw`SELECT id FROM orders WHERE id = ${id}::uuid FOR UPDATE`;
  return db.order.findUnique({ where: { id }, ...withLines });
}

function about(actor: AuditActor, { id, userId }: { id: string; userId: string }) {
  return { actor, resource: { type: 'order', id }, subject: userId };
}

/** The rows that `statusAt` gives this status. */
function withStatus(status: OrderStatus): Prisma.OrderWhereInput {
  const now = new Date();
  if (status === 'pending') return { status, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
  if (status === 'expired') return { OR: [{ status }, { status: 'pending', expiresAt: { lte: now } }] };
  return { status };
}
