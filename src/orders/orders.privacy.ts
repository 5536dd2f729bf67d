import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { type Db, execute, Prisma, PrismaService, type Tx } from '#database';
import { Schedule } from '#jobs';
import { type ExportedFile, paged, PersonalData } from '#privacy';

const BATCH = 1_000;
/** An order that was paid and is still on its way needs its address, but not for ever. */
const SHIPPING_KEPT_DAYS = 30;

/** So long the guest of an order that came to nothing is remembered. */
const GUESTS_KEPT_DAYS = 30;

/** Paid for, or just being paid for, and not delivered. */
const IS_ON_ITS_WAY = Prisma.sql`((o.status IN ('paid', 'shipped') OR (o.status = 'pending' AND o.expires_at IS NULL))
  AND coalesce(o.anonymised_at, now()) > now() - make_interval(days => ${SHIPPING_KEPT_DAYS}::int))`;
/** A parcel that has a number which nobody needs any more. */
const IS_FOUND_NO_MORE = Prisma.sql`s.tracking_number IS NOT NULL AND NOT ${IS_ON_ITS_WAY}`;

/**
 * Orders outlive their customers: numbers, amounts, lines and dates belong to the books. Of an order that was paid the billing address
 * stays for as long as tax law asks (ORDERS_BILLING_KEPT_DAYS), and the shipping address until it is delivered.
 */
@Injectable()
export class OrdersPrivacy extends PersonalData {
  readonly name = 'orders';
  readonly tables = ['orders', 'order_lines', 'shipments', 'shipment_lines', 'order_notes', 'invoices'];

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {
    super();
  }

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const orders = (last?: { id: string }) =>
      db.order.findMany({
        where: { userId, ...(last && { id: { gt: last.id } }) },
        include: {
          lines: { omit: { orderId: true } },
          shipments: { omit: { orderId: true }, include: { lines: { omit: { shipmentId: true } } } },
          invoices: { omit: { orderId: true } },
          notes: { omit: { orderId: true, authorId: true } },
        },
        orderBy: { id: 'asc' },
        take: 100,
      });
    yield {
      name: 'orders.json',
      about: 'What you ordered, how it was sent, and what was noted about it. Amounts are in the smallest unit of the currency.',
      rows: paged(orders),
    };
    const notes = (last?: { id: string }) =>
      db.orderNote.findMany({ where: { authorId: userId, ...(last && { id: { gt: last.id } }) }, orderBy: { id: 'asc' }, take: 200 });
    yield { name: 'order-notes.json', about: 'What you wrote down about orders at work.', rows: paged(notes) };
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const anonymised = await execute(
      db,
      Prisma.sql`UPDATE orders AS o SET external_id = NULL, metadata = '{}', anonymised_at = now(), version = version + 1, updated_at = now(),
          billing_address = CASE WHEN ${this.owesInvoice} THEN billing_address END,
          shipping_address = CASE WHEN ${IS_ON_ITS_WAY} THEN shipping_address END
        WHERE id IN (SELECT id FROM orders WHERE user_id = ${userId}::uuid AND anonymised_at IS NULL ORDER BY id LIMIT ${BATCH} FOR UPDATE)`,
    );
    if (anonymised === BATCH) return 'more';
    await execute(db, Prisma.sql`UPDATE order_notes SET author_id = NULL WHERE author_id = ${userId}::uuid`);
    await execute(db, Prisma.sql`DELETE FROM order_notes n USING orders o WHERE o.id = n.order_id AND o.user_id = ${userId}::uuid`);
    await execute(
      db,
      Prisma.sql`UPDATE shipments s SET tracking_number = NULL FROM orders o WHERE o.id = s.order_id AND o.user_id = ${userId}::uuid AND ${IS_FOUND_NO_MORE}`,
    );
    await this.forgetBuyers(Prisma.sql`o.user_id = ${userId}::uuid`, db);
    await this.forgetBuyers(Prisma.sql`o.anonymised_at IS NOT NULL`, this.prisma);
  }

  /** Takes the addresses out of erased people's orders once nothing asks for them any more. */
  @Schedule('orders.forget-addresses', '41 * * * *')
  async forgetAddresses(): Promise<void> {
    await this.forgetGuests();
    await execute(
      this.prisma,
      Prisma.sql`UPDATE orders AS o SET version = version + 1, updated_at = now(),
          billing_address = CASE WHEN ${this.owesInvoice} THEN billing_address END,
          shipping_address = CASE WHEN ${IS_ON_ITS_WAY} THEN shipping_address END
        WHERE anonymised_at IS NOT NULL AND (billing_address IS NOT NULL OR shipping_address IS NOT NULL)
          AND NOT ((billing_address IS NULL OR ${this.owesInvoice}) AND (shipping_address IS NULL OR ${IS_ON_ITS_WAY}))`,
    );
    await execute(
      this.prisma,
      Prisma.sql`UPDATE shipments s SET tracking_number = NULL FROM orders o WHERE o.id = s.order_id AND o.anonymised_at IS NOT NULL AND ${IS_FOUND_NO_MORE}`,
    );
    await this.forgetBuyers(Prisma.sql`o.anonymised_at IS NOT NULL`, this.prisma);
  }

  /** Guests have no account that could be erased: they are forgotten once nothing came of their order, or the law no longer asks who paid. */
  private async forgetGuests(): Promise<void> {
    await execute(
      this.prisma,
      Prisma.sql`UPDATE orders AS o SET guest_email = NULL, external_id = NULL, metadata = '{}', anonymised_at = now(), version = version + 1, updated_at = now()
        WHERE o.guest_email IS NOT NULL AND o.created_at < now() - make_interval(days => ${GUESTS_KEPT_DAYS}::int) AND NOT ${IS_ON_ITS_WAY} AND NOT ${this.owesInvoice}`,
    );
  }

  /** Takes out of invoices whom they were to, once the law no longer asks. */
  private async forgetBuyers(whose: Prisma.Sql, db: Db): Promise<void> {
    await execute(
      db,
      Prisma.sql`UPDATE invoices i SET buyer = NULL FROM orders o WHERE o.id = i.order_id AND ${whose} AND i.buyer IS NOT NULL AND NOT ${this.owesInvoice}`,
    );
  }

  /** Money has come in, or is coming. */
  private get owesInvoice(): Prisma.Sql {
    return Prisma.sql`(o.created_at > now() - make_interval(days => ${this.env.ORDERS_BILLING_KEPT_DAYS}::int)
      AND EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.status <> 'failed'))`;
  }
}
