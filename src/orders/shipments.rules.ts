import type { OrderStatus } from './orders.rules.js';
import { type Returned, takeFrom, type Taken } from './returns.rules.js';

/** A line of an order, as far as sending it goes. */
export interface SendableLine {
  position: number;
  variantId: string;
  quantity: number;
  /** How many of them are in parcels. */
  shipped: number;
}

/** Whether goods of an order may go out: it is paid for. What a bank refused to pay back after all had gone may still go. */
export function maySend(status: OrderStatus): boolean {
  return status === 'paid' || status === 'shipped';
}

/**
 * How many of each line are still to be sent. What comes back while some are still here counts as one of those: a refund by line of an order
 * that is not all sent is for what will not be sent.
 */
export function unsentOf(lines: readonly SendableLine[], returned: ReadonlyMap<number, number>): Map<number, number> {
  return new Map(
    lines.map(({ position, quantity, shipped }) => [position, Math.max(0, quantity - shipped - (returned.get(position) ?? 0))] as const),
  );
}

/** What goes into a parcel: of these items, or, without any, all that is left. */
export function parcelOf(
  items: readonly { variantId: string; quantity: number }[] | undefined,
  lines: readonly SendableLine[],
  unsent: ReadonlyMap<number, number>,
): Taken {
  const all = [...unsent].map(([position, quantity]): Returned => ({ position, quantity })).filter(({ quantity }) => quantity > 0);
  if (items === undefined) return { lines: all, problems: [] };
  return takeFrom(items, lines, unsent, { code: 'orders/not-shippable', short: (free) => `only ${free} are left to be sent` });
}

/** What an order becomes by what was sent and has arrived; null: it stays. `underWay` counts parcels that have not arrived. */
export function nextStatus(
  status: OrderStatus,
  { unsent, sent, underWay }: Record<'unsent' | 'sent' | 'underWay', number>,
): 'shipped' | 'delivered' | null {
  if (unsent > 0 || sent === 0) return null;
  if (status === 'paid') return 'shipped';
  return status === 'shipped' && underWay === 0 ? 'delivered' : null;
}
