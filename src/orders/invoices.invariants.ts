import { Injectable } from '@nestjs/common';
import { type Invariant, Invariants, Prisma, type Remark, type Tx } from '#database';
import { RefundsService } from '../payments/refunds.service.js';
import { InvoicesService } from './invoices.service.js';
import { IS_SOLD, lockOrder } from './orders.queries.js';
import { isSold } from './orders.rules.js';

/** That invoices are issued, and numbered as tax law wants it. */
@Injectable()
export class InvoicesInvariants extends Invariants {
  readonly all: Invariant[] = [
    {
      id: 'invoices-gapless',
      title: 'The invoices of a year are numbered from 1 without a gap, up to what the counter says',
      explanation:
        'An invoice was deleted, or its number changed, past the application: whoever audits the books asks for it. Restore it from a backup; a number is never given again.',
      severity: 'error',
      resource: 'year',
      broken: Prisma.sql`SELECT year::text AS id, format('%s invoices, the last is number %s, the counter says %s', coalesce(i.count, 0), coalesce(i.last, 0), coalesce(c.last, 0)) AS says
        FROM invoice_counters c FULL JOIN (SELECT year, count(*) AS count, max(number) AS last FROM invoices GROUP BY year) i USING (year)
        WHERE coalesce(i.count, 0) <> coalesce(i.last, 0) OR coalesce(i.last, 0) <> coalesce(c.last, 0)`,
    },
    {
      id: 'invoices-missing',
      title: 'An order that was paid has an invoice',
      explanation:
        'It was paid before invoices were issued, or came from elsewhere. Whoever bought it asks for one, and so does whoever audits the books.',
      severity: 'warning',
      resource: 'order',
      broken: Prisma.sql`SELECT o.id::text AS id, format('order %s of %s %s is %s', o.number, o.total, o.currency, o.status) AS says FROM orders o
        WHERE ${IS_SOLD} AND NOT EXISTS (SELECT FROM invoices i WHERE i.order_id = o.id AND i.kind = 'invoice')`,
      repair: {
        explanation: 'Issues each with the date of today and the seller as the shop has it now, and a credit note for each refund.',
        mend: (ids, db) => this.issue(ids, db),
      },
    },
  ];

  constructor(
    private readonly invoices: InvoicesService,
    private readonly refunds: RefundsService,
  ) {
    super();
  }

  private async issue(ids: string[], db: Tx): Promise<Remark[]> {
    const issued: Remark[] = [];
    for (const id of ids) {
      const order = await lockOrder(id, db);
      if (order === null || !isSold(order.status) || (await this.invoices.has(id, db))) continue;
      await this.invoices.issue(order, db);
      const refunds = (await this.refunds.ofOrder(id, db)).filter(({ status, payment }) => status === 'succeeded' && !payment.late);
      for (const refund of refunds.toReversed()) await this.invoices.credit(refund, db);
      issued.push({ id, says: `an invoice, and ${refunds.length} credit notes` });
    }
    return issued;
  }
}
