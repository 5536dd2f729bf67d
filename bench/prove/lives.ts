// Orders that run out of time, are paid, cancelled and refunded at the same moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { aKey, count, inTurns, listed, nameOf, type Tally } from './answers.ts';
import { fault, GOOD, GUESTS, LONG, one, pick, type Proof, required, whole } from './proof.ts';
import type { Shop } from './shop.ts';
import { aGuest } from './visits.ts';

const SHORT_SECONDS = 2;
const METHODS = [
  ...GOOD,
  ...GOOD,
  'sandbox:decline',
  'sandbox:delay',
  'sandbox:duplicate',
  'sandbox:reorder',
  'sandbox:lost',
  'sandbox:timeout',
  'pm_card_chargeDeclined',
  'pm_usBankAccount_processing',
  'pm_card_threeDSecureRequired',
];

export const lives: Proof = {
  name: 'lives',
  claim: '1,000 rounds of expiry, cancellation, payment and refund racing on one order: one legal end, stock conserved, refunds ≤ paid',
  run: async (shop, random, scaled) => {
    const rounds = scaled(1_000, 50);
    await shop.restart({ ORDERS_RESERVATION_SECONDS: String(SHORT_SECONDS) });
    const plans = Array.from({ length: rounds }, () => {
      const near = SHORT_SECONDS * 1_000;
      // Much happens at the moment at which the order runs out of time, the rest while it is young.
      const at = () => (random() < 0.5 ? near + whole(random, -300, 40) : whole(random, 0, 300));
      const pays = Array.from({ length: whole(random, 0, 2) || 1 }, () => ({
        at: at(),
        method: pick(random, METHODS),
        again: random() < 0.5,
      }));
      return {
        guest: random() < GUESTS,
        pays,
        cancels: random() < 0.4 ? [{ at: at(), follows: random() < 0.4 }] : [],
        // Some follow a payment's answer as soon as it is there, whatever it is.
        refunds: Array.from({ length: whole(random, 0, 3) }, () => ({ at: at(), follows: random() < 0.8, part: random() < 0.5 })),
        rivals: random() < 0.5 ? [near + whole(random, -30, 60)] : [],
        confirms: random() < 0.5,
      };
    });
    const variants = await shop.stock(plans.map(() => ({ stock: 3, price: 1_000 })));
    const answered: Record<'payments' | 'cancellations' | 'refunds' | 'rivals', Tally> = {
      payments: {},
      cancellations: {},
      refunds: {},
      rivals: {},
    };
    /** Orders that the bank is to decide about, and whether their customers confirm. */
    const undecided = new Map<string, boolean>();
    let over = false;
    const deciding = (async () => {
      for (; !over; await sleep(1_000)) await endAtBank(shop, undecided);
    })();
    const sweeping = (async () => {
      for (; !over; await sleep(150)) await shop.sweep();
    })();
    await inTurns(40, rounds, async (index) => {
      const { guest, pays, cancels, refunds, rivals, confirms } = plans[index]!;
      const [variantId, buyer] = [variants[index]!, guest ? aGuest() : shop.people[index % shop.people.length]!];
      const { id } = (await required(shop.place(index, buyer, { items: one(variantId, 2) }))).body;
      const placed = performance.now();
      const when = (ms: number) => sleep(Math.max(0, placed + ms - performance.now()));
      const paying = pays.map(async ({ at, method, again }, nth) => {
        await when(at);
        const key = aKey();
        let answer = await shop.pay(index + nth, id, method, key);
        if (again && answer.status === 503) answer = await shop.pay(index, id, method, key);
        count(answered.payments, `${nameOf(answer)}${answer.status === 201 ? ` ${answer.body.status}` : ''}`);
        if (answer.status === 201 && answer.body.status === 'succeeded') shop.ledger.orders.get(id)!.paid = true;
      });
      const moment = (at: number, follows: boolean) => (follows ? Promise.race(paying) : when(at));
      await Promise.all([
        ...paying,
        ...cancels.map(async ({ at, follows }) => {
          await moment(at, follows);
          count(answered.cancellations, nameOf(await shop.cancel(index + 1, id)));
        }),
        ...refunds.map(async ({ at, follows, part }, nth) => {
          await moment(at, follows);
          const items = one(variantId, part ? 1 : 2);
          const body = { reason: 'proof', restock: true, items };
          type Refund = { status: string; amount: { amount: number } };
          const answer = await shop.request<Refund>(index + nth, 'POST', `orders/${id}/refunds`, { by: shop.admin, key: aKey(), body });
          count(answered.refunds, nameOf(answer));
          if (answer.status === 201 && answer.body.status === 'succeeded')
            shop.ledger.refunded(id, answer.body.amount.amount, new Map([[variantId, items[0]!.quantity]]));
        }),
        ...rivals.map(async (at) => {
          await when(at);
          count(
            answered.rivals,
            nameOf(await shop.place(index, shop.people[(index + 1) % shop.people.length]!, { items: one(variantId, 3) })),
          );
        }),
      ]);
      await when(SHORT_SECONDS * 1_000 + 300);
      if (pays.some(({ method }) => method.startsWith('pm_'))) undecided.set(id, confirms);
    });
    over = true;
    await Promise.all([sweeping, deciding]);
    await endAtBank(shop, undecided);
    const left = await shop.settle();
    await shop.restart(LONG);
    const ends = await shop.sql<{ status: string; count: number }>(
      `SELECT o.status::text, count(*)::int AS count FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE l.variant_id IN (${variants.map((id) => `'${id}'`).join()}) GROUP BY 1`,
    );
    const ended = Object.fromEntries(ends.map((row) => [row.status, row.count]));
    const faults = [...left];
    fault(faults, ended['pending'] === undefined, `${ended['pending']} orders have come to no end`);
    for (const [what, tallied] of Object.entries(answered))
      for (const name of Object.keys(tallied))
        if (/^5/.test(name) && name !== '503 payments/provider-unreachable') faults.push(`${what} are answered ${name}`);
    const told = Object.entries(answered).map(([what, tallied]) => `${what}: ${listed(tallied)}`);
    return { numbers: `${rounds} rounds; ends (with rivals’ orders): ${listed(ended)}; ${told.join('; ')}`, faults };
  },
};

/** The bank pays; customers confirm, or do not. For all of these orders at once: the provider's books are long. */
async function endAtBank(shop: Shop, undecided: Map<string, boolean>): Promise<void> {
  if (undecided.size === 0) return;
  const orders = new Map(undecided);
  undecided.clear();
  const { intents } = await shop.stripe.books();
  for (const { id, status, metadata } of intents) {
    const confirms = orders.get(metadata.order_id!);
    if (confirms !== undefined && (status === 'processing' || (status === 'requires_action' && confirms))) await shop.stripe.succeed(id);
  }
}
