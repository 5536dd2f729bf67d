import { Injectable } from '@nestjs/common';
import { type AuditActor, audited, record } from '#audit';
import { type Db, type PaymentStatus, PrismaService, type Tx } from '#database';
import { publish } from '#events';
import { money } from '#http';
import { enqueue, job } from '#jobs';
import { IsString } from 'class-validator';
import type { IncomingEvent } from './inbox.service.js';
import { paymentInProgress } from './payments.errors.js';
import { paymentFailed, paymentLate, paymentProcessing, paymentSucceeded } from './payments.events.js';
import { overduePayments, type Payment, paymentNamed } from './payments.queries.js';
import { askAgainSeconds, type ChargeOutcome, UNDER_WAY } from './payments.rules.js';
import { ProvidersService } from './providers.service.js';
import { RefundsService } from './refunds.service.js';

export type { Payment } from './payments.queries.js';

const auditedPayment = audited('payment', {
  orderId: 'plain',
  provider: 'plain',
  method: 'plain',
  status: 'plain',
  amount: 'plain',
  currency: 'plain',
  failureCode: 'plain',
  late: 'plain',
});

/** What an order is charged for, and whose it is. */
export interface Payable {
  id: string;
  /** Null of a guest's. */
  userId: string | null;
  total: bigint;
  currency: string;
}

export class PaymentJobPayload {
  @IsString()
  paymentId: string;
}

/** Asks the provider about a payment of which it did not know yet. */
export const askForPayment = job('payments.ask', PaymentJobPayload);
/** Asks the provider not to make a charge any more that nobody wants. */
export const cancelPayment = job('payments.cancel', PaymentJobPayload);

/** After so long, a payment nobody has finished belongs to a process that died: another may take it up. */
const ABANDONED_MS = 30_000;

