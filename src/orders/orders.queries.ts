import { audited } from '#audit';
import { Prisma, rows, type Tx } from '#database';
import type { Totals } from './orders.rules.js';

export const withLines = { include: { lines: { orderBy: { position: 'asc' } } } } satisfies Prisma.OrderDefaultArgs;
export type Order = Prisma.OrderGetPayload<typeof withLines>;
export type OrderLine = Omit<Prisma.OrderLineGetPayload<object>, 'orderId' | 'position'>;

export const auditedOrder = audited('order', {
  number: 'plain',
  status: 'plain',
  currency: 'plain',
  total: 'plain',
  expiresAt: 'plain',
  shippingAddress: 'personal',
  billingAddress: 'personal',
  externalId: 'personal',
  metadata: 'personal',
});

/** An order as it is placed. */
export interface NewOrder extends Totals {
  id: string;
  userId: string;
  currency: string;
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
      INSERT INTO orders (id, user_id, currency, subtotal, discount, tax, shipping, total, shipping_address, billing_address, external_id, metadata, created_at, updated_at, expires_at)
      VALUES (${order.id}::uuid, ${order.userId}::uuid, ${order.currency}, ${order.subtotal}, ${order.discount}, ${order.tax}, ${order.shipping}, ${order.total},
        ${json(order.shippingAddress)}::jsonb, ${json(order.billingAddress)}::jsonb, ${order.externalId}, ${json(order.metadata)}::jsonb, ${order.createdAt}, ${order.createdAt}, ${order.expiresAt})
      RETURNING id, number
    ),
    lines AS (
      INSERT INTO order_lines (order_id, position, variant_id, sku, name, quantity, unit_price, total)
      SELECT placed.id, line.position - 1, line.variant_id, line.sku, line.name, line.quantity, line.unit_price, line.total
      FROM placed, unnest(${column('variantId')}::uuid[], ${column('sku')}::text[], ${column('name')}::text[], ${column('quantity')}::int[],
        ${column('unitPrice').map(String)}::bigint[], ${column('total').map(String)}::bigint[])
        WITH ORDINALITY AS line (variant_id, sku, name, quantity, unit_price, total, position)
    )
    SELECT number FROM placed`,
  );
  const rest = { number: placed!.number, status: 'pending' as const, anonymisedAt: null, version: 1, updatedAt: order.createdAt };
  const { shippingAddress, billingAddress, ...same } = order;
  return {
    ...same,
    ...rest,
    shippingAddress: shippingAddress as Prisma.JsonValue,
    billingAddress: billingAddress as Prisma.JsonValue,
    lines: lines.map((line, position) => ({ ...line, orderId: order.id, position })),
  };
}

function json(value: object | null): string | null {
  return value && JSON.stringify(value);
}

/** An order as it is now, kept so until the transaction ends. */
export async function lockOrder(id: string, db: Tx): Promise<Order | null> {
  await db.$queryRaw`SELECT id FROM orders WHERE id = ${id}::uuid FOR UPDATE`;
  return db.order.findUnique({ where: { id }, ...withLines });
}
