import { Injectable } from '@nestjs/common';
import { type AuditActor, SYSTEM } from '#audit';
import { PrismaService, transaction, type Tx } from '#database';
import type { Crossing } from '#http';
import { Handles } from '#jobs';
import { Actor, forbidden, type Guest } from '#security';
import type { IncomingEvent } from '../payments/inbox.service.js';
import type { ChargeOutcome } from '../payments/payments.rules.js';
import { askForPayment, cancelPayment, type Payment, type PaymentJobPayload, PaymentsService } from '../payments/payments.service.js';
import { InvoicesService } from './invoices.service.js';
import { orderExpired, orderNotPayable } from './orders.errors.js';
import { lockOrder, type Order } from './orders.queries.js';
import { statusAt } from './orders.rules.js';
import { auditorOf, OrdersService } from './orders.service.js';

/**
 * Paying: an order is charged once, whoever says so first, the provider's answer, its webhook, or its books when they are asked. Money that
 * an order cannot take any more goes back by itself.
 */
@Injectable()
export class ChargesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly orders: OrdersService,
    private readonly payments: PaymentsService,
    private readonly invoices: InvoicesService,
  ) {}

  /** The steps of paying an order: they cross to the payment provider, so each may be repeated after a crash. */
  payment<Body>(
    caller: Actor | Guest,
    id: string,
    method: string,
    shape: (payment: Payment, clientSecret?: string | null) => Body,
  ): Crossing<ChargeOutcome, Body> {
    const actor = auditorOf(caller);
    return {
      begin: async (db) => {
        const order = await this.orders.lock(caller, id, db);
        if (caller instanceof Actor && order.userId !== caller.id) throw forbidden('Only its customer can pay an order.');
        const status = statusAt(order, new Date());
        if (status === 'expired') throw orderExpired('The order was not paid in time; place a new one.');
        if (status !== 'pending') throw orderNotPayable(`The order is ${status}; only a pending one can be paid.`);
        const paymentId = await this.payments.begin(actor, order, method, db);
        if (!(await this.orders.hold(order, null, db)))
          throw orderExpired('The order was not paid in time, and its stock is gone; place a new one.');
        await this.orders.change(actor, 'payment-begun', order, { expiresAt: null }, db);
        return paymentId;
      },
      call: (paymentId) => this.payments.charge(paymentId),
      finish: async (db, paymentId, outcome) =>
        shape(await this.settle(actor, await this.payments.get(paymentId, db), outcome, db), outcome.clientSecret),
    };
  }

  /** The payments of an order, the newest first. */
  async list(caller: Actor | Guest, id: string): Promise<Payment[]> {
    await this.orders.get(caller, id);
    return this.payments.ofOrder(id);
  }

  /** Payments that nobody has finished for a while. */
  async abandoned(): Promise<Payment[]> {
    return this.payments.abandoned();
  }

  /** Has the provider say what became of a payment. */
  async ask(payment: Payment): Promise<void> {
    const outcome = await this.payments.charge(payment.id);
    await transaction(this.prisma, (db) => this.settle(SYSTEM, payment, outcome, db));
  }

  /** Looks how a payment stands that a provider has spoken of; whether it is one of ours. */
  async hear(event: IncomingEvent, then: (db: Tx) => Promise<void>): Promise<boolean> {
    const payment = await this.payments.about(event);
    if (payment === null) return false;
    const outcome = await this.payments.charge(payment.id, event.ref);
    await transaction(this.prisma, async (db) => {
      await this.settle(SYSTEM, payment, outcome, db);
      await then(db);
    });
    return true;
  }

  @Handles(askForPayment)
  async askAgain({ paymentId }: PaymentJobPayload): Promise<void> {
    const payment = await this.payments.get(paymentId);
    if (payment.status === 'processing' || payment.status === 'requires_action') await this.ask(payment);
  }

  @Handles(cancelPayment)
  async cancel({ paymentId }: PaymentJobPayload): Promise<void> {
    const outcome = await this.payments.cancel(paymentId);
    await transaction(this.prisma, async (db) => this.settle(SYSTEM, await this.payments.get(paymentId, db), outcome, db));
  }

  /** Writes down what the provider said, unless something later is known; what it means for the order follows in the same transaction. */
  private async settle(actor: AuditActor, { id, orderId }: Payment, outcome: ChargeOutcome, db: Tx): Promise<Payment> {
    const order = (await lockOrder(orderId, db))!;
    const before = await this.payments.get(id, db);
    switch (outcome.status) {
      case 'succeeded':
        return before.status === 'succeeded' ? before : this.succeed(actor, order, before, outcome, db);
      case 'failed':
        return isUnderWay(before) ? this.fail(actor, order, before, outcome, db) : before;
      case 'requires_action':
      case 'processing':
        return isUnderWay(before) ? this.wait(actor, order, before, outcome, db) : before;
    }
  }

  private async succeed(actor: AuditActor, order: Order, before: Payment, outcome: ChargeOutcome, db: Tx): Promise<Payment> {
    const late = !(await this.takes(order, before, db));
    const payment = await this.payments.settle(actor, order, before, { outcome, late }, db);
    if (late) return payment;
    await this.orders.sell(actor, order, payment.id, db);
    await this.invoices.issue(order, db);
    return payment;
  }

  /** Whether an order can still take this money: it is pending, nothing else pays it, and it has its stock. */
  private async takes(order: Order, payment: Payment, db: Tx): Promise<boolean> {
    if (statusAt(order, new Date()) !== 'pending') return false;
    const other = await this.payments.underWay(order.id, db);
    if (other !== null && other.id !== payment.id) return false;
    return this.orders.hold(order, null, db);
  }

  private async fail(actor: AuditActor, order: Order, before: Payment, outcome: ChargeOutcome, db: Tx): Promise<Payment> {
    const payment = await this.payments.settle(actor, order, before, { outcome }, db);
    if (order.status === 'pending') await this.giveTimeBack(actor, 'payment-failed', order, db);
    return payment;
  }

  /** While the provider is at it, the order keeps its stock; while the customer is, for the time it had. */
  private async wait(actor: AuditActor, order: Order, before: Payment, outcome: ChargeOutcome, db: Tx): Promise<Payment> {
    const payment = await this.payments.settle(actor, order, before, { outcome }, db);
    if (statusAt(order, new Date()) !== 'pending' || payment.status === before.status) return payment;
    if (payment.status === 'requires_action') await this.giveTimeBack(actor, 'payment-waits', order, db);
    else if (await this.orders.hold(order, null, db)) await this.orders.change(actor, 'payment-begun', order, { expiresAt: null }, db);
    return payment;
  }

  /** The time it had before: a payment does not prolong the reservation. */
  private async giveTimeBack(actor: AuditActor, what: 'payment-failed' | 'payment-waits', order: Order, db: Tx): Promise<void> {
    const expiresAt = this.orders.expiryOf(order.createdAt);
    await this.orders.hold(order, expiresAt, db);
    await this.orders.change(actor, what, order, { expiresAt }, db);
  }
}

function isUnderWay({ status }: Payment): boolean {
  return status === 'processing' || status === 'requires_action';
}
