import type { DisputeStatus, PaymentStatus, RefundStatus } from '#database';
import type { EventSubject } from './payments.rules.js';

/** Currencies without minor units whose amounts Stripe wants in hundredths all the same (docs.stripe.com/currencies, "Special cases"). */
const IN_HUNDREDTHS = new Set(['ISK', 'UGX']);

/** An amount as Stripe counts it. */
export function stripeAmount(amount: bigint, currency: string): number {
  const counted = Number(IN_HUNDREDTHS.has(currency) ? amount * 100n : amount);
  if (!Number.isSafeInteger(counted)) throw new RangeError('An amount is too large for Stripe.');
  return counted;
}

/** An amount as we count it. */
export function amountFromStripe(amount: number, currency: string): bigint {
  return IN_HUNDREDTHS.has(currency.toUpperCase()) ? BigInt(amount) / 100n : BigInt(amount);
}

/** What the status of a PaymentIntent means for a payment. One that wants another method has failed: the customer begins anew. */
export function paymentStatusOf(status: string): PaymentStatus {
  switch (status) {
    case 'succeeded':
    case 'requires_action':
      return status;
    case 'requires_payment_method':
    case 'canceled':
      return 'failed';
    default:
      return 'processing';
  }
}

export function refundStatusOf(status: string | null): RefundStatus {
  if (status === 'succeeded') return 'succeeded';
  return status === 'failed' || status === 'canceled' ? 'failed' : 'pending';
}

/** An inquiry that was closed and a dispute that was prevented have cost nothing. */
export function disputeStatusOf(status: string): DisputeStatus {
  if (status === 'won' || status === 'warning_closed' || status === 'prevented') return 'won';
  return status === 'lost' ? 'lost' : 'open';
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An id of ours in Stripe's metadata; null when there is none. Others may use the same account, and the same names. */
export function ourId(metadata: unknown, name: 'payment_id' | 'refund_id'): string | null {
  const id = (metadata as Record<string, unknown> | null | undefined)?.[name];
  return typeof id === 'string' && UUID.test(id) ? id : null;
}

/** What an event of this type is about; null when that is no concern of ours. */
export function subjectOf(type: string, object: { id?: unknown; metadata?: unknown }): EventSubject | null {
  const { id: ref } = object;
  if (typeof ref !== 'string') return null;
  const about = /^payment_intent\./.test(type)
    ? 'payment'
    : /^charge\.dispute\./.test(type)
      ? 'dispute'
      : /^(?:refund\.|charge\.refund\.)/.test(type)
        ? 'refund'
        : null;
  if (about === null) return null;
  return { about, ref, paymentId: ourId(object.metadata, 'payment_id') };
}
