import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { stringify } from 'csv-stringify';
import { Prisma, PrismaService } from '#database';
import { keyset, parseSort } from '#http';
import type { Actor } from '#security';
import type { ExportOrdersQuery } from './exports.dto.js';
import { statusAt } from './orders.rules.js';
import { withStatus } from './orders.service.js';

const BATCH = 500;
const COLUMNS = [
  'number',
  'id',
  'status',
  'createdAt',
  'customerId',
  'externalId',
  'currency',
  'subtotal',
  'discount',
  'shipping',
  'tax',
  'includedTax',
  'total',
  'couponCode',
  'items',
  'guestEmail',
] as const;

const withLines = {
  include: { lines: { orderBy: { position: 'asc' }, select: { sku: true, quantity: true } } },
} satisfies Prisma.OrderDefaultArgs;
type ExportedOrder = Prisma.OrderGetPayload<typeof withLines>;

/** Orders as a table: read page by page as it is sent, so that neither a page more nor the table is ever in memory. */
@Injectable()
export class OrderExportsService {
  constructor(private readonly prisma: PrismaService) {}

  /** CSV (RFC 4180), the oldest order first. A cell that a spreadsheet would take for a formula begins with an apostrophe. */
  csv(_actor: Actor, query: ExportOrdersQuery): Readable {
    const table = stringify({ header: true, columns: [...COLUMNS], record_delimiter: '\r\n', escape_formulas: true });
    const rows = Readable.from(this.rows(query));
    rows.on('error', (error) => table.destroy(error));
    table.on('close', () => rows.destroy()); // whoever stops early leaves nothing open
    return rows.pipe(table);
  }

  private async *rows({ status, from, to }: ExportOrdersQuery): AsyncGenerator<Record<(typeof COLUMNS)[number], string>> {
    const filters: Prisma.OrderWhereInput[] = [{ createdAt: { ...(from && { gte: new Date(from) }), ...(to && { lt: new Date(to) }) } }];
    if (status !== undefined) filters.push(withStatus(status));
    let last: ExportedOrder | undefined;
    do {
      const { where, orderBy } = keyset(parseSort('createdAt'), last ? { value: last.createdAt, id: last.id } : null);
      const page = await this.prisma.order.findMany({
        where: { AND: [where, ...filters] },
        orderBy,
        take: BATCH,
        ...withLines,
      });
      for (const order of page) yield rowOf(order);
      last = page.at(-1);
    } while (last !== undefined);
  }
}

function rowOf(order: ExportedOrder): Record<(typeof COLUMNS)[number], string> {
  const {
    number,
    id,
    createdAt,
    userId,
    guestEmail,
    externalId,
    currency,
    subtotal,
    discount,
    shipping,
    tax,
    includedTax,
    total,
    couponCode,
    lines,
  } = order;
  return {
    number: String(number),
    id,
    status: statusAt(order, new Date()),
    createdAt: createdAt.toISOString(),
    customerId: userId ?? '',
    externalId: externalId ?? '',
    currency,
    subtotal: String(subtotal),
    discount: String(discount),
    shipping: String(shipping),
    tax: String(tax),
    includedTax: String(includedTax),
    total: String(total),
    couponCode: couponCode ?? '',
    items: lines.map(({ sku, quantity }) => `${sku} × ${quantity}`).join(', '),
    guestEmail: guestEmail ?? '',
  };
}
