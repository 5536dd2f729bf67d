import { Injectable } from '@nestjs/common';
import { SYSTEM } from '#audit';
import { type Invariant, Invariants, Prisma, type Remark, rows, type Tx } from '#database';
import { enqueue } from '#jobs';
import { askForPayment } from '../payments/payments.service.js';
import { RefundsService } from '../payments/refunds.service.js';
import { StockService } from '../products/stock.service.js';
import { CancellationsService } from './cancellations.service.js';
import { IS_SOLD, lockOrder } from './orders.queries.js';

/** That orders, their money and what they hold say the same. Amounts are minor units. */
@Injectable()
export class OrdersInvariants extends Invariants {
  readonly all: Invariant[] = [
    {
      id: 'orders-unpaid',
      title: 'An order that counts as paid was paid, with its total',
      explanation:
        'Goods leave for which nobody paid, or not this much. Look for the payment at the provider; if there is none, cancel the order before it is sent.',
      severity: 'error',
      resource: 'order',
      broken: Prisma.sql`SELECT o.id::text AS id, format('order %s of %s %s is %s', o.number, o.total, o.currency, o.status) AS says FROM orders o
        WHERE ${IS_SOLD} AND NOT EXISTS (SELECT FROM payments p
          WHERE p.order_id = o.id AND p.status = 'succeeded' AND NOT p.late AND p.amount = o.total AND p.currency = o.currency)`,
    },
    {
      id: 'payments-without-order',
      title: 'Money that came in made its order paid',
      explanation:
        'A customer has paid, and the order does not know. It is either to be paid, if it still has its stock, or the money is to go back.',
      severity: 'error',
      resource: 'payment',
      broken: Prisma.sql`SELECT p.id::text AS id, format('%s %s were paid, and order %s is %s', p.amount, p.currency, o.number, o.status) AS says
        FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.status = 'succeeded' AND NOT p.late AND o.status IN ('pending', 'expired')`,
      repair: {
        explanation:
          'Takes the payment back to processing and has the provider asked: as if its answer came now, the order becomes paid, or the money goes back.',
        mend: async (ids, db) => {
          await lockOrders(Prisma.sql`SELECT order_id FROM payments WHERE id = ANY (${ids}::uuid[])`, db);
          const taken = await rows<Remark>(
            db,
            Prisma.sql`UPDATE payments p SET status = 'processing', asks = 0, updated_at = now() FROM orders o
              WHERE p.id = ANY (${ids}::uuid[]) AND o.id = p.order_id AND p.status = 'succeeded' AND NOT p.late AND p.refunded = 0 AND o.status IN ('pending', 'expired')
              RETURNING p.id::text AS id, 'status: succeeded → processing; job ${Prisma.raw(askForPayment.name)}' AS says`,
          );
          for (const { id } of taken) await enqueue(db, askForPayment, { paymentId: id }, { key: id });
          return taken;
        },
      },
    },
    {
      id: 'refunds-owed',
      title: 'Money of cancelled orders, and money that came late, goes back',
      explanation: 'A customer is owed money: its refund was refused by the provider, or never made. Find out why before trying again.',
      severity: 'error',
      resource: 'payment',
      broken: Prisma.sql`SELECT p.id::text AS id, format('%s of %s %s are owed for order %s', p.amount - p.refunded, p.amount, p.currency, o.number) AS says
        FROM payments p JOIN orders o ON o.id = p.order_id
        WHERE p.status = 'succeeded' AND (p.late OR o.status = 'cancelled') AND p.refunded < p.amount AND NOT p.disputed`,
      repair: { explanation: 'Makes a refund of what is owed; a job sends it.', mend: (ids, db) => this.payBack(ids, db) },
    },
    {
      id: 'refunds-failed',
      title: 'What could not be paid back was paid back otherwise',
      explanation:
        'A refund was promised, and the provider refused it; no other of that much was made since. Refund it again (POST /orders/:id/refunds), or by another way.',
      severity: 'warning',
      resource: 'refund',
      broken: Prisma.sql`SELECT r.id::text AS id, format('%s %s for order %s were not paid back: %s', r.amount, p.currency, o.number, coalesce(r.failure_code, 'failed')) AS says
        FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN orders o ON o.id = p.order_id
        WHERE r.status = 'failed' AND NOT p.late AND o.status <> 'cancelled' AND p.refunded < p.amount AND r.amount > (
          SELECT coalesce(sum(later.amount), 0) FROM refunds later WHERE later.payment_id = r.payment_id AND later.status <> 'failed' AND later.created_at > r.created_at)`,
    },
    {
      id: 'orders-overdue',
      title: 'Orders out of time are written down as expired within minutes',
      explanation:
        'They count as expired, but hold a coupon’s use, and their stock until somebody wants it. No worker runs the schedule orders.sweep, or it fails: the log says why.',
      severity: 'warning',
      resource: 'order',
      broken: Prisma.sql`SELECT o.id::text AS id, format('order %s was out of time at %s', o.number, to_char(o.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')) AS says
        FROM orders o WHERE o.status = 'pending' AND o.expires_at < now() - interval '10 minutes'`,
      repair: {
        explanation: 'Lets each expire, as the schedule would, unless a payment of it is just being made.',
        mend: (ids, db) => this.expire(ids, db),
      },
    },
    {
      id: 'orders-endless',
      title: 'A pending order has an end, or a payment under way',
      explanation: 'It would hold its stock for ever.',
      severity: 'error',
      resource: 'order',
      broken: Prisma.sql`SELECT o.id::text AS id, format('order %s of %s %s', o.number, o.total, o.currency) AS says FROM orders o
        WHERE o.status = 'pending' AND o.expires_at IS NULL AND o.updated_at < now() - interval '10 minutes'
          AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.status IN ('processing', 'requires_action', 'succeeded') AND NOT p.late)`,
      repair: { explanation: 'Lets each expire, as if its time were over now.', mend: (ids, db) => this.end(ids, db) },
    },
    {
      id: 'stock-held-for-nothing',
      title: 'Only pending orders hold stock',
      explanation: 'Goods lie there that nobody can buy, for an order that was paid, cancelled or out of time.',
      severity: 'error',
      resource: 'order',
      broken: Prisma.sql`SELECT r.order_id::text AS id, format('%s pieces, and the order is %s', sum(r.quantity), coalesce(o.status::text, 'not there')) AS says
        FROM stock_reservations r LEFT JOIN orders o ON o.id = r.order_id WHERE o.status IS DISTINCT FROM 'pending' GROUP BY r.order_id, o.status`,
      repair: { explanation: 'Gives back what they hold.', mend: (ids, db) => this.letGo(ids, db) },
    },
    {
      id: 'orders-goods',
      title: 'What a paid order has bought has left the stock, and for no other order anything has',
      explanation:
        'More left than was bought, or less: the ledger of each variant, by the order, says what. Goods of an order that came to nothing are to be back.',
      severity: 'error',
      resource: 'order',
      broken: Prisma.sql`SELECT o.id::text AS id, format('order %s is %s, %s pieces were bought, %s have left and %s are back', o.number, o.status, l.bought, coalesce(m.gone, 0), coalesce(m.back, 0)) AS says
        FROM orders o JOIN (SELECT order_id, sum(quantity) AS bought FROM order_lines GROUP BY order_id) l ON l.order_id = o.id
          LEFT JOIN (SELECT order_id, sum(-delta) FILTER (WHERE delta < 0) AS gone, sum(delta) FILTER (WHERE delta > 0) AS back FROM stock_movements
            WHERE order_id IS NOT NULL GROUP BY order_id) m ON m.order_id = o.id
        WHERE CASE WHEN ${IS_SOLD} THEN l.bought <> coalesce(m.gone, 0) OR m.back > m.gone ELSE coalesce(m.gone, 0) <> coalesce(m.back, 0) END`,
      repair: {
        explanation: 'Puts back what left for orders that came to nothing; those that were paid it leaves alone.',
        mend: (ids, db) => this.restock(ids, db),
      },
    },
    {
      id: 'coupons-used',
      title: 'What is counted as used of a coupon is the number of orders that have used it, or hold a use',
      explanation:
        'Too high, and buyers are refused a use that is left; too low, and it is used more often than it may. The orders are right.',
      severity: 'error',
      resource: 'coupon',
      broken: Prisma.sql`SELECT c.id::text AS id, format('%s uses are counted, %s orders have one', c.used, coalesce(o.uses, 0)) AS says
        FROM coupons c LEFT JOIN (SELECT coupon_id, count(*) AS uses FROM orders WHERE coupon_id IS NOT NULL GROUP BY coupon_id) o ON o.coupon_id = c.id
        WHERE c.used <> coalesce(o.uses, 0)`,
      repair: {
        explanation: 'Sets the count to the number of orders, unless that is more than the coupon allows.',
        mend: async (ids, db) => {
          await rows(db, Prisma.sql`SELECT id FROM coupons WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR UPDATE`);
          return rows<Remark>(
            db,
            Prisma.sql`WITH uses AS (
              SELECT c.id, c.used AS before, count(o.id)::int AS now FROM coupons c LEFT JOIN orders o ON o.coupon_id = c.id WHERE c.id = ANY (${ids}::uuid[]) GROUP BY c.id
            )
            UPDATE coupons c SET used = uses.now FROM uses WHERE c.id = uses.id AND uses.now <> uses.before AND uses.now <= coalesce(c.usage_limit, uses.now)
            RETURNING c.id::text AS id, format('used: %s → %s', uses.before, uses.now) AS says`,
          );
        },
      },
    },
  ];

