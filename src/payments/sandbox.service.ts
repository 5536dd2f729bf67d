import { Injectable } from '@nestjs/common';
import { type Db, PrismaService } from '#database';
import { type ChargeOutcome, SANDBOX_METHODS, type SandboxMethod } from './payments.rules.js';

/** The simulator: a provider that keeps its own books, one charge a payment, however often it is asked. */
@Injectable()
export class SandboxService {
  constructor(private readonly prisma: PrismaService) {}

  async charge(payment: { id: string; method: SandboxMethod; amount: bigint }): Promise<ChargeOutcome> {
    const outcome = SANDBOX_METHODS[payment.method];
    // Asked again, the first charge stands.
    await this.prisma.sandboxCharge.createMany({
      data: [{ paymentId: payment.id, outcome: outcome.status, amount: payment.amount }],
      skipDuplicates: true,
    });
    return outcome;
  }

  async refund(paymentId: string, amount: bigint, db: Db): Promise<void> {
    await db.sandboxCharge.update({ where: { paymentId }, data: { refunded: { increment: amount } } });
  }
}
