import { Injectable } from '@nestjs/common';
import { type AuditActor, audited, record, SYSTEM } from '#audit';
import { Prisma, PrismaService, type Tx } from '#database';
import { publish } from '#events';
import { money } from '#http';
import { enqueue, job, withoutJob } from '#jobs';
import { IsString } from 'class-validator';
import { paymentDisputed, refundTooLarge } from './payments.errors.js';
import { refundCreated, refundFailed, refundSucceeded } from './payments.events.js';
import { type Payment, paymentNamed } from './payments.queries.js';
import type { NamedRefund, RefundOutcome } from './payments.rules.js';
import { ProvidersService } from './providers.service.js';

const withPayment = { include: { payment: true, lines: { orderBy: { position: 'asc' } } } } satisfies Prisma.RefundDefaultArgs;
export type Refund = Prisma.RefundGetPayload<typeof withPayment>;

const auditedRefund = audited('refund', {
  paymentId: 'plain',
  status: 'plain',
  amount: 'plain',
  reason: 'personal',
  restock: 'plain',
  failureCode: 'plain',
});

/** What is to be paid back. */
export interface NewRefund {
  paymentId: string;
  amount: bigint;
  reason: string;
  restock?: boolean;
  lines?: readonly { position: number; quantity: number }[];
  /** A request is about to send it: the job waits for whether that dies. */
  sentByCaller?: boolean;
}

export class SendRefundPayload {
  @IsString()
  refundId: string;
}

/** Asks the provider to pay back, until it has said what became of it. */
export const sendRefund = job('payments.refund', SendRefundPayload);

/** How long a request may be at a refund before the job looks after it. */
const REQUEST_MS = 35_000;
const FORGOTTEN_MS = 600_000;