  constructor(
    private readonly refunds: RefundsService,
    private readonly cancellations: CancellationsService,
    private readonly stock: StockService,
  ) {
    super();
  }

  private async payBack(ids: string[], db: Tx): Promise<Remark[]> {
    await lockOrders(Prisma.sql`SELECT order_id FROM payments WHERE id = ANY (${ids}::uuid[])`, db);
    const owed = await db.payment.findMany({
      where: { id: { in: ids }, status: 'succeeded', disputed: false, OR: [{ late: true }, { order: { status: 'cancelled' } }] },
      include: { order: { select: { userId: true } } },
      orderBy: { id: 'asc' },
    });
    const made: Remark[] = [];
    for (const { id, amount, refunded, currency, order } of owed) {
      const rest = amount - refunded;
      if (rest === 0n) continue;
      await this.refunds.create(SYSTEM, order.userId, { paymentId: id, amount: rest, reason: 'what was still owed' }, db);
      made.push({ id, says: `refund of ${rest} ${currency}` });
    }
    return made;
  }

  private async expire(ids: string[], db: Tx): Promise<Remark[]> {
    const expired: Remark[] = [];
    // Whoever makes a payment has the order wait for it; the next sweep comes by.
    const busy = await db.payment.findMany({
      where: { orderId: { in: ids }, status: 'processing', providerRef: null },
      select: { orderId: true },
    });
    const free = ids.filter((id) => !busy.some(({ orderId }) => orderId === id));
    for (const id of free) if (await this.cancellations.expire(id, db)) expired.push({ id, says: 'status: pending → expired' });
    return expired;
  }

