import { percentageOf, type Seller } from '../shop/settings.rules.js';

/** A line as it stands on an invoice. Amounts are minor units, as everywhere here. */
export interface InvoiceLine {
  sku: string;
  name: string;
  quantity: number;
  unitPrice: number;
  total: number;
}

/** What was taxed at one rate; `base` contains the tax where prices do. */
export interface InvoiceTax {
  name: string;
  ppm: number;
  base: number;
  amount: number;
}

/** All that stands on an invoice but its number, its date, and whom it is to. It is kept as it is, so members may be added, never changed. */
export interface InvoiceContent {
  seller: Seller | null;
  /** In which its date is the day that it is. */
  timeZone: string;
  orderNumber: number;
  /** Of a credit note: the invoice it takes from, and why; of a debit note: the credit note. */
  corrects: { number: string; reason: string } | null;
  currency: string;
  lines: InvoiceLine[];
  subtotal: number;
  discount: number;
  shipping: number;
  /** Tax on top of the prices. */
  tax: number;
  /** Tax that the prices contain. */
  includedTax: number;
  taxes: InvoiceTax[];
  total: number;
}

/** An address as orders have it. */
export interface Address {
  name: string;
  line1: string;
  line2?: string;
  city: string;
  region?: string;
  postalCode: string;
  country: string;
}

/** An invoice as it is drawn: texts, and nothing to decide any more. */
export interface Sheet {
  title: string;
  /** Who sells, line by line. */
  seller: string[];
  /** Whom it is to, line by line. */
  buyer: string[];
  facts: [name: string, value: string][];
  /** The first row is the head: what, how many, at what price, what that comes to. */
  rows: [string, string, string, string][];
  sums: [name: string, value: string][];
  total: [name: string, value: string];
}

/** `2026-000001`. */
export function numberOf({ year, number }: { year: number; number: number }): string {
  return `${year}-${String(number).padStart(6, '0')}`;
}

/** The year that it is in a time zone. */
export function yearIn(timeZone: string, at: Date): number {
  return Number(new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', calendar: 'gregory' }).format(at));
}

/** Part of an amount, by the largest remainders: the parts come to `share` of it exactly, and each is a unit off at most. */
export function sharesOf(amounts: readonly number[], share: number, of: number): number[] {
  const exact = amounts.map((amount) => BigInt(amount) * BigInt(share));
  const parts = exact.map((amount) => amount / BigInt(of));
  const whole = exact.reduce((sum, amount) => sum + amount, 0n) / BigInt(of);
  let missing = Number(whole - parts.reduce((sum, part) => sum + part, 0n));
  const byRemainder = exact
    .map((amount, index) => ({ index, rest: amount % BigInt(of) }))
    .sort((a, b) => Number(b.rest - a.rest) || a.index - b.index);
  for (const { index } of byRemainder) if (missing-- > 0) parts[index]! += 1n;
  return parts.map(Number);
}

/** Money that goes back, perhaps for so many of some lines. */
export interface Credit {
  amount: number;
  reason: string;
  lines: readonly { position: number; quantity: number }[];
}

/** A credit note about some of what an invoice came to: its rates have the share of the tax that the amount has of the total. */
export function creditOf(invoice: InvoiceContent, number: string, { amount, reason, lines: back }: Credit): InvoiceContent {
  const of = Math.max(invoice.total, 1);
  const bases = sharesOf(
    invoice.taxes.map(({ base }) => base),
    amount,
    of,
  );
  const amounts = sharesOf(
    invoice.taxes.map(({ amount: tax }) => tax),
    amount,
    of,
  );
  const tax = amounts.reduce((sum, part) => sum + part, 0);
  const onTop = invoice.tax > 0;
  const net = amount - (onTop ? tax : 0);
  const pieces = back.map(({ position, quantity }) => `${quantity} × ${invoice.lines[position]!.name}`).join(', ');
  return {
    ...invoice,
    corrects: { number, reason },
    lines: [{ sku: '', name: pieces ? `${reason}: ${pieces}` : reason, quantity: 1, unitPrice: net, total: net }],
    subtotal: net,
    discount: 0,
    shipping: 0,
    tax: onTop ? tax : 0,
    includedTax: onTop ? 0 : tax,
    taxes: invoice.taxes.map((rate, index) => ({ ...rate, base: bases[index]!, amount: amounts[index]! })),
    total: amount,
  };
}

/** A debit note about money that did not arrive after all: all that the credit note said is taken back. */
export function debitOf(note: InvoiceContent, number: string): InvoiceContent {
  return { ...note, corrects: { number, reason: 'the money did not arrive' } };
}

export type InvoiceKind = 'invoice' | 'credit_note' | 'debit_note';

/** How each kind is called where it is drawn: its title, what it corrects, and its total. */
const WORDS: Record<InvoiceKind, { title: string; corrects: string; total: string }> = {
  invoice: { title: 'Invoice', corrects: '', total: 'Total, paid' },
  credit_note: { title: 'Credit note', corrects: 'Corrects invoice', total: 'Paid back' },
  debit_note: { title: 'Debit note', corrects: 'Takes back credit note', total: 'Not paid back' },
};

/** What is drawn of an invoice, or of what corrects one. */
export function sheetOf(
  invoice: { kind: InvoiceKind; year: number; number: number; issuedAt: Date; buyer: Address | null },
  content: InvoiceContent,
): Sheet {
  const { seller, timeZone, corrects, currency, lines, taxes, orderNumber } = content;
  const price = (amount: number) => priceOf(amount, currency);
  const optional = (name: string, amount: number): [string, string][] => (amount === 0 ? [] : [[name, price(amount)]]);
  const included = content.includedTax > 0;
  const words = WORDS[invoice.kind];
  return {
    title: `${words.title} ${numberOf(invoice)}`,
    seller: seller === null ? [] : [seller.legalName, ...linesOfAddress(seller), ...(seller.taxId ? [`Tax ID ${seller.taxId}`] : [])],
    buyer: invoice.buyer === null ? [] : [invoice.buyer.name, ...linesOfAddress(invoice.buyer)],
    facts: [
      ['Date', new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone }).format(invoice.issuedAt)],
      ['Order', String(orderNumber)],
      ...(corrects ? [[words.corrects, corrects.number] satisfies [string, string]] : []),
    ],
    rows: [
      ['Item', 'Quantity', 'Price', 'Amount'],
      ...lines.map(({ sku, name, quantity, unitPrice, total }): [string, string, string, string] => [
        sku ? `${name} (${sku})` : name,
        String(quantity),
        price(unitPrice),
        price(total),
      ]),
    ],
    sums: [
      ['Subtotal', price(content.subtotal)],
      ...(content.discount === 0 ? [] : [['Discount', price(-content.discount)] satisfies [string, string]]),
      ...optional('Shipping', content.shipping),
      ...taxes.map(({ name, ppm, base, amount }): [string, string] => [
        `${included ? 'Including ' : ''}${name} ${percentageOf(ppm)}% ${included ? 'in' : 'on'} ${price(base)}`,
        price(amount),
      ]),
    ],
    total: [words.total, price(content.total)],
  };
}

function linesOfAddress({ line1, line2, city, region, postalCode, country }: Omit<Address, 'name'>): string[] {
  return [line1, line2 ?? '', [postalCode, city].join(' '), region ?? '', country].filter((line) => line !== '');
}

/** `EUR 19.99`: a currency has as many minor units as ISO 4217 says. */
export function priceOf(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'code' });
  const digits = format.resolvedOptions().maximumFractionDigits!;
  return format.format(amount / 10 ** digits).replaceAll('\u00a0', ' ');
}
