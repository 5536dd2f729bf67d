// Carts that are ordered by several at once, and merged while they are ordered.
import { setTimeout as sleep } from 'node:timers/promises';
import { aKey, type Answer, count, inTurns, type Line, listed, nameOf, type OrderBody, type Tally, tally, together } from './answers.ts';
import { inCart, ordering } from './calls.ts';
import { type Cart, COUPON, type Customer, OTHER_CURRENCY, type Person, type Wanted } from './ledger.ts';
import { fault, GOOD, GUESTS, one, pick, type Proof, type Random, required, whole } from './proof.ts';
import type { Shop } from './shop.ts';
import { aGuest, fillCart, type Send, someLines } from './visits.ts';

const CLIENTS = 8;
const AT_ONCE = 4;
const GONE = '404 carts/not-found';
const SHORT = '409 products/out-of-stock';

export const carts: Proof = {
  name: 'carts',
  claim:
    'One cart ordered by 8 clients at once, with keys of their own, 300 times: one order each, the others 404 `carts/not-found`; one that is refused stays whole. 200 carts merged at log-in while both are ordered: no goods lost or doubled',
  run: async (shop, random, scaled) => {
    const variants = await shop.stock(Array.from({ length: 8 }, () => ({ stock: 100_000, price: whole(random, 1, 9_000) })));
    await shop.offer(variants);
    const ordered = await orderedAtOnce(shop, random, variants, scaled(300, 24));
    const merged = await mergedMeanwhile(shop, random, variants, scaled(200, 20));
    return { numbers: `${ordered.numbers}; ${merged.numbers}`, faults: [...new Set([...ordered.faults, ...merged.faults])] };
  },
};

const sending =
  (shop: Shop, at: number): Send =>
  (method, path, call) =>
    shop.request(at, method, path, call);

/** One cart, many clients. Every third holds something that is there for half of them only. */
async function orderedAtOnce(shop: Shop, random: Random, variants: string[], many: number) {
  const [scarce] = (await shop.stock([{ stock: Math.ceil(many / 6), price: 4_200 }])) as [string];
  const plans = Array.from({ length: many }, (_, index) => ({
    guest: random() < GUESTS,
    goods: {
      items: [...someLines(random, variants), ...(index % 3 === 0 ? one(scarce) : [])],
      ...(index % 3 !== 0 && random() < 0.5 && { currency: OTHER_CURRENCY }),
      ...(random() < 0.5 && { couponCode: COUPON.code }),
    },
    method: pick(random, GOOD),
    pays: random() < 0.5,
  }));
  const [answered, faults]: [Tally, string[]] = [{}, []];
  let refused = 0;
  await inTurns(AT_ONCE, many, async (index) => {
    const { guest, goods, method, pays } = plans[index]!;
    const by = guest ? aGuest() : shop.people[index % shop.people.length]!;
    const cart = await fillCart(sending(shop, index), by, goods);
    const wanted: Wanted = { ...goods, cart };
    const answers = await Promise.all(Array.from({ length: CLIENTS }, (_, nth) => shop.place(nth, by, wanted)));
    for (const answer of answers) count(answered, nameOf(answer));
    const names = tally(answers);
    if (names[SHORT] === CLIENTS && goods.items.some(({ variantId }) => variantId === scarce)) {
      refused += 1;
      await orderTheRest(shop, by, wanted, scarce, faults);
    } else fault(faults, names['201'] === 1 && names[GONE] === CLIENTS - 1, `the clients of one cart are answered ${listed(names)}`);
    const placed = answers.find(({ status }) => status === 201);
    if (placed === undefined || !pays) return;
    const payment = await required(shop.pay(index + 1, placed.body.id, method));
    shop.ledger.orders.get(placed.body.id)!.paid = payment.body.status === 'succeeded';
  });
  fault(faults, refused > 0, 'nothing was scarce');
  return {
    numbers: `${many} carts, ${CLIENTS} clients each: ${listed(answered)}; ${refused} refused, and ordered without what was short`,
    faults,
  };
}