  private async end(ids: string[], db: Tx): Promise<Remark[]> {
    await lockOrders(Prisma.sql`SELECT unnest(${ids}::uuid[])`, db);
    const ended = await rows<{ id: string }>(
      db,
      Prisma.sql`UPDATE orders o SET expires_at = now() WHERE o.id = ANY (${ids}::uuid[]) AND o.status = 'pending' AND o.expires_at IS NULL
        AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.status IN ('processing', 'requires_action', 'succeeded') AND NOT p.late) RETURNING o.id`,
    );
    return this.expire(
      ended.map(({ id }) => id),
      db,
    );
  }

  private async restock(ids: string[], db: Tx): Promise<Remark[]> {
    const back: Remark[] = [];
    for (const id of ids) {
      const order = await lockOrder(id, db);
      if (order === null || !['pending', 'cancelled', 'expired'].includes(order.status)) continue;
      const { _sum: out } = await db.stockMovement.aggregate({ where: { orderId: id }, _sum: { delta: true } });
      if ((out.delta ?? 0) >= 0) continue;
      await this.stock.restock(SYSTEM, id, 'correction: the order came to nothing', db);
      back.push({ id, says: `${-out.delta!} pieces put back` });
    }
    return back;
  }

  private async letGo(ids: string[], db: Tx): Promise<Remark[]> {
    const freed: Remark[] = [];
    for (const id of ids) {
      if ((await lockOrder(id, db))?.status === 'pending') continue;
      const { _sum: held } = await db.stockReservation.aggregate({ where: { orderId: id }, _sum: { quantity: true } });
      await this.stock.release(id, db);
      freed.push({ id, says: `${held.quantity ?? 0} pieces given back` });
    }
    return freed;
  }
}

/** In the order of their ids; variants, payments and coupons come after them, as everywhere. */
async function lockOrders(ids: Prisma.Sql, db: Tx): Promise<void> {
  await rows(db, Prisma.sql`SELECT id FROM orders WHERE id IN (${ids}) ORDER BY id FOR UPDATE`);
}
