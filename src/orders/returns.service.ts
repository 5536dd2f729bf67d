import { Injectable } from '@nestjs/common';
import { type AuditActor, SYSTEM } from '#audit';
import { PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { type Crossing, money } from '#http';
import { Handles } from '#jobs';
import type { Actor } from '#security';
import type { IncomingEvent } from '../payments/inbox.service.js';
import type { RefundOutcome } from '../payments/payments.rules.js';
import { type Refund, RefundsService, sendRefund, type SendRefundPayload } from '../payments/refunds.service.js';
import { InvoicesService } from './invoices.service.js';
import { orderNotRefundable, orderNotReturnable, refundMismatch } from './orders.errors.js';
import { orderRefunded } from './orders.events.js';
import { lockOrder, type Order } from './orders.queries.js';
import { isSold, mayBecome } from './orders.rules.js';
import { aboutOrder, OrdersService } from './orders.service.js';
import type { RefundDto } from './returns.dto.js';
import { linesOf, paidFor, restOf, type Returned, returnedSoFar } from './returns.rules.js';

/** What a refund comes to. */
interface Due {
  amount: bigint;
  lines: Returned[];
}

/** Money and goods that come back. An order whose money is all back is `refunded`. */
@Injectable()
export class ReturnsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly orders: OrdersService,
    private readonly refunds: RefundsService,
    private readonly invoices: InvoicesService,
  ) {}

  /** The steps of refunding: they cross to the payment provider, so each may be repeated after a crash. */
  refund<Body>(
    actor: Actor,
    id: string,
    wish: RefundDto,
    shape: (refund: Refund, variants: string[]) => Body,
  ): Crossing<RefundOutcome, Body> {
    return {
      begin: async (db) => {
        const order = await this.orders.lock(actor, id, db);
        // Refunded it stays, also where a bank refuses the money days later: then it is to be sent again.
        const payment = isSold(order.status) ? await this.refunds.refundable(id, db) : null;
        const left = payment === null ? 0n : payment.amount - payment.refunded;
        if (payment === null || (order.status === 'refunded' && left === 0n))
          throw orderNotRefundable(`The order is ${order.status}; only what was paid, and is not cancelled, can be refunded.`);
        const { amount, lines } = dueOf(wish, order, left, await this.refunds.ofOrder(id, db));
        const { reason, restock = false } = wish;
        const paymentId = payment.id;
        return (await this.refunds.create(actor, order.userId, { paymentId, amount, reason, restock, lines, sentByCaller: true }, db)).id;
      },
      call: async (refundId) => this.refunds.send(await this.refunds.get(refundId)),
      finish: async (db, refundId, outcome) => {
        const refund = await this.settle(actor, await this.refunds.get(refundId, db), outcome, db);
        return shape(refund, variantsOf((await lockOrder(id, db))!));
      },
    };
  }

  /** The refunds of an order, the newest first, with the variants of its lines. */
  async list(actor: Actor, id: string): Promise<{ refunds: Refund[]; variants: string[] }> {
    const order = await this.orders.get(actor, id);
    return { refunds: await this.refunds.ofOrder(id), variants: variantsOf(order) };
  }

  @Handles(sendRefund)
  async send({ refundId }: SendRefundPayload): Promise<void> {
    const refund = await this.refunds.get(refundId);
    if (refund.status === 'pending') await this.ask(refund);
  }

  /** Has the provider pay back, or say what became of it. */
  async ask(refund: Refund): Promise<void> {
    const outcome = await this.refunds.send(refund);
    await transaction(this.prisma, (db) => this.settle(SYSTEM, refund, outcome, db));
  }

  /** Refunds that nobody is at any more. */
  async forgotten(): Promise<Refund[]> {
    return this.refunds.forgotten();
  }

  /** Looks how a refund stands that a provider has spoken of; whether it is of a payment of ours. Somebody may have made it over there. */
  async hear(event: IncomingEvent, then: (db: Tx) => Promise<void>): Promise<boolean> {
    const named = await this.refunds.named(event);
    if (named === null) return false;
    await transaction(this.prisma, async (db) => {
      const { userId } = (await lockOrder(named.payment.orderId, db))!;
      const refund = await this.refunds.known(named.refund, named.payment, userId, db);
      if (refund !== null) await this.settle(SYSTEM, refund, named.refund, db);
      await then(db);
    });
    return true;
  }

  /** Writes down what the provider said. What has succeeded may still fail: a bank may refuse it days later. */
  private async settle(actor: AuditActor, { id, payment: { orderId } }: Refund, outcome: RefundOutcome, db: Tx): Promise<Refund> {
    const order = (await lockOrder(orderId, db))!;
    const before = await this.refunds.get(id, db);
    if (before.status === 'failed' || before.status === outcome.status || (before.status === 'succeeded' && outcome.status === 'pending'))
      return before.status === 'pending' ? this.refunds.settle(actor, order.userId, before, outcome, db) : before;
    const refund = await this.refunds.settle(actor, order.userId, before, outcome, db);
    if (before.status === 'succeeded') await this.invoices.debit(refund, db);
    if (refund.status !== 'succeeded') return refund;
    if (refund.restock) await this.orders.restock(actor, order, refund.lines, db);
    if (refund.payment.late) return refund; // it was never the order's
    const own = mayBecome(order.status, 'refunded');
    if (own && (await this.refunds.isWhole(refund.paymentId, db))) {
      await this.orders.change(actor, 'refunded', order, { status: 'refunded' }, db);
      const { number, total, currency } = order;
      await publish(db, orderRefunded, { orderId, number, total: money(total, currency) }, aboutOrder(actor, order));
    } else if (own) {
      await this.orders.advance(actor, order, returnedSoFar(await this.refunds.ofOrder(orderId, db)), db);
    }
    await this.invoices.credit(refund, db);
    return refund;
  }
}

/** @throws orders/refund-mismatch, orders/not-returnable */
function dueOf({ amount, items, restock }: RefundDto, order: Order, left: bigint, refunds: readonly Refund[]): Due {
  const before = returnedSoFar(refunds);
  if (amount && amount.currency !== order.currency)
    throw mismatch('/amount/currency', `must be ${order.currency}, in which the order was paid`);
  if (items) {
    const { lines: returned, problems } = linesOf(items, order.lines, before);
    if (problems.length > 0)
      throw orderNotReturnable('Some of what is to be returned was not bought, or has come back; see errors.', { fields: problems });
    return { amount: amount ? BigInt(amount.amount) : paidFor(returned, order, before), lines: returned };
  }
  if (!amount) return { amount: left, lines: restOf(order.lines, before) };
  if (restock) throw mismatch('/restock', 'needs items: an amount alone does not say what comes back');
  return { amount: BigInt(amount.amount), lines: [] };
}

function mismatch(pointer: string, detail: string): Error {
  return refundMismatch('The refund does not go with the order; see errors.', { fields: [{ pointer, code: refundMismatch.code, detail }] });
}

function variantsOf(order: Order): string[] {
  return order.lines.map(({ variantId }) => variantId);
}
