// The books outside the shop, and the comparison of its own with them.
import { Webhook } from 'standardwebhooks';
import type { Line, OrderBody, Shop } from './shop.ts';

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

/** A charge in the books of a provider, be that the simulator (its own tables) or the Stripe of the tests (a process of its own). */
interface Charge {
  paymentId: string;
  orderId: string;
  amount: number;
  refunded: number;
}

interface Ours {
  id: string;
  number: string;
  status: string;
  total: number;
}

type Events = Map<string, Map<string, Set<string>>>;

const HELD = new Set(['paid', 'shipped', 'delivered', 'refunded']);
const KEPT_IN_EXAMPLES = 5;

/** Compares the shop's books with all others; what does not agree, in words. To be called when nothing is under way. */
export async function compare(shop: Shop): Promise<string[]> {
  const orders = await shop.sql<Ours>('SELECT id, number::text, status::text, total::float8 AS total FROM orders');
  const charges = [...(await stripeCharges(shop)), ...(await sandboxCharges(shop))];
  const { events, faults: deliveries } = heard(shop);
  const faults = [
    ...(await invariants(shop)),
    ...compareOrders(shop, orders),
    ...(await comparePayments(shop, charges)),
    ...compareMoney(shop, orders, charges),
    ...(await compareStock(shop, orders)),
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
  for (const { id, number, total, answered } of shop.ledger.orders.values()) {
    const order = ours.get(id);
    if (order === undefined) faults.push(`an acknowledged order is lost: ${id}`);
    else if (order.number !== number || order.total !== total || answered !== total)
      faults.push(
        `an order is another one than was ordered: ${id} has the number ${order.number} and the total ${order.total}; ${number} and ${answered} were answered, ${total} is right`,
      );
  }
  for (const { id } of orders) if (!shop.ledger.orders.has(id)) faults.push(`an order that nobody was told of: ${id}`);
  return faults;
}

async function stripeCharges(shop: Shop): Promise<Charge[]> {
  const { intents } = await shop.stripe.books();
  return intents
    .filter(({ status }) => status === 'succeeded')
    .map(({ metadata, amount, amount_refunded_here = 0 }) => ({
      paymentId: metadata.payment_id!,
      orderId: metadata.order_id!,
      amount,
      refunded: amount_refunded_here,
    }));
}

async function sandboxCharges(shop: Shop): Promise<Charge[]> {
  return shop.sql<Charge>(`SELECT c.payment_id AS "paymentId", p.order_id AS "orderId", c.amount::float8 AS amount, c.refunded::float8 AS refunded
    FROM sandbox_charges c JOIN payments p ON p.id = c.payment_id WHERE c.outcome = 'succeeded'`);
}

/** Charge by charge: each once, the same amount, the same refunds. */
async function comparePayments(shop: Shop, charges: Charge[]): Promise<string[]> {
  const faults: string[] = [];
  type Payment = { id: string; amount: number; counted: number; refunded: number };
  const payments = await shop.sql<Payment>(`SELECT p.id, p.amount::float8 AS amount, p.refunded::float8 AS counted,
      (SELECT coalesce(sum(r.amount), 0)::float8 FROM refunds r WHERE r.payment_id = p.id AND r.status = 'succeeded') AS refunded
    FROM payments p WHERE p.status = 'succeeded'`);
  const ours = new Map(payments.map((payment) => [payment.id, payment]));
  const seen = new Set<string>();
  for (const { paymentId, amount, refunded } of charges) {
    if (seen.has(paymentId)) faults.push(`a payment is charged twice: ${paymentId}`);
    seen.add(paymentId);
    const payment = ours.get(paymentId);
    if (payment === undefined) faults.push(`the provider has charged what is no payment of ours that succeeded: ${paymentId}`);
    else if (payment.amount !== amount) faults.push(`the provider has charged ${amount}, the payment says ${payment.amount}: ${paymentId}`);
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

/** Who was heard to have paid has an invoice, each refund of theirs a credit note, and the numbers of a year have no gap. */
async function compareInvoices(shop: Shop, events: Events): Promise<string[]> {
  type Invoice = { orderId: string; kind: string; year: number; number: number };
  const invoices = await shop.sql<Invoice>(`SELECT order_id AS "orderId", kind::text, year, number FROM invoices ORDER BY year, number`);
  const byOrder = Map.groupBy(invoices, ({ orderId }) => orderId);
  const faults: string[] = [];
  for (const [id, types] of events) {
    const of = (kind: string) => (byOrder.get(id) ?? []).filter((invoice) => invoice.kind === kind).length;
    const [paid, issued, credits] = [types.get('order.paid')?.size ?? 0, of('invoice'), of('credit_note')];
    const back = paid === 0 ? 0 : (types.get('refund.succeeded')?.size ?? 0) - (types.get('payment.late')?.size ?? 0);
    if (issued !== paid || credits !== back)
      faults.push(
        `an order was paid ${paid} times and refunded ${back} times, and has ${issued} invoices and ${credits} credit notes: ${id}`,
      );
  }
  for (const [index, { year, number }] of invoices.entries()) {
    const before = invoices[index - 1];
    if (number !== (before?.year === year ? before.number : 0) + 1) faults.push(`before the invoice ${year}-${number} one is missing`);
  }
  return faults;
}

/** What the receiver has heard: the ids of the events, by order and type; and what was not signed as it should be. */
function heard(shop: Shop): { events: Events; faults: string[] } {
  const events: Events = new Map();
  const faults: string[] = [];
  const webhook = shop.endpointSecret === '' ? undefined : new Webhook(shop.endpointSecret);
  for (const { body, headers } of shop.receiver.received) {
    // A signature is good for five minutes, and this proof may take longer: what is verified is that it fits the time it names.
    const sent = webhook!.sign(headers['webhook-id']!, new Date(Number(headers['webhook-timestamp']) * 1_000), body);
    if (!headers['webhook-signature']!.split(' ').includes(sent))
      faults.push(`a webhook is not signed by the shop: ${headers['webhook-id']}`);
    const { type, data } = JSON.parse(body) as { type: string; data: { orderId: string } };
    const types = events.get(data.orderId) ?? new Map<string, Set<string>>();
    events.set(data.orderId, types.set(type, (types.get(type) ?? new Set()).add(headers['webhook-id']!)));
  }
  return { events, faults };
}

/** Events of the shop that its receiver has never heard of. */
async function missed(shop: Shop, events: Events): Promise<string[]> {
  if (shop.endpointSecret === '') return [];
  const ids = new Set([...events.values()].flatMap((types) => [...types.values()].flatMap((of) => [...of])));
  const ours = await shop.sql<{ id: string; name: string }>(`SELECT e.id, e.name FROM events e
    WHERE e.name ~ '^(order|payment|refund)[.]' AND e.occurred_at >= (SELECT min(created_at) FROM webhook_endpoints)`);
  return ours.filter(({ id }) => !ids.has(id)).map(({ id, name }) => `an event was never delivered: ${name} ${id}`);
}

/** Order by order: what the receiver has heard of it is one legal life, and ends as its status says. */
function compareLives(shop: Shop, orders: Ours[], events: Events): string[] {
  const faults: string[] = [];
  for (const { id, status } of orders) {
    const heardOf = (type: string) => events.get(id)?.get(`order.${type}`)?.size ?? 0;
    if (shop.before.has(id)) continue;
    const [placed, paid, cancelled, expired, refunded] = ['placed', 'paid', 'cancelled', 'expired', 'refunded'].map(heardOf) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const end = refunded ? 'refunded' : cancelled ? 'cancelled' : expired ? 'expired' : paid ? 'paid' : 'pending';
    const legal = placed === 1 && paid <= 1 && refunded <= paid && cancelled + expired + refunded <= 1 && expired + paid <= 1;
    if (!legal || end !== status)
      faults.push(
        `an order is ${status}, and its events are placed ${placed}, paid ${paid}, cancelled ${cancelled}, expired ${expired}, refunded ${refunded}: ${id}`,
      );
  }
  return faults;
}

/** Everybody has a mail of each order, and one more of each that was paid. */
function compareMails(shop: Shop, orders: Ours[]): string[] {
  const subjects = new Map<string, Set<string>>();
  for (const { to, subject } of shop.mails)
    for (const [number] of subject.matchAll(/\d+/g)) {
      const key = `${to} ${number}`;
      subjects.set(key, (subjects.get(key) ?? new Set()).add(subject));
    }
  const faults: string[] = [];
  for (const { id, number, status } of orders) {
    const to = shop.ledger.orders.get(id)?.by.email;
    const [got, due] = [subjects.get(`${to} ${number}`)?.size ?? 0, HELD.has(status) ? 2 : 1];
    if (to !== undefined && got < due) faults.push(`a customer has ${got} mails of an order that is ${status}: ${id}`);
  }
  return faults;
}

/** The first few of each kind, and how many more there are. */
function shortened(faults: string[]): string[] {
  const kinds = Map.groupBy(faults, (fault) => fault.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g, '…'));
  return [...kinds.values()].flatMap((of) => [
    ...of.slice(0, KEPT_IN_EXAMPLES),
    ...(of.length > KEPT_IN_EXAMPLES ? [`and ${of.length - KEPT_IN_EXAMPLES} more like that`] : []),
  ]);
}
