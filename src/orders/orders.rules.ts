export type OrderStatus = 'pending' | 'paid' | 'shipped' | 'delivered' | 'cancelled' | 'expired' | 'refunded';

/** The life of an order: what may follow what. */
export const TRANSITIONS: Record<OrderStatus, readonly OrderStatus[]> = {
  pending: ['paid', 'cancelled', 'expired'],
  paid: ['shipped', 'cancelled', 'refunded'],
  shipped: ['delivered', 'refunded'],
  delivered: ['refunded'],
  cancelled: [],
  expired: [],
  refunded: [],
};

export function mayBecome(from: OrderStatus, to: OrderStatus): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Paid, and not cancelled since: what may be refunded, and what was. */
export function isSold(status: OrderStatus): boolean {
  return status === 'refunded' || mayBecome(status, 'refunded');
}

/** A pending order past its time counts as expired, whether or not anybody has written that down. Without a time a payment is under way. */
export function statusAt(order: { status: OrderStatus; expiresAt: Date | null }, now: Date): OrderStatus {
  return order.status === 'pending' && order.expiresAt !== null && order.expiresAt <= now ? 'expired' : order.status;
}
