import { type Db, Prisma, rows } from '#database';
import { askAgainSeconds, type ChargeName } from './payments.rules.js';

export type Payment = Prisma.PaymentGetPayload<object>;

/**
 * The payment that a provider speaks of; null when it is none of ours. It may do so before its answer has told what it calls it, so either name
 * will do. Both are asked for in one statement: the answer may be written down between two.
 */
export async function paymentNamed(provider: string, { ref, paymentId }: ChargeName, db: Db): Promise<Payment | null> {
  const names = [{ providerRef: ref }, ...(paymentId === null ? [] : [{ id: paymentId, providerRef: null }])];
  return db.payment.findFirst({ where: { provider, OR: names } });
}

/** Those of which the provider did not know yet, and that were not asked for again when it was time, nor in so many seconds after that. */
export async function overduePayments(graceSeconds: number, db: Db): Promise<Payment[]> {
  const waits = [0, 1, 2, 3, 4, 5, 6].map(askAgainSeconds);
  const found = await rows<{ id: string }>(
    db,
    Prisma.sql`SELECT id FROM payments WHERE status IN ('processing', 'requires_action')
      AND updated_at < now() - make_interval(secs => (${waits}::int[])[least(asks + 1, ${waits.length}::int)] + ${graceSeconds}::int)
      ORDER BY updated_at LIMIT 100`,
  );
  return db.payment.findMany({ where: { id: { in: found.map(({ id }) => id) } }, orderBy: { updatedAt: 'asc' } });
}
