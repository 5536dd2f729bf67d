import { Money, money } from '#http';
import { type InvoiceContent, numberOf } from './invoices.rules.js';
import type { Invoice } from './invoices.service.js';

const KINDS = { invoice: 'invoice', credit_note: 'credit-note', debit_note: 'debit-note' } as const;

export class InvoiceResponse {
  id: string;
  /** The order it is about. */
  orderId: string;
  /** A debit note takes a credit note back, whose money did not arrive. */
  kind: 'invoice' | 'credit-note' | 'debit-note';
  /** Counts up in its year, without a gap. @example "2026-000001" */
  number: string;
  /** What was paid, or, of a credit note, paid back; of a debit note, not paid back after all. */
  total: Money;
  /** Of a credit note and a debit note: the refund. */
  refundId: string | null;
  issuedAt: Date;

  static from(this: void, { id, orderId, kind, year, number, content, refundId, issuedAt }: Invoice): InvoiceResponse {
    const { total, currency } = content as unknown as InvoiceContent;
    return {
      id,
      orderId,
      kind: KINDS[kind],
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