/** A cart that was refused is as it was: without what is short it is ordered. */
async function orderTheRest(shop: Shop, by: Customer, { items, cart, ...terms }: Wanted, short: string, faults: string[]): Promise<void> {
  const look = await shop.done<{ items: Line[] }>(0, 'GET', `carts/${cart!.id}`, inCart(by, cart!));
  fault(faults, same(together(look.items), together(items)), 'a cart whose order was refused has changed');
  await shop.done(1, 'DELETE', `carts/${cart!.id}/items/${short}`, inCart(by, cart!));
  const rest = { ...terms, items: items.filter(({ variantId }) => variantId !== short), cart: cart! };
  await required(shop.place(0, by, rest));
}

/** A user logs in and has the cart of before merged into theirs, twice, while both are ordered; in half of the rounds somebody else wants it, too. */
async function mergedMeanwhile(shop: Shop, random: Random, variants: string[], rounds: number) {
  const plans = Array.from({ length: rounds }, () => ({
    own: someLines(random, variants),
    others: someLines(random, variants),
    rivals: random() < 0.5,
    moments: Array.from({ length: 7 }, () => whole(random, 0, 25)),
  }));
  const [orders, merges, faults]: [Tally, Tally, string[]] = [{}, {}, []];
  await inTurns(AT_ONCE, rounds, async (index) => {
    const { own, others, rivals, moments } = plans[index]!;
    const { people } = shop;
    const [user, rival, guest] = [people[index % people.length]!, people[(index + (people.length >> 1)) % people.length]!, aGuest()];
    const send = sending(shop, index);
    const [mine, before, theirs] = [
      await fillCart(send, user, { items: own }),
      await fillCart(send, guest, { items: others }),
      rivals ? await fillCart(send, rival, { items: [] }) : undefined,
    ];
    const sold: Line[] = [];
    const order = async (at: number, by: Customer, cart: Cart) => {
      const answer = await shop.request<OrderBody>(at, 'POST', 'orders', {
        ...ordering(by, { items: [], cart }),
        key: aKey(),
      });
      if (answer.status !== 201) return answer;
      // What is in it depends on who came first: it is what the answer says, and all of the round together is counted below.
      shop.ledger.placed(answer.body, by, { items: answer.body.items, cart });
      sold.push(...answer.body.items);
      return answer;
    };
    const merge = (at: number, by: Person, { id }: Cart) =>
      shop.request(at, 'POST', `carts/${id}/merge`, { by, body: { token: before.token } });
    const race: [Tally, (at: number) => Promise<Answer<unknown>>][] = [
      [merges, (at) => merge(at, user, mine)],
      [merges, (at) => merge(at, user, mine)],
      [orders, (at) => order(at, user, mine)],
      [orders, (at) => order(at, user, mine)],
      [orders, (at) => order(at, guest, before)],
      [orders, (at) => order(at, guest, before)],
      ...(theirs === undefined ? [] : [[merges, (at: number) => merge(at, rival, theirs)] satisfies (typeof race)[number]]),
    ];
    const raced = race.map(async ([answered, call], nth) => {
      await sleep(moments[nth]);
      count(answered, nameOf(await call(index + nth)));
    });
    await Promise.all(raced);
    // What is still in a cart is ordered from it: then everything must be.
    await order(index, user, mine);
    await order(index, guest, before);
    if (theirs !== undefined) await order(index, rival, theirs);
    const [put, got] = [together([...own, ...others]), together(sold)];
    fault(faults, same(put, got), `${pieces(put)} pieces were put into two carts, ${pieces(got)} of what should be the same were ordered`);
  });
  for (const [what, answered, good] of [['orders', orders, '201'] as const, ['merges', merges, '200'] as const])
    fault(
      faults,
      Object.keys(answered).every((name) => name === good || name === GONE),
      `${what} in a race are answered ${listed(answered)}`,
    );
  return { numbers: `${rounds} merges; while they were made, orders: ${listed(orders)}; merges: ${listed(merges)}`, faults };
}

const pieces = (of: ReadonlyMap<string, number>) => [...of.values()].reduce((sum, quantity) => sum + quantity, 0);

function same(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean {
  return one.size === other.size && [...one].every(([variantId, quantity]) => other.get(variantId) === quantity);
}
