// Customers who come and go, and send again what was not answered.
import { setTimeout as sleep } from 'node:timers/promises';
import { aKey, type Answer, count, type Line, nameOf, type OrderBody, type PaymentBody, type Tally, together } from './answers.ts';
import { type Call, inCart, ordering } from './calls.ts';
import { type Cart, COUPON, type Customer, type Guest, OTHER_CURRENCY, type Wanted } from './ledger.ts';
import { GOOD, GUESTS, pick, type Random, whole } from './proof.ts';
import type { Shop } from './shop.ts';

/** Makes a call, once or until it is answered. */
export type Send = <Body>(method: string, path: string, call: Call) => Promise<Answer<Body>>;

export interface Visits {
  done: number;
  retries: number;
  /** Of which kinds they were; one may be of several. */
  kinds: Tally;
  answers: Tally;
  end(): Promise<void>;
}

/** What the second order of a cart is answered. */
export const SECOND_ORDER = 'second order of a cart 404 carts/not-found';

/** Somebody whom nobody has seen before. */
export const aGuest = (): Guest => ({ email: `guest-${crypto.randomUUID()}@example.net` });

export function someLines(random: Random, variants: string[]): Line[] {
  return Array.from({ length: whole(random, 1, 3) }, () => ({ variantId: pick(random, variants), quantity: whole(random, 1, 2) }));
}

/** Puts all that is wanted into a cart, call by call; each may be made again. */
export async function fillCart(send: Send, by: Customer, { items, ...terms }: Omit<Wanted, 'cart'>): Promise<Cart> {
  const good = async <Body>(method: string, path: string, call: Call): Promise<Body> => {
    const answer = await send<Body>(method, path, call);
    if (answer.status >= 300) throw new Error(`${method} ${path} is answered ${answer.status}: ${answer.text}`);
    return answer.body;
  };
  const cart = await good<Cart>('POST', 'carts', { by });
  const call = inCart(by, cart);
  for (const [variantId, quantity] of together(items))
    await good('PUT', `carts/${cart.id}/items/${variantId}`, { ...call, body: { quantity } });
  if (Object.keys(terms).length > 0) await good('PATCH', `carts/${cart.id}`, { ...call, body: terms });
  return cart;
}

/**
 * Users and guests order what is in `items` or in a cart, in one of two currencies, some with a coupon; they pay, look and cancel, each with keys,
 * and send again what was not answered. So many a second begin.
 */
export function visits(shop: Shop, random: Random, variants: string[], aSecond: number): Visits {
  const underWay = new Set<Promise<void>>();
  const state = { done: 0, retries: 0, kinds: {} as Tally, answers: {} as Tally };
  const failed: unknown[] = [];
  /** A user has one cart: who is just filling it cannot fill another. */
  const filling = new Set<Customer>();
  let over = false;
  const send: Send = (method, path, call) => shop.insist(random, method, path, call, (times) => void (state.retries += times));
  const order = (by: Customer, wanted: Wanted) => send<OrderBody>('POST', 'orders', { ...ordering(by, wanted), key: aKey() });
  const orderCart = async (by: Customer, goods: Wanted, again: boolean): Promise<[Wanted, Answer<OrderBody>]> => {
    filling.add(by);
    try {
      const wanted = { ...goods, cart: await fillCart(send, by, goods) };
      const placed = await order(by, wanted);
      if (!again || placed.status !== 201) return [wanted, placed];
      // Somebody has the page still open: another call, which must find no cart.
      const second = await order(by, wanted);
      if (second.status === 201) shop.ledger.placed(second.body, by, wanted);
      count(state.answers, `second order of a cart ${nameOf(second)}`);
      return [wanted, placed];
    } finally {
      filling.delete(by);
    }
  };
  const visit = async (nth: number) => {
    const by = random() < GUESTS ? aGuest() : shop.people[nth % shop.people.length]!;
    const goods: Wanted = {
      items: someLines(random, variants),
      ...(random() < 0.3 && { currency: OTHER_CURRENCY }),
      ...(random() < 0.3 && { couponCode: COUPON.code }),
    };
    const method = pick(random, [...GOOD, ...GOOD, 'sandbox:decline', 'sandbox:timeout', 'pm_card_chargeDeclined']);
    const [fills, again, pays, cancels] = [random() < 0.5 && !filling.has(by), random() < 0.3, random() < 0.8, random() < 0.2];
    const kinds = { guests: by.token === undefined, carts: fills, [OTHER_CURRENCY]: goods.currency, coupons: goods.couponCode };
    for (const [kind, is] of Object.entries(kinds)) if (is) count(state.kinds, kind);
    const [wanted, placed] = fills ? await orderCart(by, goods, again) : [goods, await order(by, goods)];
    count(state.answers, `order ${nameOf(placed)}`);
    if (placed.status !== 201) return;
    const { id } = placed.body;
    const purchase = shop.ledger.placed(placed.body, by, wanted);
    if (pays) {
      shop.ledger.tries(id);
      const paid = await send<PaymentBody>('POST', `orders/${id}/payments`, { ...shop.about(id), key: aKey(), body: { method } });
      count(state.answers, `payment ${nameOf(paid)}${paid.status === 201 ? ` ${paid.body.status}` : ''}`);
      purchase.paid = paid.status === 201 && paid.body.status === 'succeeded';
    }
    if (cancels) {
      const call = { ...shop.about(id), key: aKey(), body: {} };
      count(state.answers, `cancellation ${nameOf(await send('POST', `orders/${id}/cancellation`, call))}`);
    }
    const seen = await send<OrderBody>('GET', `orders/${id}`, shop.about(id));
    const right = seen.status === 200 && seen.body.number === purchase.number && (!cancels || seen.body.status === 'cancelled');
    count(state.answers, right ? 'look 200' : `look ${nameOf(seen)} at another order: ${seen.text}`);
  };
  const coming = (async () => {
    for (let nth = 0; !over; nth++) {
      if (underWay.size < 300) {
        const visitor = visit(nth)
          .then(
            () => void (state.done += 1),
            (error: unknown) => void failed.push(error),
          )
          .finally(() => underWay.delete(visitor));
        underWay.add(visitor);
      }
      await sleep(1_000 / aSecond);
    }
  })();
  return Object.assign(state, {
    end: async () => {
      over = true;
      await coming;
      await Promise.all(underWay);
      if (failed.length > 0) throw new AggregateError(failed, `${failed.length} visits failed: ${String(failed[0])}`);
    },
  });
}
