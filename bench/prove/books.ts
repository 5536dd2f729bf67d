// The books outside the shop, and the comparison of its own with them.
import { compareInvoices, compareLives, compareMails, type Events, heard, missed } from './heard.ts';
import { HELD, type Ours } from './ledger.ts';
import type { Shop } from './shop.ts';

/** A charge in the books of a provider, be that the simulator (its own tables) or the Stripe of the tests (a process of its own). */
interface Charge {
  paymentId: string;
  orderId: string;
  amount: number;
  /** Null in the books of the simulator, which have none. */
  currency: string | null;
  refunded: number;
}

const KEPT_IN_EXAMPLES = 5;
/** What is still under way, of all that must come to an end before books can be compared. */
export const UNSETTLED = `
  SELECT 'events of providers' AS what, count(*)::int AS count FROM payment_events WHERE status = 'waiting'
  UNION ALL SELECT 'payments', count(*)::int FROM payments WHERE status IN ('processing', 'requires_action')
  UNION ALL SELECT 'refunds', count(*)::int FROM refunds WHERE status = 'pending'
  UNION ALL SELECT 'orders out of time', count(*)::int FROM orders WHERE status = 'pending' AND expires_at <= now()
  UNION ALL SELECT 'deliveries of events', count(*)::int FROM event_deliveries WHERE status <> 'done'
  UNION ALL SELECT 'webhooks', count(*)::int FROM webhook_deliveries WHERE status <> 'delivered'
  UNION ALL SELECT 'mails', count(*)::int FROM mails WHERE status = 'queued'`;

/** Compares the shop's books with all others; what does not agree, in words. To be called when nothing is under way. */
export async function compare(shop: Shop): Promise<string[]> {
  const orders = await shop.sql<Ours>(`SELECT o.id, o.number::text, o.status::text, o.total::float8 AS total, o.currency,
    coalesce(u.email, o.guest_email) AS email, o.user_id IS NULL AS guest FROM orders o LEFT JOIN users u ON u.id = o.user_id`);
  const charges = [...(await stripeCharges(shop)), ...(await sandboxCharges(shop))];
  const { events, faults: deliveries } = heard(shop);
  const faults = [
    ...(await invariants(shop)),
    ...compareOrders(shop, orders),
    ...(await comparePayments(shop, charges)),
    ...compareMoney(shop, orders, charges),
    ...(await compareStock(shop, orders)),
    ...(await compareCarts(shop)),
    ...(await compareCoupons(shop, orders, events)),
    ...(await compareInvoices(shop, events)),
    ...(await missed(shop, events)),
    ...deliveries,
    ...(shop.endpointSecret === '' ? [] : compareLives(shop, orders, events)),
    ...compareMails(shop, orders),
  ];
  return shortened(faults);
}

async function invariants(shop: Shop): Promise<string[]> {
  const path = 'ops/invariants';
  type Body = {
    invariants: { id: string; severity: string; status: string; broken: number | null; examples: { id: string; says: string }[] }[];
  };
  const { invariants: all } = await shop.done<Body>(0, 'GET', path, { by: shop.admin });
  return all
    .filter(({ severity, status }) => severity !== 'notice' && status !== 'holds')
    .map(({ id, broken, examples }) => `${path}: ${id} is broken by ${broken}, such as ${JSON.stringify(examples[0])}`);
}

