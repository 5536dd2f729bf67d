import { Injectable } from '@nestjs/common';
import { type AuditActor, audited, record } from '#audit';
import { Env } from '#config';
import { type Db, type Prisma, PrismaService, type Tx } from '#database';
import { publish } from '#events';
import { money } from '#http';
import { paymentInProgress, unknownMethod } from './payments.errors.js';
import { paymentFailed, paymentProcessing, paymentSucceeded, refundCreated } from './payments.events.js';
import { type ChargeOutcome, isSandboxMethod } from './payments.rules.js';
import { SandboxService } from './sandbox.service.js';

export type Payment = Prisma.PaymentGetPayload<object>;

const auditedPayment = audited('payment', {
  orderId: 'plain',
  method: 'plain',
  status: 'plain',
  amount: 'plain',
  currency: 'plain',
  failureCode: 'plain',
  refunded: 'plain',
});

/** What an order is charged for, and whose it is. */
export interface Payable {
  id: string;
  userId: string;
  total: bigint;
  currency: string;
}

/** After so long, a payment nobody has finished belongs to a process that died: another may take it up. */
const ABANDONED_MS = 30_000;

/** Money in and out. A payment is begun in one transaction, charged outside, and settled in another; each step may be repeated. */
@Injectable()
export class PaymentsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly sandbox: SandboxService,
  ) {}

  /** Begins a payment, or takes up one of this order that was abandoned. With the order locked. @throws payments/unknown-method, payments/in-progress */
  async begin(actor: AuditActor, order: Payable, method: string, db: Tx): Promise<string> {
    if (!isSandboxMethod(method) || (this.env.isProduction && this.env.PAYMENTS_SANDBOX === 'off'))
      throw unknownMethod('This installation has no such payment method.', {
        fields: [{ pointer: '/method', code: 'unknown', detail: 'is not a payment method here' }],
      });
    const underWay = await db.payment.findFirst({ where: { orderId: order.id, status: { in: ['processing', 'requires_action'] } } });
    if (underWay && underWay.updatedAt.getTime() > Date.now() - ABANDONED_MS)
      throw paymentInProgress('A payment of this order is under way; look again in a few seconds.', { retryAfterSeconds: 5 });
    if (underWay) return underWay.id;
    const payment = await db.payment.create({
      data: { orderId: order.id, provider: 'sandbox', method, amount: order.total, currency: order.currency },
    });
    await record(db, { actor, action: 'payments.begun', resource: auditedPayment(payment.id), subject: order.userId, after: payment });
    await publish(db, paymentProcessing, factsOf(payment), aboutPayment(actor, payment, order));
    return payment.id;
  }

  /** Payments that nobody has finished for a while, oldest first. */
  async abandoned(): Promise<Payment[]> {
    return this.prisma.payment.findMany({
      where: { status: 'processing', updatedAt: { lt: new Date(Date.now() - ABANDONED_MS) } },
      orderBy: { updatedAt: 'asc' },
      take: 100,
    });
  }

  /** Asks the provider for the money, once, however often it is called. */
  async charge(paymentId: string): Promise<ChargeOutcome> {
    const payment = await this.prisma.payment.findUniqueOrThrow({ where: { id: paymentId } });
    if (!isSandboxMethod(payment.method)) throw new Error(`payment ${payment.id} has a method no provider knows`);
    return this.sandbox.charge({ id: payment.id, method: payment.method, amount: payment.amount });
  }

  async get(paymentId: string, db: Db = this.prisma): Promise<Payment> {
    return db.payment.findUniqueOrThrow({ where: { id: paymentId } });
  }

  /** Writes down what the provider said. */
  async settle(actor: AuditActor, order: Payable, before: Payment, outcome: ChargeOutcome, db: Tx): Promise<Payment> {
    const failureCode = outcome.status === 'failed' ? outcome.failureCode : null;
    const payment = await db.payment.update({ where: { id: before.id }, data: { status: outcome.status, failureCode } });
    await record(db, {
      actor,
      action: `payments.${outcome.status}`,
      resource: auditedPayment(payment.id),
      subject: order.userId,
      before,
      after: payment,
      outcome: outcome.status,
    });
    const about = aboutPayment(actor, payment, order);
    if (failureCode === null) await publish(db, paymentSucceeded, factsOf(payment), about);
    else await publish(db, paymentFailed, { ...factsOf(payment), failureCode }, about);
    return payment;
  }

  /** Pays back all of what an order's payment brought, in the transaction that makes it due. */
  async refund(actor: AuditActor, order: Payable, reason: string, db: Tx): Promise<void> {
    const payment = await db.payment.findFirst({ where: { orderId: order.id, status: 'succeeded' } });
    if (payment === null) return;
    const { id: refundId } = await db.refund.create({ data: { paymentId: payment.id, amount: payment.amount, reason } });
    await publish(db, refundCreated, { refundId, ...factsOf(payment) }, aboutPayment(actor, payment, order));
    await this.sandbox.refund(payment.id, payment.amount, db);
    const [before, after] = [{ refunded: 0 }, { refunded: payment.amount }];
    await record(db, { actor, action: 'payments.refunded', resource: auditedPayment(payment.id), subject: order.userId, before, after });
  }
}

function factsOf({ id, orderId, amount, currency }: Payment) {
  return { paymentId: id, orderId, amount: money(amount, currency) };
}

function aboutPayment(actor: AuditActor, { id }: Payment, { userId }: Payable) {
  return { actor, resource: { type: 'payment', id }, subject: userId };
}
