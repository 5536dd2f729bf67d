import { type Db, Prisma, rowsPlannedAnew } from '#database';
import { IS_SOLD } from './orders.queries.js';

/** Orders of a time, and of one currency where one is named. */
export interface Period {
  from: Date;
  to: Date;
  currency: string | null;
}

/** What was sold on a day in a currency. Amounts are minor units. */
export interface Day {
  currency: string;
  /** `2026-11-30`. */
  date: string;
  orders: number;
  paid: bigint;
  refunded: bigint;
}

export interface TopProduct {
  currency: string;
  productId: string;
  name: string;
  quantity: number;
  revenue: bigint;
}

const TOP = 10;

/** Orders that were paid, and not cancelled; those of the index on their time. */
const SOLD = ({ from, to, currency }: Period) =>
  Prisma.sql`o.created_at >= ${from}::timestamptz AND o.created_at < ${to}::timestamptz AND ${IS_SOLD}
    AND (${currency}::text IS NULL OR o.currency = ${currency}::text)`;

/** What was sold by day and currency, in this order: days of a time zone. */
export function soldByDay(db: Db, period: Period, timeZone: string): Promise<Day[]> {
  return rowsPlannedAnew(
    db,
    Prisma.sql`SELECT o.currency, to_char(o.created_at AT TIME ZONE ${timeZone}, 'YYYY-MM-DD') AS date, count(*)::int AS orders,
        sum(o.total)::bigint AS paid, coalesce(sum(p.refunded), 0)::bigint AS refunded
      FROM orders o LEFT JOIN payments p ON p.order_id = o.id AND p.status = 'succeeded' AND NOT p.late
      WHERE ${SOLD(period)} GROUP BY 1, 2 ORDER BY 1, 2`,
  );
}

/** The products that came to most in each currency, what was paid back included. */
export function topProducts(db: Db, period: Period): Promise<TopProduct[]> {
  return rowsPlannedAnew(
    db,
    Prisma.sql`SELECT currency, s.product_id AS "productId", p.name, quantity, revenue FROM (
        SELECT o.currency, v.product_id, sum(l.quantity)::int AS quantity, sum(l.total - l.discount)::bigint AS revenue,
          row_number() OVER (PARTITION BY o.currency ORDER BY sum(l.total - l.discount) DESC, v.product_id) AS place
        FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN variants v ON v.id = l.variant_id
        WHERE ${SOLD(period)} GROUP BY o.currency, v.product_id
      ) s JOIN products p ON p.id = s.product_id WHERE place <= ${TOP} ORDER BY currency, place`,
  );
}

/** When the day began in a time zone, so many days before a time. */
export async function startOfDay(db: Db, before: Date, days: number, timeZone: string): Promise<Date> {
  const [row] = await rowsPlannedAnew<{ start: Date }>(
    db,
    Prisma.sql`SELECT greatest((date_trunc('day', ${before}::timestamptz AT TIME ZONE ${timeZone}) - make_interval(days => ${days}::int)) AT TIME ZONE ${timeZone},
      timestamptz '0001-01-01T00:00:00Z') AS start`,
  );
  return row!.start;
}