function compareOrders(shop: Shop, orders: Ours[]): string[] {
  const ours = new Map(orders.map((order) => [order.id, order]));
  const faults: string[] = [];
  for (const { id, number, by, total, currency, answered } of shop.ledger.orders.values()) {
    const order = ours.get(id);
    if (order === undefined) faults.push(`an acknowledged order is lost: ${id}`);
    else if (order.number !== number || order.total !== total || answered.amount !== total)
      faults.push(
        `an order is another one than was ordered: ${id} has the number ${order.number} and the total ${order.total}; ${number} and ${answered.amount} were answered, ${total} is right`,
      );
    else if (order.currency !== currency || answered.currency !== currency)
      faults.push(`an order is in ${order.currency}, ${answered.currency} was answered, and ${currency} is right: ${id}`);
    else if (order.email !== by.email || order.guest !== (by.token === undefined))
      faults.push(
        `an order is not of whoever ordered it, but of a ${order.guest ? 'guest' : 'user'} with ${order.email === by.email ? 'this' : 'another'} address: ${id}`,
      );
  }
  for (const { id } of orders) if (!shop.ledger.orders.has(id)) faults.push(`an order that nobody was told of: ${id}`);
  return faults;
}

async function stripeCharges(shop: Shop): Promise<Charge[]> {
  const { intents } = await shop.stripe.books();
  return intents
    .filter(({ status }) => status === 'succeeded')
    .map(({ metadata, amount, currency, amount_refunded_here = 0 }) => ({
      paymentId: metadata.payment_id!,
      orderId: metadata.order_id!,
      amount,
      currency: currency.toUpperCase(),
      refunded: amount_refunded_here,
    }));
}

async function sandboxCharges(shop: Shop): Promise<Charge[]> {
  return shop.sql<Charge>(`SELECT c.payment_id AS "paymentId", p.order_id AS "orderId", c.amount::float8 AS amount, NULL AS currency, c.refunded::float8 AS refunded
    FROM sandbox_charges c JOIN payments p ON p.id = c.payment_id WHERE c.outcome = 'succeeded'`);
}

/** Charge by charge: each once, the same amount, the same refunds. */
async function comparePayments(shop: Shop, charges: Charge[]): Promise<string[]> {
  const faults: string[] = [];
  type Payment = { id: string; amount: number; currency: string; counted: number; refunded: number };
  const payments = await shop.sql<Payment>(`SELECT p.id, p.amount::float8 AS amount, p.currency, p.refunded::float8 AS counted,
      (SELECT coalesce(sum(r.amount), 0)::float8 FROM refunds r WHERE r.payment_id = p.id AND r.status = 'succeeded') AS refunded
    FROM payments p WHERE p.status = 'succeeded'`);
  const ours = new Map(payments.map((payment) => [payment.id, payment]));
  const seen = new Set<string>();
  for (const { paymentId, amount, currency, refunded } of charges) {
    if (seen.has(paymentId)) faults.push(`a payment is charged twice: ${paymentId}`);
    seen.add(paymentId);
    const payment = ours.get(paymentId);
    if (payment === undefined) faults.push(`the provider has charged what is no payment of ours that succeeded: ${paymentId}`);
    else if (payment.amount !== amount) faults.push(`the provider has charged ${amount}, the payment says ${payment.amount}: ${paymentId}`);
    else if (payment.currency !== (currency ?? payment.currency))
      faults.push(`the provider has charged ${currency}, the payment says ${payment.currency}: ${paymentId}`);
    else if (payment.refunded !== refunded || payment.counted !== refunded)
      faults.push(
        `the provider has paid back ${refunded}, the refunds come to ${payment.refunded}, counted are ${payment.counted}: ${paymentId}`,
      );
    if (refunded > amount) faults.push(`more was paid back than was paid: ${paymentId}`);
  }
  for (const { id } of payments) if (!seen.has(id)) faults.push(`a payment succeeded that its provider does not know: ${id}`);
  return faults;
}

