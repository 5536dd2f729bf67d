import { Injectable } from '@nestjs/common';
import { type Invariant, Invariants, Prisma } from '#database';

/** That invoices are numbered as tax law wants it. Reads the index of their numbers. */
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
  ];
}
