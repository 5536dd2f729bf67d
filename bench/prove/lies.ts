// Whether the comparison sees anything at all: each lie is told to one of the books, must be found, and is taken back.
import { compare } from './books.ts';
import type { Shop } from './shop.ts';

interface Lie {
  what: string;
  tell: (shop: Shop) => Promise<() => Promise<unknown>>;
}

/** Tells a lie by one statement, and takes it back by another. */
const inTheDatabase = (what: string, lie: string, back: string): Lie => ({
  what,
  tell: async (shop) => {
    await shop.sql(lie);
    return () => shop.sql(back);
  },
});

/** Leaves something out of a book that is kept outside. */
const without = <T>(what: string, from: (shop: Shop) => T[], which: (item: T) => boolean): Lie => ({
  what,
  tell: (shop) => {
    const all = from(shop);
    const kept = all.filter((item) => !which(item));
    const told = all.splice(0, all.length, ...kept);
    return Promise.resolve(() => Promise.resolve(all.splice(0, all.length, ...told)));
  },
});

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
  {
    what: 'an order that is gone',
    tell: (shop) => {
      const [, purchase] = [...shop.ledger.orders].at(-1)!;
      const id = crypto.randomUUID();
      shop.ledger.orders.set(id, { ...purchase, id });
      return Promise.resolve(() => Promise.resolve(shop.ledger.orders.delete(id)));
    },
  },
  {
    what: 'an order of another total',
    tell: (shop) => {
      const [, purchase] = [...shop.ledger.orders].at(-1)!;
      purchase.total += 1;
      return Promise.resolve(() => Promise.resolve((purchase.total -= 1)));
    },
  },
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
];

/** The lies that were not found; there must be none. */
export async function checkTheChecker(shop: Shop): Promise<string[]> {
  const faults: string[] = [];
  for (const { what, tell } of LIES) {
    const takeBack = await tell(shop);
    if ((await compare(shop)).length === 0) faults.push(`the comparison does not see ${what}`);
    await takeBack();
  }
  return faults;
}

export const LIES_TOLD = LIES.length;
