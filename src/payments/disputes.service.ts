import { Injectable } from '@nestjs/common';
import { audited, record, SYSTEM } from '#audit';
import { type Prisma, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { money } from '#http';
import type { IncomingEvent } from './inbox.service.js';
import { disputeClosed, disputeOpened } from './payments.events.js';
import { type Payment, paymentNamed } from './payments.queries.js';
import type { DisputeState } from './payments.rules.js';
import { ProvidersService } from './providers.service.js';

type Dispute = Prisma.DisputeGetPayload<object>;

const auditedDispute = audited('dispute', { paymentId: 'plain', status: 'plain', amount: 'plain', reason: 'plain' });

/** What customers' banks ask back. While a dispute is open, and when it is lost, its payment is `disputed`, which no refund gets past. */
@Injectable()
export class DisputesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly providers: ProvidersService,
  ) {}

  /** Looks how a dispute stands that a provider has spoken of; whether it is about a payment of ours. */
  async hear({ provider, ref }: IncomingEvent, then: (db: Tx) => Promise<void>): Promise<boolean> {
    const { charge, ...state } = await this.providers.of({ provider }).dispute(ref!);
    const payment = await paymentNamed(provider, charge, this.prisma);
    if (payment === null) return false;
    await transaction(this.prisma, async (db) => {
      await this.settle(payment, state, db);
      await then(db);
    });
    return true;
  }

  private async settle(payment: Payment, { ref, status, amount, reason }: DisputeState, db: Tx): Promise<void> {
    const { id: paymentId } = payment;
    await db.$queryRaw`SELECT id FROM payments WHERE id = ${paymentId}::uuid FOR UPDATE`;
    const { userId } = await db.order.findUniqueOrThrow({ where: { id: payment.orderId }, select: { userId: true } });
    const where = { paymentId_providerRef: { paymentId, providerRef: ref } };
    const before = await db.dispute.findUnique({ where });
    if (before?.status === status) return;
    const after = await db.dispute.upsert({ where, create: { paymentId, providerRef: ref, status, amount, reason }, update: { status } });
    const standing = await db.dispute.count({ where: { paymentId, status: { not: 'won' } } });
    await db.payment.update({ where: { id: paymentId }, data: { disputed: standing > 0 } });
    const resource = auditedDispute(after.id);
    const told = { actor: SYSTEM, resource: { type: 'payment', id: paymentId }, subject: userId } as const;
    if (before === null) {
      await record(db, { actor: SYSTEM, action: 'disputes.opened', resource, subject: userId, after });
      await publish(db, disputeOpened, factsOf(after, payment), told);
    } else {
      await record(db, { actor: SYSTEM, action: 'disputes.changed', resource, subject: userId, before, after });
    }
    if (status !== 'open') await publish(db, disputeClosed, { ...factsOf(after, payment), status }, told);
  }
}

function factsOf({ id, amount, reason }: Dispute, { id: paymentId, orderId, currency }: Payment) {
  return { disputeId: id, paymentId, orderId, amount: money(amount, currency), reason };
}
