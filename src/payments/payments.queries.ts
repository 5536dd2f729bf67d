import type { Db, Prisma } from '#database';
import type { ChargeName } from './payments.rules.js';

export type Payment = Prisma.PaymentGetPayload<object>;

/** The payment that a provider speaks of; null when it is none of ours. It may do so before its answer has told what it calls it. */
export async function paymentNamed(provider: string, { ref, paymentId }: ChargeName, db: Db): Promise<Payment | null> {
  const known = await db.payment.findUnique({ where: { provider_providerRef: { provider, providerRef: ref } } });
  if (known !== null || paymentId === null) return known;
  return db.payment.findUnique({ where: { id: paymentId, provider, providerRef: null } });
}
