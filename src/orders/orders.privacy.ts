import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { type Db, execute, Prisma, PrismaService, type Tx } from '#database';
import { Schedule } from '#jobs';
import { type ExportedFile, paged, PersonalData } from '#privacy';

const BATCH = 1_000;
/** An order that was paid and is still on its way needs its address, but not for ever. */
const SHIPPING_KEPT_DAYS = 30;

/** Paid for, or just being paid for, and not delivered. */
const IS_ON_ITS_WAY = Prisma.sql`((o.status IN ('paid', 'shipped') OR (o.status = 'pending' AND o.expires_at IS NULL))
  AND coalesce(o.anonymised_at, now()) > now() - make_interval(days => ${SHIPPING_KEPT_DAYS}::int))`;

/**
 * Orders outlive their customers: numbers, amounts, lines and dates belong to the books. Of an order that was paid the billing address
 * stays for as long as tax law asks (ORDERS_BILLING_KEPT_DAYS), and the shipping address until it is delivered.
 */
@Injectable()
export class OrdersPrivacy extends PersonalData {
  readonly name = 'orders';
  readonly tables = ['orders', 'order_lines'];

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
        include: { lines: { omit: { orderId: true } } },
        orderBy: { id: 'asc' },
        take: 100,
      });
    yield { name: 'orders.json', about: 'What you ordered. Amounts are in the smallest unit of the currency.', rows: paged(orders) };
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const anonymised = await execute(
      db,
      Prisma.sql`UPDATE orders AS o SET external_id = NULL, metadata = '{}', anonymised_at = now(), version = version + 1, updated_at = now(),
          billing_address = CASE WHEN ${this.owesInvoice} THEN billing_address END,
          shipping_address = CASE WHEN ${IS_ON_ITS_WAY} THEN shipping_address END
        WHERE id IN (SELECT id FROM orders WHERE user_id = ${userId}::uuid AND anonymised_at IS NULL ORDER BY id LIMIT ${BATCH} FOR UPDATE)`,
    );
    return anonymised === BATCH ? 'more' : undefined;
  }

  /** Takes the addresses out of erased people's orders once nothing asks for them any more. */
  @Schedule('orders.forget-addresses', '41 * * * *')
  async forgetAddresses(): Promise<void> {
    await execute(
      this.prisma,
      Prisma.sql`UPDATE orders AS o SET version = version + 1, updated_at = now(),
          billing_address = CASE WHEN ${this.owesInvoice} THEN billing_address END,
          shipping_address = CASE WHEN ${IS_ON_ITS_WAY} THEN shipping_address END
        WHERE anonymised_at IS NOT NULL AND (billing_address IS NOT NULL OR shipping_address IS NOT NULL)
          AND NOT ((billing_address IS NULL OR ${this.owesInvoice}) AND (shipping_address IS NULL OR ${IS_ON_ITS_WAY}))`,
    );
  }

  /** Money has come in, or is coming. */
  private get owesInvoice(): Prisma.Sql {
    return Prisma.sql`(o.created_at > now() - make_interval(days => ${this.env.ORDERS_BILLING_KEPT_DAYS}::int)
      AND EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.status <> 'failed'))`;
  }
}