/** Money in. A payment is begun in one transaction, charged outside, and settled in another; each step may be repeated. */
@Injectable()
export class PaymentsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly providers: ProvidersService,
    private readonly refunds: RefundsService,
  ) {}

  /**
   * Begins a payment, or takes up one of this order that was abandoned. One that waits for its customer gives way to the new one. With the order
   * locked. @throws payments/unknown-method, payments/in-progress
   */
  async begin(actor: AuditActor, order: Payable, method: string, db: Tx): Promise<string> {
    const provider = this.providers.taking(method);
    const underWay = await this.underWay(order.id, db);
    if (underWay?.status === 'processing') {
      const abandoned = underWay.providerRef === null && underWay.updatedAt.getTime() <= Date.now() - ABANDONED_MS;
      if (!abandoned)
        throw paymentInProgress('A payment of this order is under way; look again in a few seconds.', { retryAfterSeconds: 5 });
      return underWay.id;
    }
    if (underWay) await this.giveUp(actor, order, underWay, 'superseded', db);
    const payment = await db.payment.create({
      data: { orderId: order.id, provider: provider.name, method, amount: order.total, currency: order.currency },
    });
    await record(db, { actor, action: 'payments.begun', resource: auditedPayment(payment.id), subject: order.userId, after: payment });
    await publish(db, paymentProcessing, factsOf(payment), aboutPayment(actor, payment, order));
    return payment.id;
  }

  /** The payment that takes an order's place for one and has not ended. */
  async underWay(orderId: string, db: Db): Promise<Payment | null> {
    return db.payment.findFirst({ where: { orderId, status: { in: [...UNDER_WAY] }, late: false } });
  }

  /** Payments that nobody has finished for longer than it takes to ask again, oldest first. */
  async abandoned(): Promise<Payment[]> {
    return overduePayments(ABANDONED_MS / 1_000, this.prisma);
  }

  /** Asks the provider for the money, once, however often it is called; or how it stands. */
  async charge(paymentId: string, ref: string | null = null): Promise<ChargeOutcome> {
    const payment = await this.get(paymentId);
    if (payment.amount === 0n) return { status: 'succeeded', ref: null }; // nobody charges nothing
    return this.providers.of(payment).charge({ ...payment, providerRef: payment.providerRef ?? ref });
  }

  /** Asks the provider not to make a charge that it has not made yet; how it stands then. */
  async cancel(paymentId: string): Promise<ChargeOutcome> {
    const payment = await this.get(paymentId);
    return this.providers.of(payment).cancel(payment);
  }

  async get(paymentId: string, db: Db = this.prisma): Promise<Payment> {
    return db.payment.findUniqueOrThrow({ where: { id: paymentId } });
  }

  /** The payment that an event is about; null when it is none of ours. */
  async about({ provider, ref, paymentId }: IncomingEvent): Promise<Payment | null> {
    return paymentNamed(provider, { ref: ref!, paymentId }, this.prisma);
  }

  /** Those of an order, the newest first. */
  async ofOrder(orderId: string): Promise<Payment[]> {
    return this.prisma.payment.findMany({ where: { orderId }, orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] });
  }

  /** Writes down what the provider said; `late` money is paid back at once. With the order locked. */
  async settle(
    actor: AuditActor,
    order: Payable,
    before: Payment,
    { outcome, late = false }: { outcome: ChargeOutcome; late?: boolean },
    db: Tx,
  ): Promise<Payment> {
    const { status } = outcome;
    const ended = status === 'succeeded' || status === 'failed';
    const payment = await db.payment.update({
      where: { id: before.id },
      data: {
        status,
        late,
        failureCode: status === 'failed' ? (outcome.failureCode ?? 'failed') : null,
        providerRef: outcome.ref ?? before.providerRef,
        asks: ended ? 0 : { increment: 1 },
      },
    });
    if (!ended) {
      const runAt = new Date(Date.now() + askAgainSeconds(before.asks) * 1_000);
      await enqueue(db, askForPayment, { paymentId: payment.id }, { runAt, key: payment.id });
      if (status === before.status) return payment;
    }
    await this.tell(actor, order, before, payment, db);
    if (late) await this.payBack(actor, order, payment, 'the money came when the order could not take it any more', db);
    return payment;
  }

  /** Ends a payment that its customer has not confirmed, and has the provider told. */
  async giveUp(actor: AuditActor, order: Payable, before: Payment, failureCode: string, db: Tx): Promise<void> {
    await this.settle(actor, order, before, { outcome: { status: 'failed', ref: null, failureCode } }, db);
    if (before.providerRef !== null) await enqueue(db, cancelPayment, { paymentId: before.id }, { key: before.id });
  }

  /** Pays back what is left of what an order's payment brought; a job sends it. With the order locked. @throws payments/disputed */
  async refund(actor: AuditActor, order: Payable, reason: string, db: Tx): Promise<void> {
    await this.payBack(actor, order, await this.refunds.refundable(order.id, db), reason, db);
  }

  private async payBack(actor: AuditActor, order: Payable, { id, amount, refunded }: Payment, reason: string, db: Tx): Promise<void> {
    if (refunded < amount) await this.refunds.create(actor, order.userId, { paymentId: id, amount: amount - refunded, reason }, db);
  }

  private async tell(actor: AuditActor, order: Payable, before: Payment, payment: Payment, db: Tx): Promise<void> {
    const { status, failureCode, late } = payment;
    const action: `payments.${PaymentStatus}` = `payments.${status}`;
    const outcome = status === 'failed' ? 'failed' : 'succeeded';
    await record(db, { actor, action, resource: auditedPayment(payment.id), subject: order.userId, before, after: payment, outcome });
    const about = aboutPayment(actor, payment, order);
    if (status === 'succeeded') await publish(db, paymentSucceeded, factsOf(payment), about);
    if (late) await publish(db, paymentLate, factsOf(payment), about);
    if (failureCode !== null) await publish(db, paymentFailed, { ...factsOf(payment), failureCode }, about);
  }
}

function factsOf({ id, orderId, amount, currency }: Payment) {
  return { paymentId: id, orderId, amount: money(amount, currency) };
}

function aboutPayment(actor: AuditActor, { id }: Payment, { userId }: Payable) {
  return { actor, resource: { type: 'payment', id }, subject: userId };
}
