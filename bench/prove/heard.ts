// What the world outside has heard from the shop, by webhooks and mails, compared with its books.
import { Webhook } from 'standardwebhooks';
import { HELD, type Ours } from './ledger.ts';
import type { Shop } from './shop.ts';

/** Ids of events, by order and type. */
export type Events = Map<string, Map<string, Set<string>>>;

/** Who was heard to have paid has an invoice, each refund of theirs a credit note, and the numbers of a year have no gap. */
export async function compareInvoices(shop: Shop, events: Events): Promise<string[]> {
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
export function heard(shop: Shop): { events: Events; faults: string[] } {
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
export async function missed(shop: Shop, events: Events): Promise<string[]> {
  if (shop.endpointSecret === '') return [];
  const ids = new Set([...events.values()].flatMap((types) => [...types.values()].flatMap((of) => [...of])));
  const ours = await shop.sql<{ id: string; name: string }>(`SELECT e.id, e.name FROM events e
    WHERE e.name ~ '^(order|payment|refund)[.]' AND e.occurred_at >= (SELECT min(created_at) FROM webhook_endpoints)`);
  return ours.filter(({ id }) => !ids.has(id)).map(({ id, name }) => `an event was never delivered: ${name} ${id}`);
}

/** Order by order: what the receiver has heard of it is one legal life, and ends as its status says. */
export function compareLives(shop: Shop, orders: Ours[], events: Events): string[] {
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

/** Everybody is told by one mail that their order is placed, and by one that it is paid. A process that is killed may send one twice. */
export function compareMails(shop: Shop, orders: Ours[]): string[] {
  const sent = new Map<string, Set<string>>();
  for (const { id, to, subject } of shop.mails) sent.set(`${to} ${subject}`, (sent.get(`${to} ${subject}`) ?? new Set()).add(id));
  const faults: string[] = [];
  for (const { id, number, status } of orders) {
    const to = shop.ledger.orders.get(id)?.by.email;
    if (to === undefined) continue; // said elsewhere
    const [placed, paid] = ['placed', 'paid'].map((what) => sent.get(`${to} Order ${number} is ${what}`)?.size ?? 0) as [number, number];
    if (placed !== 1 || paid > 1 || (HELD.has(status) && paid === 0))
      faults.push(`a customer has ${placed} mails that an order is placed, and ${paid} that it is paid, and it is ${status}: ${id}`);
  }
  return faults;
}
