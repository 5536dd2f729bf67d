// What customers and staff were told: a book outside the shop.
import { type Line, type OrderBody, together } from './answers.ts';

/** Who has an account, and is logged in. */
export interface Person {
  email: string;
  token: string;
}

/** Who has an address only. */
export interface Guest {
  email: string;
  token?: undefined;
}

export type Customer = Person | Guest;

/** A cart that is kept by the shop; the token of a guest's opens it. */
export interface Cart {
  id: string;
  token: string | null;
}

/** What somebody orders, and by what it is priced; `cart` is where all of that was put. */
export interface Wanted {
  items: Line[];
  currency?: string;
  couponCode?: string;
  cart?: Cart;
}

/** What all that is sold costs in, unless something else is asked for. */
export const CURRENCY = 'EUR';
/** The currency of a price list. */
export const OTHER_CURRENCY = 'USD';
/** Takes off a tenth, halves up. */
export const COUPON = { code: 'A-TENTH', kind: 'percentage', percentage: '10' } as const;
const discountOf = (subtotal: number) => Math.floor((subtotal + 5) / 10);

/** What a customer was told of an order. */
export interface Purchase {
  id: string;
  number: string;
  by: Customer;
  /** Opens it, for a guest. */
  token: string | undefined;
  /** How many of each variant. */
  items: Map<string, number>;
  /** As the catalogue has it: what it has to cost, whatever was answered. */
  total: number;
  currency: string;
  answered: OrderBody['total'];
  /** Whether a coupon takes something off. */
  reduced: boolean;
  /** The cart that was ordered. */
  cartId: string | undefined;
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
  /** What was delivered of each variant, and what one costs in which currency. */
  readonly stock = new Map<string, { stock: number; prices: Record<string, number> }>();

  placed({ id, number, total, token }: OrderBody, by: Customer, { items: lines, cart, couponCode, currency = CURRENCY }: Wanted): Purchase {
    const known = this.orders.get(id);
    if (known !== undefined) return known;
    const items = together(lines);
    const subtotal = [...items].reduce((sum, [variantId, quantity]) => sum + this.stock.get(variantId)!.prices[currency]! * quantity, 0);
    const reduced = couponCode !== undefined;
    const purchase: Purchase = {
      id,
      number,
      by,
      token,
      items,
      total: subtotal - (reduced ? discountOf(subtotal) : 0),
      currency,
      answered: total,
      reduced,
      cartId: cart?.id,
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
  currency: string;
  /** Of its user, or of its guest. */
  email: string;
  guest: boolean;
}

/** What an order is whose money the shop has, or had. */
export const HELD = new Set(['paid', 'shipped', 'delivered', 'refunded']);
