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

/** A pending order past its time counts as expired, whether or not anybody has written that down. Without a time a payment is under way. */
export function statusAt(order: { status: OrderStatus; expiresAt: Date | null }, now: Date): OrderStatus {
  return order.status === 'pending' && order.expiresAt !== null && order.expiresAt <= now ? 'expired' : order.status;
}

export interface PricedLine {
  unitPrice: bigint;
  quantity: number;
}

export interface Totals {
  subtotal: bigint;
  discount: bigint;
  tax: bigint;
  shipping: bigint;
  total: bigint;
}

/** The most that is charged at once: an integer every JSON reader holds exactly. */
export const MAX_TOTAL = 1_000_000_000_000_000n;

/** Prices are final: tax is included, shipping is free, and nothing is discounted until coupons, tax and shipping are settings. */
export function totalsOf(lines: readonly PricedLine[]): Totals {
  const subtotal = lines.reduce((sum, { unitPrice, quantity }) => sum + unitPrice * BigInt(quantity), 0n);
  return { subtotal, discount: 0n, tax: 0n, shipping: 0n, total: subtotal };
}