/** Money back. It is counted before it is sent, so that all refunds of a payment never come to more than what was paid: one statement decides. */
@Injectable()
export class RefundsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly providers: ProvidersService,
  ) {}

  /** Makes a refund due, in the transaction in which it becomes that. @throws payments/disputed, payments/refund-too-large */
  async create(
    actor: AuditActor,
    userId: string | null,
    { paymentId, amount, reason, restock = false, lines = [], sentByCaller = false }: NewRefund,
    db: Tx,
  ): Promise<Refund> {
    const counted = await db.$executeRaw`UPDATE payments SET refunded = refunded + ${amount}, updated_at = now()
      WHERE id = ${paymentId}::uuid AND status = 'succeeded' AND NOT disputed AND refunded + ${amount} <= amount`;
    if (counted === 0) throw await this.refusal(paymentId, db);
    const data = { paymentId, amount, reason, restock, lines: { create: lines.map(({ position, quantity }) => ({ position, quantity })) } };
    const refund = await db.refund.create({ data, ...withPayment });
    await record(db, { actor, action: 'refunds.created', resource: auditedRefund(refund.id), subject: userId, after: refund });
    await publish(db, refundCreated, factsOf(refund), about(actor, refund, userId));
    const runAt = sentByCaller ? { runAt: new Date(Date.now() + REQUEST_MS) } : {};
    await enqueue(db, sendRefund, { refundId: refund.id }, { ...runAt, key: refund.id });
    return refund;
  }

  async get(id: string, db: Tx | PrismaService = this.prisma): Promise<Refund> {
    return db.refund.findUniqueOrThrow({ where: { id }, ...withPayment });
  }

  /** The refund that a provider has spoken of, and whose payment it is; null when that is none of ours. */
  async named({ provider, ref }: { provider: string; ref: string | null }): Promise<{ refund: NamedRefund; payment: Payment } | null> {
    const refund = await this.providers.of({ provider }).refundNamed(ref!);
    const payment = await paymentNamed(provider, refund.charge, this.prisma);
    return payment && { refund, payment };
  }

  /** Our row of a refund that the provider has named; one that somebody has made over there gets its row now. With the order locked. */
  async known(
    { refundId, ref, amount, status }: NamedRefund,
    { id: paymentId }: Payment,
    userId: string | null,
    db: Tx,
  ): Promise<Refund | null> {
    const which = refundId === null ? { providerRef: ref } : { id: refundId };
    const found = await db.refund.findFirst({ where: { paymentId, ...which }, ...withPayment });
    if (found !== null || refundId !== null || status === 'failed') return found;
    return this.create(SYSTEM, userId, { paymentId, amount, reason: 'refunded at the payment provider' }, db);
  }

  /** The payment whose money an order has. With the order locked, and paid. */
  async refundable(orderId: string, db: Tx): Promise<Refund['payment']> {
    return db.payment.findFirstOrThrow({ where: { orderId, status: 'succeeded', late: false } });
  }

  /** Whether all of a payment's money is back. */
  async isWhole(paymentId: string, db: Tx): Promise<boolean> {
    const [{ amount }, { _sum: sum }] = [
      await db.payment.findUniqueOrThrow({ where: { id: paymentId } }),
      await db.refund.aggregate({ where: { paymentId, status: 'succeeded' }, _sum: { amount: true } }),
    ];
    return sum.amount === amount;
  }

  /** Those of an order, the newest first. */
  async ofOrder(orderId: string, db: Tx | PrismaService = this.prisma): Promise<Refund[]> {
    return db.refund.findMany({ where: { payment: { orderId } }, orderBy: [{ createdAt: 'desc' }, { id: 'desc' }], ...withPayment });
  }

  /** Refunds that nobody is at: their job was discarded, or the provider has not said for a while what became of them. */
  async forgotten(): Promise<Refund[]> {
    const found = await this.prisma.refund.findMany({
      where: { status: 'pending', updatedAt: { lt: new Date(Date.now() - FORGOTTEN_MS) } },
      orderBy: { updatedAt: 'asc' },
      take: 100,
      ...withPayment,
    });
    const ids = found.map(({ id }) => id);
    const lost = new Set(await withoutJob(this.prisma, sendRefund, ids));
    return found.filter(({ id }) => lost.has(id));
  }

  /** Asks the provider to pay back, once, however often it is called. */
  async send({ id, amount, providerRef, createdAt, payment }: Refund): Promise<RefundOutcome> {
    return this.providers.of(payment).refund({ id, amount, providerRef, createdAt, payment });
  }

  /** Writes down what the provider said. What could not be paid back may be refunded again. With the order locked. */
  async settle(actor: AuditActor, userId: string | null, before: Refund, outcome: RefundOutcome, db: Tx): Promise<Refund> {
    const { status, ref: providerRef, failureCode = null } = outcome;
    const data = { status, providerRef: providerRef ?? before.providerRef, failureCode: status === 'failed' ? failureCode : null };
    const refund = await db.refund.update({ where: { id: before.id }, data, ...withPayment });
    if (status === 'pending') return refund;
    await record(db, { actor, action: `refunds.${status}`, resource: auditedRefund(refund.id), subject: userId, before, after: refund });
    const circumstances = about(actor, refund, userId);
    if (status === 'succeeded') {
      await publish(db, refundSucceeded, factsOf(refund), circumstances);
    } else {
      await db.payment.update({ where: { id: refund.paymentId }, data: { refunded: { decrement: refund.amount } } });
      await publish(db, refundFailed, { ...factsOf(refund), failureCode: refund.failureCode ?? 'failed' }, circumstances);
    }
    return refund;
  }

  private async refusal(paymentId: string, db: Tx): Promise<Error> {
    const { disputed, amount, refunded, currency } = await db.payment.findUniqueOrThrow({ where: { id: paymentId } });
    if (disputed) return paymentDisputed('The customer’s bank asks the money of this payment back; it cannot be refunded on top of that.');
    return refundTooLarge(`Of this payment ${amount - refunded} (in minor units of ${currency}) are left; refund that or less.`);
  }
}

function factsOf({ id, paymentId, amount, payment: { orderId, currency } }: Refund) {
  return { refundId: id, paymentId, orderId, amount: money(amount, currency) };
}

function about(actor: AuditActor, { paymentId }: Refund, subject: string | null) {
  return { actor, resource: { type: 'payment', id: paymentId }, subject };
}
