import type { FieldProblem } from '#errors';

/** A line of an order, as far as returning it goes. */
export interface ReturnableLine {
  position: number;
  variantId: string;
  quantity: number;
  total: bigint;
  discount: bigint;
  tax: bigint;
}

/** So many of a line. */
export interface Returned {
  position: number;
  quantity: number;
}

/** How many of each line have come back. */
export function returnedSoFar(refunds: readonly { status: string; lines: readonly Returned[] }[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { status, lines } of refunds)
    if (status !== 'failed') for (const { position, quantity } of lines) counts.set(position, (counts.get(position) ?? 0) + quantity);
  return counts;
}

/** All that has not come back yet. */
export function restOf(lines: readonly ReturnableLine[], before: ReadonlyMap<number, number>): Returned[] {
  return lines
    .map(({ position, quantity }) => ({ position, quantity: quantity - (before.get(position) ?? 0) }))
    .filter(({ quantity }) => quantity > 0);
}

/** So many of each line; `problems` say of which items there are fewer. */
export interface Taken {
  lines: Returned[];
  problems: FieldProblem[];
}

/** Finds the lines of what comes back: a variant that stands in several lines is taken from the first that have some left. */
export function linesOf(
  items: readonly { variantId: string; quantity: number }[],
  lines: readonly ReturnableLine[],
  before: ReadonlyMap<number, number>,
): Taken {
  const left = new Map(lines.map(({ position, quantity }) => [position, quantity - (before.get(position) ?? 0)]));
  return takeFrom(items, lines, left, { code: 'orders/not-returnable', short: (free) => `only ${free} have not been returned` });
}

/** Takes items from the lines of an order, of each as many as are `available`. */
export function takeFrom(
  items: readonly { variantId: string; quantity: number }[],
  lines: readonly { position: number; variantId: string }[],
  available: ReadonlyMap<number, number>,
  { code, short }: { code: string; short: (free: number) => string },
): Taken {
  const left = new Map(available);
  const taken = new Map<number, number>();
  const problems = items.flatMap(({ variantId, quantity }, index): FieldProblem[] => {
    const own = lines.filter((line) => line.variantId === variantId);
    const free = own.reduce((sum, { position }) => sum + left.get(position)!, 0);
    if (own.length === 0) return [{ pointer: `/items/${index}/variantId`, code, detail: 'is not in the order' }];
    if (free < quantity) return [{ pointer: `/items/${index}/quantity`, code, detail: short(free) }];
    let wanted = quantity;
    for (const { position } of own) {
      const some = Math.min(wanted, left.get(position)!);
      if (some === 0) continue;
      wanted -= some;
      left.set(position, left.get(position)! - some);
      taken.set(position, (taken.get(position) ?? 0) + some);
    }
    return [];
  });
  return { lines: [...taken].map(([position, quantity]) => ({ position, quantity })), problems };
}

/**
 * What was paid for what comes back: its lines less their discounts, with the tax that came on top of them, and none of the shipping. It is shared
 * out over the pieces of a line so that those of all are the whole to the cent, in however many steps they come back.
 */
export function paidFor(
  returned: readonly Returned[],
  { lines, tax: onTop }: { lines: readonly ReturnableLine[]; tax: bigint },
  before: ReadonlyMap<number, number>,
): bigint {
  return returned.reduce((due, { position, quantity }) => {
    const { total, discount, tax, quantity: pieces } = lines.find((line) => line.position === position)!;
    const paid = total - discount + (onTop > 0n ? tax : 0n);
    const already = BigInt(before.get(position) ?? 0);
    return due + (paid * (already + BigInt(quantity))) / BigInt(pieces) - (paid * already) / BigInt(pieces);
  }, 0n);
}
