// Whether the comparison sees anything at all: each lie is told to one of the books, must be found, and is taken back.
import { compare } from './books.ts';
import { CURRENCY, OTHER_CURRENCY, type Purchase } from './ledger.ts';
import type { Shop } from './shop.ts';

interface Lie {
  what: string;
  /** How to take it back; null where there is nothing to lie about. */
  tell: (shop: Shop) => Promise<(() => Promise<unknown>) | null>;
}

/** Tells a lie by one statement, and takes it back by another. */
const inTheDatabase = (what: string, lie: string, back: string): Lie => ({
  what,
  tell: async (shop) => {
    const told = await shop.sql(`${lie} RETURNING 1`);
    return told.length === 0 ? null : () => shop.sql(back);
  },
});

/** Leaves something out of a book that is kept outside. */
const without = <T>(what: string, from: (shop: Shop) => T[], which: (item: T) => boolean): Lie => ({
  what,
  tell: (shop) => {
    const all = from(shop);
    const kept = all.filter((item) => !which(item));
    const told = all.splice(0, all.length, ...kept);
    return Promise.resolve(kept.length === told.length ? null : () => Promise.resolve(all.splice(0, all.length, ...told)));
  },
});

/** Writes something else of the last such order into the ledger. */
const ofAnOrder = (
  what: string,
  which: (purchase: Purchase) => boolean,
  lie: (purchase: Purchase, shop: Shop) => Partial<Purchase>,
): Lie => ({
  what,
  tell: (shop) => {
    const purchase = [...shop.ledger.orders.values()].findLast(which);
    if (purchase === undefined) return Promise.resolve(null);
    const truth = { ...purchase };
    Object.assign(purchase, lie(purchase, shop));
    return Promise.resolve(() => Promise.resolve(Object.assign(purchase, truth)));
  },
});

/** An acknowledged order that the shop does not have. */
const lost = (what: string, which: (purchase: Purchase) => boolean): Lie => ({
  what,
  tell: (shop) => {
    const purchase = [...shop.ledger.orders.values()].findLast(which);
    if (purchase === undefined) return Promise.resolve(null);
    const id = crypto.randomUUID();
    shop.ledger.orders.set(id, { ...purchase, id, cartId: undefined });
    return Promise.resolve(() => Promise.resolve(shop.ledger.orders.delete(id)));
  },
});

const isGuests = ({ by }: Purchase) => by.token === undefined;
const fromCart = ({ cartId }: Purchase) => cartId !== undefined;

const FIRST_VARIANT = '(SELECT id FROM variants ORDER BY id LIMIT 1)';
const LAST_PAID = `(SELECT id FROM payments WHERE status = 'succeeded' AND NOT late ORDER BY id DESC LIMIT 1)`;
const LAST_CHARGED = `(SELECT payment_id FROM sandbox_charges WHERE outcome = 'succeeded' ORDER BY payment_id DESC LIMIT 1)`;

const LIES: Lie[] = [
  inTheDatabase(
    'a piece too many',
    `UPDATE variants SET stock = stock + 1 WHERE id = ${FIRST_VARIANT}`,
    `UPDATE variants SET stock = stock - 1 WHERE id = ${FIRST_VARIANT}`,
  ),
  inTheDatabase(
    'a payment of another amount',
    `UPDATE payments SET amount = amount + 1 WHERE id = ${LAST_PAID}`,
    `UPDATE payments SET amount = amount - 1 WHERE id = ${LAST_PAID}`,
  ),
  inTheDatabase(
    'a provider that has charged more',
    `UPDATE sandbox_charges SET amount = amount + 1 WHERE payment_id = ${LAST_CHARGED}`,
    `UPDATE sandbox_charges SET amount = amount - 1 WHERE payment_id = ${LAST_CHARGED}`,
  ),
  {
    what: 'an order that nobody was told of',
    tell: (shop) => {
      const [id, purchase] = [...shop.ledger.orders].at(-1)!;
      shop.ledger.orders.delete(id);
      return Promise.resolve(() => Promise.resolve(shop.ledger.orders.set(id, purchase)));
    },
  },
  lost('an order that is gone', () => true),
  lost('an order of a guest that is gone', isGuests),
  ofAnOrder(
    'an order of another total',
    () => true,
    ({ total }) => ({ total: total + 1 }),
  ),
  ofAnOrder(
    'an order in another currency',
    ({ currency }) => currency === OTHER_CURRENCY,
    () => ({ currency: CURRENCY }),
  ),
  ofAnOrder('an order of another guest', isGuests, () => ({ by: { email: 'guest@example.net' } })),
  ofAnOrder('an order made twice from one cart', fromCart, ({ id }, shop) => {
    const before = [...shop.ledger.orders.values()].find((purchase) => fromCart(purchase) && purchase.id !== id);
    return { cartId: before?.cartId };
  }),
  {
    what: 'a cart that is there although it is ordered',
    tell: async (shop) => {
      const purchase = [...shop.ledger.orders.values()].findLast(fromCart);
      if (purchase === undefined) return null;
      await shop.sql(`INSERT INTO carts (id, token_hash, updated_at) VALUES ('${purchase.cartId}', sha256('a lie'), now())`);
      return () => shop.sql(`DELETE FROM carts WHERE id = '${purchase.cartId}'`);
    },
  },
  ofAnOrder(
    'a coupon that was used by one more',
    ({ reduced, paid }) => reduced && paid,
    () => ({ reduced: false }),
  ),
  without(
    'an event that did not arrive',
    (shop) => shop.receiver.received,
    ({ body }) => body.startsWith('{"type":"order.paid"'),
  ),
  without(
    'mails that did not arrive',
    (shop) => shop.mails,
    ({ to }) => to === 'user-2@example.org',
  ),
  without(
    'mails to guests that did not arrive',
    (shop) => shop.mails,
    ({ to }) => to.startsWith('guest-'),
  ),
  {
    what: 'another mail about the same',
    tell: (shop) => {
      const mail = shop.mails.findLast(({ subject }) => subject.endsWith('is placed'));
      if (mail === undefined) return Promise.resolve(null);
      shop.mails.push({ ...mail, id: '<another@example.org>' });
      return Promise.resolve(() => Promise.resolve(shop.mails.pop()));
    },
  },
];

/** The lies that were not found, of which there must be none; and those for which there was nothing to lie about. */
export async function checkTheChecker(shop: Shop): Promise<{ blind: string[]; untold: string[] }> {
  const [blind, untold]: [string[], string[]] = [[], []];
  for (const { what, tell } of LIES) {
    const takeBack = await tell(shop);
    if (takeBack === null) {
      untold.push(`there was nothing to tell this lie about: ${what}`);
      continue;
    }
    if ((await compare(shop)).length === 0) blind.push(`the comparison does not see ${what}`);
    await takeBack();
  }
  return { blind, untold };
}

export const LIES_TOLD = LIES.length;
