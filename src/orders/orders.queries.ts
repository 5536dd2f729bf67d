import { audited } from '#audit';
import { type Db, Prisma, rows, type Tx } from '#database';
import { isSold, type OrderStatus, TRANSITIONS } from './orders.rules.js';
import type { Totals } from './pricing.rules.js';

export const withLines = { include: { lines: { orderBy: { position: 'asc' } } } } satisfies Prisma.OrderDefaultArgs;
export type Order = Prisma.OrderGetPayload<typeof withLines>;
export type OrderLine = Omit<Prisma.OrderLineGetPayload<object>, 'orderId' | 'position' | 'shipped'>;

const PLAIN = {
  number: 'plain',
  status: 'plain',
  currency: 'plain',
  discount: 'plain',
  couponCode: 'plain',
  total: 'plain',
  expiresAt: 'plain',
} as const;
const auditedOfGuest = audited('order', PLAIN);
const auditedOfUser = audited('order', {
  ...PLAIN,
  shippingAddress: 'personal',
  billingAddress: 'personal',
  externalId: 'personal',
  metadata: 'personal',
});

/** What names an order in the audit log. Of a guest nothing personal is kept there: they have no key that could be destroyed to forget them. */
export function auditedOrder({ id, userId }: Pick<Order, 'id' | 'userId'>): ReturnType<typeof auditedOfGuest | typeof auditedOfUser> {
  return userId === null ? auditedOfGuest(id) : auditedOfUser(id);
}

/** Whether the order `o` is sold. */
export const IS_SOLD = Prisma.raw(
  `o.status IN (${Object.keys(TRANSITIONS)
    .filter((status) => isSold(status as OrderStatus))
    .map((status) => `'${status}'`)
    .join(', ')})`,
);

/** What a rate came to, as it is kept with the order. Amounts are minor units. */
export interface KeptTax {
  name: string;
  ppm: number;
  base: number;
  amount: number;
}

/** An order as it is placed. */
export interface NewOrder extends Totals {
  id: string;
  /** One of the two is null. */
  userId: string | null;
  guestEmail: string | null;
  currency: string;
  taxes: KeptTax[];
  shippingMethod: { code: string; name: string } | null;
  couponCode: string | null;
  couponId: string | null;
  shippingAddress: object | null;
  billingAddress: object | null;
  externalId: string | null;
  metadata: Record<string, string>;
  createdAt: Date;
  expiresAt: Date;
  lines: OrderLine[];
}

/** Writes a new order with its lines in one statement. */
export async function insertOrder(db: Tx, { lines, ...order }: NewOrder): Promise<Order> {
  const column = <K extends keyof OrderLine>(name: K) => lines.map((line) => line[name]);
  const [placed] = await rows<{ number: number }>(
    db,
    Prisma.sql`
    WITH placed AS (
      INSERT INTO orders (id, user_id, guest_email, currency, subtotal, discount, tax, included_tax, shipping, total, taxes, shipping_method, coupon_code, coupon_id,
        shipping_address, billing_address, external_id, metadata, created_at, updated_at, expires_at)
      VALUES (${order.id}::uuid, ${order.userId}::uuid, ${order.guestEmail}, ${order.currency}, ${order.subtotal}, ${order.discount}, ${order.tax}, ${order.includedTax}, ${order.shipping}, ${order.total},
        ${JSON.stringify(order.taxes)}::jsonb, ${json(order.shippingMethod)}::jsonb, ${order.couponCode}, ${order.couponId}::uuid,
        ${json(order.shippingAddress)}::jsonb, ${json(order.billingAddress)}::jsonb, ${order.externalId}, ${json(order.metadata)}::jsonb, ${order.createdAt}, ${order.createdAt}, ${order.expiresAt})
      RETURNING id, number
    ),
    lines AS (
      INSERT INTO order_lines (order_id, position, variant_id, sku, name, quantity, unit_price, total, discount, tax, tax_ppm)
      SELECT placed.id, line.position - 1, line.variant_id, line.sku, line.name, line.quantity, line.unit_price, line.total, line.discount, line.tax, line.tax_ppm
      FROM placed, unnest(${column('variantId')}::uuid[], ${column('sku')}::text[], ${column('name')}::text[], ${column('quantity')}::int[],
        ${column('unitPrice').map(String)}::bigint[], ${column('total').map(String)}::bigint[],
        ${column('discount').map(String)}::bigint[], ${column('tax').map(String)}::bigint[], ${column('taxPpm')}::int[])
        WITH ORDINALITY AS line (variant_id, sku, name, quantity, unit_price, total, discount, tax, tax_ppm, position)
    )
    SELECT number FROM placed`,
  );
  const rest = { number: placed!.number, status: 'pending' as const, anonymisedAt: null, version: 1, updatedAt: order.createdAt };
  const { shippingAddress, billingAddress, shippingMethod, taxes, ...same } = order;
  return {
    ...same,
    ...rest,
    shippingMethod,
    taxes: taxes as unknown as Prisma.JsonValue,
    shippingAddress: shippingAddress as Prisma.JsonValue,
    billingAddress: billingAddress as Prisma.JsonValue,
    lines: lines.map((line, position) => ({ ...line, orderId: order.id, position, shipped: 0 })),
  };
}

/** How many orders of a customer hold a use of a coupon, or have used it. Guests are told apart by their addresses. */
export async function countUses(couponId: string, { userId, guestEmail }: Pick<Order, 'userId' | 'guestEmail'>, db: Db): Promise<number> {
  const theirs = userId === null ? Prisma.sql`guest_email = ${guestEmail}` : Prisma.sql`user_id = ${userId}::uuid`;
  const [{ uses } = { uses: 0 }] = await rows<{ uses: number }>(
    db,
    Prisma.sql`SELECT count(*)::int AS uses FROM orders WHERE coupon_id = ${couponId}::uuid AND ${theirs}`,
  );
  return uses;
}

function json(value: object | null): string | null {
  return value && JSON.stringify(value);
}

/** An order as it is now, kept so until the transaction ends. */
export async function lockOrder(id: string, db: Tx): Promise<Order | null> {
  await db.$queryRaw`SELECT id FROM orders WHERE id = ${id}::uuid FOR UPDATE`;
  return db.order.findUnique({ where: { id }, ...withLines });
}
