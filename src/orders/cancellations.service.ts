import { Injectable } from '@nestjs/common';
import { type AuditActor, SYSTEM } from '#audit';
import { type Db, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { Actor, forbidden, type Guest } from '#security';
import { PaymentsService } from '../payments/payments.service.js';
import { StockService } from '../products/stock.service.js';
import { orderNotCancellable } from './orders.errors.js';
import { orderCancelled, orderHasExpired } from './orders.events.js';
import { lockOrder, type Order } from './orders.queries.js';
import { mayBecome, statusAt } from './orders.rules.js';
import { aboutOrder, auditorOf, OrdersService } from './orders.service.js';

/** Orders that come to nothing: out of time, or cancelled. Their stock goes back at once, their money by a job. */
@Injectable()
export class CancellationsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly orders: OrdersService,
    private readonly stock: StockService,
    private readonly payments: PaymentsService,
  ) {}

  /** Gives back what a pending order holds, or refunds a paid one and puts its stock back. */
  async cancel(caller: Actor | Guest, id: string, db: Db = this.prisma): Promise<Order> {
    const actor = auditorOf(caller);
    return transaction(db, async (tx) => {
      const order = await this.orders.lock(caller, id, tx);
      if (caller instanceof Actor && order.userId !== caller.id && !caller.can('orders:manage'))
        throw forbidden("Cancelling somebody else's order needs the permission orders:manage.");
      const status = statusAt(order, new Date());
      if (!mayBecome(status, 'cancelled'))
        throw orderNotCancellable(`The order is ${status}; only pending and paid orders can be cancelled.`);
      if (order.lines.some(({ shipped }) => shipped > 0))
        throw orderNotCancellable('Some of the order was sent; refund what is not, and what comes back.');
      if (status === 'paid') {
        await this.payments.refund(actor, order, 'the order was cancelled', tx);
        await this.stock.restock(actor, id, 'order cancelled', tx);
      } else {
        await this.letGo(actor, order, 'order_cancelled', tx);
      }
      await publish(tx, orderCancelled, { orderId: id, number: order.number, refunded: status === 'paid' }, aboutOrder(actor, order));
      return this.orders.change(actor, 'cancelled', order, { status: 'cancelled', expiresAt: null }, tx);
    });
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

  /** Writes down that an order has expired, and gives its stock back; false when it has not, or is written down already. */
  async expire(id: string, db: Db = this.prisma): Promise<boolean> {
    return transaction(db, async (tx) => {
      const order = await lockOrder(id, tx);
      if (order === null || order.status !== 'pending' || statusAt(order, new Date()) !== 'expired') return false;
      await this.letGo(SYSTEM, order, 'order_expired', tx);
      await this.orders.change(SYSTEM, 'expired', order, { status: 'expired' }, tx);
      await publish(tx, orderHasExpired, { orderId: id, number: order.number }, aboutOrder(SYSTEM, order));
      return true;
    });
  }

  /**
   * Gives a pending order's stock back. A payment that waits for its customer is given up; of one that the provider is at, the money goes back
   * when it comes.
   */
  private async letGo(actor: AuditActor, order: Order, why: string, db: Tx): Promise<void> {
    const payment = await this.payments.underWay(order.id, db);
    if (payment?.status === 'processing' && payment.providerRef === null)
      throw orderNotCancellable('A payment of this order is under way; try again when it has ended.', { retryAfterSeconds: 5 });
    if (payment?.status === 'requires_action') await this.payments.giveUp(actor, order, payment, why, db);
    await this.stock.release(order.id, db);
  }
}
