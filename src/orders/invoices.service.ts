import { hash, randomUUIDv7 } from 'node:crypto';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { defer, Prisma, PrismaService, type Tx } from '#database';
import type { Content } from '#http';
import type { Actor, Guest } from '#security';
import type { Refund } from '../payments/refunds.service.js';
import { SettingsService } from '../shop/settings.service.js';
import { type Address, creditOf, debitOf, type InvoiceContent, numberOf, sheetOf, yearIn } from './invoices.rules.js';
import { invoiceNotFound } from './orders.errors.js';
import type { KeptTax, Order } from './orders.queries.js';
import { OrdersService } from './orders.service.js';
import { PdfsService } from './pdfs.service.js';

export type Invoice = Prisma.InvoiceGetPayload<object>;

/** A document that is to get a number. */
interface Draft {
  kind: Invoice['kind'];
  orderId: string;
  refundId: string | null;
  buyer: Prisma.JsonValue;
  content: InvoiceContent;
}

/** What is issued about money that came and went: numbered without a gap in each year, and never changed. */
@Injectable()
export class InvoicesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly orders: OrdersService,
    private readonly settings: SettingsService,
    private readonly pdfs: PdfsService,
  ) {}

  /** Issues the invoice of an order that has just been paid, with the transaction's commit. Call it last. */
  async issue(order: Order, db: Tx): Promise<void> {
    const { seller, timeZone } = await this.settings.current(db);
    const buyer = order.billingAddress ?? order.shippingAddress;
    await number(db, { kind: 'invoice', orderId: order.id, refundId: null, buyer, content: contentOf(order, { seller, timeZone }) });
  }

  /** Issues the credit note about money that has just gone back, once, with the transaction's commit. Call it last. What has no invoice has none. */
  async credit({ id: refundId, amount, reason, lines, payment: { orderId } }: Refund, db: Tx): Promise<void> {
    const issued = await db.invoice.findMany({ where: { orderId } });
    const invoice = issued.find(({ kind }) => kind === 'invoice');
    if (invoice === undefined || issued.some((note) => note.refundId === refundId)) return;
    const content = creditOf(invoice.content as unknown as InvoiceContent, numberOf(invoice), { amount: Number(amount), reason, lines });
    await number(db, { kind: 'credit_note', orderId, refundId, buyer: invoice.buyer, content });
  }

  /** Takes the credit note about money back that had gone, and then did not arrive. Call it last. What has no credit note has no debit note. */
  async debit({ id: refundId, payment: { orderId } }: Refund, db: Tx): Promise<void> {
    const issued = await db.invoice.findMany({ where: { refundId } });
    const note = issued.find(({ kind }) => kind === 'credit_note');
    if (note === undefined || issued.length > 1) return;
    const content = debitOf(note.content as unknown as InvoiceContent, numberOf(note));
    await number(db, { kind: 'debit_note', orderId, refundId, buyer: note.buyer, content });
  }

  async has(orderId: string, db: Tx): Promise<boolean> {
    return (await db.invoice.count({ where: { orderId, kind: 'invoice' } })) > 0;
  }

  /** Those of an order, in the order of their numbers. */
  async list(caller: Actor | Guest, orderId: string): Promise<Invoice[]> {
    await this.orders.get(caller, orderId);
    return this.prisma.invoice.findMany({ where: { orderId }, orderBy: [{ year: 'asc' }, { number: 'asc' }] });
  }

  /** The invoice of an order as a PDF. @throws orders/invoice-not-found */
  async ofOrder(caller: Actor | Guest, orderId: string): Promise<Content> {
    await this.orders.get(caller, orderId);
    return this.file(await this.prisma.invoice.findFirst({ where: { orderId, kind: 'invoice' } }));
  }

  /** An invoice, or what corrects one, as a PDF. @throws orders/invoice-not-found */
  async pdf(caller: Actor | Guest, orderId: string, id: string): Promise<Content> {
    await this.orders.get(caller, orderId);
    return this.file(await this.prisma.invoice.findFirst({ where: { id, orderId } }));
  }

  private async file(invoice: Invoice | null): Promise<Content> {
    if (invoice === null) throw invoiceNotFound('There is no such invoice; an order has one once it is paid.');
    const buyer = invoice.buyer as unknown as Address | null;
    const sheet = sheetOf({ ...invoice, buyer }, invoice.content as unknown as InvoiceContent);
    const bytes = await this.pdfs.draw(sheet, invoice.issuedAt);
    return {
      size: bytes.length,
      contentType: 'application/pdf',
      etag: `"${hash('sha256', bytes, 'base64url')}"`,
      modifiedAt: invoice.issuedAt,
      disposition: `attachment; filename="${invoice.kind.replace('_', '-')}-${numberOf(invoice)}.pdf"`,
      open: async (range) => Readable.from([range ? bytes.subarray(range.first, range.last + 1) : bytes], { objectMode: false }),
    };
  }
}

/**
 * Writes it with the next number of its year. The counter's row is locked until the commit, with which the statement is sent: what is rolled
 * back has not counted, and others wait for the commit alone.
 */
async function number(db: Tx, { kind, orderId, refundId, buyer, content }: Draft): Promise<void> {
  const issuedAt = new Date();
  await defer(
    db,
    Prisma.sql`WITH counted AS (
        INSERT INTO invoice_counters AS c (year, last) VALUES (${yearIn(content.timeZone, issuedAt)}, 1)
        ON CONFLICT (year) DO UPDATE SET last = c.last + 1 RETURNING year, last
      )
      INSERT INTO invoices (id, kind, order_id, refund_id, year, number, buyer, content, issued_at)
      SELECT ${randomUUIDv7()}::uuid, ${kind}::invoice_kind, ${orderId}::uuid, ${refundId}::uuid, year, last,
        ${buyer && JSON.stringify(buyer)}::jsonb, ${JSON.stringify(content)}::jsonb, ${issuedAt}::timestamptz FROM counted`,
  );
}

function contentOf(order: Order, shop: Pick<InvoiceContent, 'seller' | 'timeZone'>): InvoiceContent {
  return {
    ...shop,
    orderNumber: order.number,
    corrects: null,
    currency: order.currency,
    lines: order.lines.map(({ sku, name, quantity, unitPrice, total }) => ({
      sku,
      name,
      quantity,
      unitPrice: Number(unitPrice),
      total: Number(total),
    })),
    subtotal: Number(order.subtotal),
    discount: Number(order.discount),
    shipping: Number(order.shipping),
    tax: Number(order.tax),
    includedTax: Number(order.includedTax),
    taxes: order.taxes as unknown as KeptTax[],
    total: Number(order.total),
  };
}
