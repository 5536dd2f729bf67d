// What customers and staff were told: a book outside the shop.
import type { Line, OrderBody } from './answers.ts';

export interface Person {
  email: string;
  token: string;
}

/** What a customer was told of an order. */
export interface Purchase {
  id: string;
  number: string;
  by: Person;
  /** How many of each variant. */
  items: Map<string, number>;
  /** As the catalogue has it: what it has to cost, whatever was answered. */
  total: number;
  answered: number;
  /** Different calls that tried to pay it. */
  tries: number;
  /** Told that it is paid. */
  paid: boolean;
  /** Told that so much went back. */
  refunded: number;
  /** Told that so many of each variant went back on the shelf. */
  returned: Map<string, number>;
}

/** What customers and staff were told, which must be true ever after. */
export class Ledger {
  readonly orders = new Map<string, Purchase>();
  /** What was delivered of each variant, and what one costs. */
  readonly stock = new Map<string, { stock: number; price: number }>();

  placed({ id, number, total }: OrderBody, by: Person, lines: Line[]): Purchase {
    const known = this.orders.get(id);
    if (known !== undefined) return known;
    const items = new Map<string, number>();
    for (const { variantId, quantity } of lines) items.set(variantId, (items.get(variantId) ?? 0) + quantity);
    const costs = [...items].reduce((sum, [variantId, quantity]) => sum + this.stock.get(variantId)!.price * quantity, 0);
    const purchase = {
      id,
      number,
      by,
      items,
      total: costs,
      answered: total.amount,
      tries: 0,
      paid: false,
      refunded: 0,
      returned: new Map(),
    };
    this.orders.set(id, purchase);
    return purchase;
  }

  tries(orderId: string): void {
    this.orders.get(orderId)!.tries += 1;
  }

  /** A refund was acknowledged as done. */
  refunded(orderId: string, amount: number, restocked: ReadonlyMap<string, number>): void {
    const purchase = this.orders.get(orderId)!;
    purchase.refunded += amount;
    for (const [variantId, quantity] of restocked) purchase.returned.set(variantId, (purchase.returned.get(variantId) ?? 0) + quantity);
  }
}

/** An order as the shop has it. */
export interface Ours {
  id: string;
  number: string;
  status: string;
  total: number;
}

/** What an order is whose money the shop has, or had. */
export const HELD = new Set(['paid', 'shipped', 'delivered', 'refunded']);
