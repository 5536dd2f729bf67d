import { Money, money } from '#http';
import { type InvoiceContent, numberOf } from './invoices.rules.js';
import type { Invoice } from './invoices.service.js';

export class InvoiceResponse {
  id: string;
  /** The order it is about. */
  orderId: string;
  kind: 'invoice' | 'credit-note';
  /** Counts up in its year, without a gap. @example "2026-000001" */
  number: string;
  /** What was paid, or, of a credit note, paid back. */
  total: Money;
  /** Of a credit note: the refund. */
  refundId: string | null;
  issuedAt: Date;

  static from(this: void, { id, orderId, kind, year, number, content, refundId, issuedAt }: Invoice): InvoiceResponse {
    const { total, currency } = content as unknown as InvoiceContent;
    return {
      id,
      orderId,
      kind: kind === 'invoice' ? 'invoice' : 'credit-note',
      number: numberOf({ year, number }),
      total: money(BigInt(total), currency),
      refundId,
      issuedAt,
    };
  }
}

export class InvoiceList {
  /** In the order of their numbers. */
  items: InvoiceResponse[];
}
