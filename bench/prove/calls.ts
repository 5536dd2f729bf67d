// How users and guests call the shop.
import type { Cart, Customer, Wanted } from './ledger.ts';

export interface Call {
  by: Customer;
  /** The secret of a guest's cart or order. */
  shows?: { 'x-cart-token': string } | { 'x-order-token': string };
  key?: string;
  /** A text goes out as it is. */
  body?: object | string;
}

/** What somebody calls with about a cart. */
export const inCart = (by: Customer, { token }: Cart): Call => ({ by, ...(token !== null && { shows: { 'x-cart-token': token } }) });

/** The call that orders something. */
export function ordering(by: Customer, { cart, ...goods }: Wanted): Call {
  const guest = by.token === undefined && { email: by.email };
  return cart === undefined ? { by, body: { ...goods, ...guest } } : { ...inCart(by, cart), body: { cartId: cart.id, ...guest } };
}
