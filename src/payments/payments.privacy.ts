import { Injectable } from '@nestjs/common';
import type { Db } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';

/** Money in and out: it belongs to the books, says nothing about anybody but through the order, and stays. */
@Injectable()
export class PaymentsPrivacy extends PersonalData {
  readonly name = 'payments';
  readonly tables = ['payments', 'refunds', 'refund_lines', 'disputes', 'payment_events', 'sandbox_charges', 'sandbox_refunds'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const payments = (last?: { id: string }) =>
      db.payment.findMany({
        where: { order: { userId }, ...(last && { id: { gt: last.id } }) },
        include: {
          refunds: { omit: { paymentId: true }, include: { lines: { omit: { refundId: true } } } },
          disputes: { omit: { paymentId: true } },
        },
        orderBy: { id: 'asc' },
        take: 200,
      });
    yield { name: 'payments.json', about: 'What you paid for your orders, and what was paid back.', rows: paged(payments) };
  }

  async erase(): Promise<void> {}
}