/** Order by order: the provider has what its status says, and never more charges than were asked for. */
function compareMoney(shop: Shop, orders: Ours[], charges: Charge[]): string[] {
  const faults: string[] = [];
  const byOrder = Map.groupBy(charges, ({ orderId }) => orderId);
  for (const { id, status } of orders) {
    const purchase = shop.ledger.orders.get(id);
    if (purchase === undefined) continue; // said elsewhere
    const own = byOrder.get(id) ?? [];
    const net = own.reduce((sum, { amount, refunded }) => sum + amount - refunded, 0);
    const due = status === 'paid' ? purchase.total - purchase.refunded : 0;
    if (net !== due) faults.push(`the provider has ${net} for an order that is ${status}, and should have ${due}: ${id}`);
    if (own.length > purchase.tries) faults.push(`${own.length} charges for ${purchase.tries} calls: ${id}`);
    if (purchase.paid && own.length === 0) faults.push(`an order that was acknowledged as paid was never charged: ${id}`);
  }
  return faults;
}

/** Variant by variant: what was delivered is what is there and what is out. */
async function compareStock(shop: Shop, orders: Ours[]): Promise<string[]> {
  const out = new Map<string, number>();
  const held = new Map<string, number>();
  const add = (to: Map<string, number>, variantId: string, quantity: number) => to.set(variantId, (to.get(variantId) ?? 0) + quantity);
  for (const { id, status } of orders)
    for (const [variantId, quantity] of shop.ledger.orders.get(id)?.items ?? []) {
      if (status === 'pending') add(held, variantId, quantity);
      if (HELD.has(status)) add(out, variantId, quantity - (shop.ledger.orders.get(id)!.returned.get(variantId) ?? 0));
    }
  const variants = await shop.sql<{ id: string; stock: number; reserved: number }>('SELECT id, stock, reserved FROM variants');
  const ours = new Map(variants.map((variant) => [variant.id, variant]));
  const faults: string[] = [];
  for (const [id, { stock: delivered }] of shop.ledger.stock) {
    const { stock, reserved } = ours.get(id)!;
    const [gone, kept] = [out.get(id) ?? 0, held.get(id) ?? 0];
    if (stock !== delivered - gone) faults.push(`of ${delivered} pieces ${gone} are sold, but ${stock} are there: ${id}`);
    if (reserved !== kept) faults.push(`pending orders hold ${kept}, but ${reserved} are reserved: ${id}`);
    if (stock < 0 || reserved > stock) faults.push(`oversold: ${stock} are there, ${reserved} are reserved: ${id}`);
  }
  return faults;
}

/** Cart by cart: it was ordered once, and is gone since. */
async function compareCarts(shop: Shop): Promise<string[]> {
  const left = new Set((await shop.sql<{ id: string }>('SELECT id FROM carts')).map(({ id }) => id));
  const faults: string[] = [];
  for (const [id, orders] of Map.groupBy(shop.ledger.orders.values(), ({ cartId }) => cartId)) {
    if (id === undefined) continue;
    if (orders.length > 1) faults.push(`a cart was ordered ${orders.length} times: ${id}`);
    if (left.has(id)) faults.push(`a cart that was ordered is still there: ${id}`);
  }
  return faults;
}

/** A coupon was used by the orders that it took something off, but for those that came to nothing unpaid. */
async function compareCoupons(shop: Shop, orders: Ours[], events: Events): Promise<string[]> {
  const coupons = await shop.sql<{ used: number }>('SELECT used FROM coupons');
  const used = coupons.reduce((sum, coupon) => sum + coupon.used, 0);
  const using = orders.filter(({ id, status }) => {
    const kept = (status !== 'cancelled' && status !== 'expired') || events.get(id)?.has('order.paid');
    return kept && shop.ledger.orders.get(id)?.reduced;
  });
  return used === using.length ? [] : [`coupons are counted as used ${used} times, and ${using.length} orders have used one`];
}

/** The first few of each kind, and how many more there are. */
function shortened(faults: string[]): string[] {
  const kinds = Map.groupBy(faults, (fault) => fault.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g, '…'));
  return [...kinds.values()].flatMap((of) => [
    ...of.slice(0, KEPT_IN_EXAMPLES),
    ...(of.length > KEPT_IN_EXAMPLES ? [`and ${of.length - KEPT_IN_EXAMPLES} more like that`] : []),
  ]);
}
