import type { Terms } from '../shop/coupons.rules.js';
import type { Settings, ShippingMethod } from '../shop/settings.rules.js';
import { regionOf } from '../shop/settings.rules.js';

/** What is bought, at the price of the catalogue. Amounts are minor units, of one currency. */
export interface Item {
  unitPrice: bigint;
  quantity: number;
  taxClass: string;
}

export interface Place {
  country: string;
  region?: string | null | undefined;
}

/** What an order is priced by, beside the catalogue. */
export interface Offer {
  currency: string;
  settings: Pick<Settings, 'pricesIncludeTax' | 'taxRates'>;
  coupon: Pick<Terms, 'kind' | 'ppm' | 'amounts'> | null;
  /** Null where the shop has no methods. */
  method: ShippingMethod | null;
  /** Where it is taxed; null: nowhere. */
  place: Place | null;
}

/** What a rate comes to. */
export interface Tax {
  name: string;
  /** Millionths. */
  ppm: number;
  /** What is taxed, less discounts; it contains the tax where prices do. */
  base: bigint;
  amount: bigint;
}

export interface Totals {
  subtotal: bigint;
  discount: bigint;
  /** On top of the prices. */
  tax: bigint;
  /** Contained in the prices, and a part of the total. */
  includedTax: bigint;
  shipping: bigint;
  /** subtotal − discount + tax + shipping */
  total: bigint;
}

export interface PricedLine {
  total: bigint;
  /** Its part of the discount. */
  discount: bigint;
  /** Its part of the tax. */
  tax: bigint;
  taxPpm: number | null;
}

/** The most that is charged at once: an integer every JSON reader holds exactly. */
export const MAX_TOTAL = 1_000_000_000_000_000n;
const WHOLE = 1_000_000n;

/** What lines come to. The same for a quote and an order, since both ask nobody else. */
export function price<I extends Item>(items: readonly I[], offer: Offer): Totals & { lines: (I & PricedLine)[]; taxes: Tax[] } {
  const totals = items.map(({ unitPrice, quantity }) => unitPrice * BigInt(quantity));
  const subtotal = sum(totals);
  const discount = discountOf(subtotal, offer);
  const discounts = allocate(discount, totals);
  const shipping = shippingOf(subtotal - discount, offer);
  const { taxes, parts } = taxed(
    [
      ...items.map(({ taxClass }, index) => ({ taxClass, amount: totals[index]! - discounts[index]! })),
      ...(offer.method === null ? [] : [{ taxClass: offer.method.taxClass, amount: shipping }]),
    ],
    offer,
  );
  const all = sum(taxes.map(({ amount }) => amount));
  const [tax, includedTax] = offer.settings.pricesIncludeTax ? [0n, all] : [all, 0n];
  const lines = items.map((item, index) => ({ ...item, total: totals[index]!, discount: discounts[index]!, ...parts[index]! }));
  return { subtotal, discount, tax, includedTax, shipping, total: subtotal - discount + tax + shipping, lines, taxes };
}

/** The methods an order can be sent by, the cheapest first, with what each costs of goods that come to so much. */
export function shippingOptions(
  methods: readonly ShippingMethod[],
  { currency, country, goods, free }: { currency: string; country: string | null; goods: bigint; free: boolean },
): { method: ShippingMethod; price: bigint }[] {
  return methods
    .filter((method) => method.currency === currency && (method.countries.length === 0 || method.countries.includes(country ?? '')))
    .map((method) => ({ method, price: free ? 0n : costOf(method, goods) }))
    .sort((a, b) => Number(a.price - b.price) || a.method.price - b.method.price); // sort is stable: then in the order of the settings
}

/** What is left of a subtotal by a coupon. */
export function discountOf(subtotal: bigint, { coupon, currency }: Pick<Offer, 'coupon' | 'currency'>): bigint {
  if (coupon?.kind === 'percentage') return portion(subtotal, BigInt(coupon.ppm ?? 0), WHOLE);
  if (coupon?.kind !== 'fixed') return 0n;
  const amount = BigInt(coupon.amounts[currency] ?? 0);
  return amount < subtotal ? amount : subtotal;
}

/**
 * Splits an amount by weights without losing or making a unit: each part is its exact share rounded down, and what is left goes to the
 * largest remainders, one unit each (Hare's method); of equal ones, to the first. No part is larger than its weight where the amount is not
 * larger than their sum.
 */
export function allocate(amount: bigint, weights: readonly bigint[]): bigint[] {
  const whole = sum(weights);
  if (whole === 0n) return weights.map((_, index) => (index === 0 ? amount : 0n));
  const parts = weights.map((weight) => (amount * weight) / whole);
  const remainders = weights.map((weight, index) => ({ index, remainder: (amount * weight) % whole }));
  remainders.sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder < b.remainder ? 1 : -1));
  const left = Number(amount - sum(parts));
  for (const { index } of remainders.slice(0, left)) parts[index]! += 1n;
  return parts;
}

/** amount × numerator ÷ denominator, a half rounded up. */
export function portion(amount: bigint, numerator: bigint, denominator: bigint): bigint {
  return (2n * amount * numerator + denominator) / (2n * denominator);
}

function shippingOf(goods: bigint, { method, coupon }: Offer): bigint {
  return method === null || coupon?.kind === 'free-shipping' ? 0n : costOf(method, goods);
}

function costOf({ price, freeFrom }: ShippingMethod, goods: bigint): bigint {
  return freeFrom !== null && goods >= BigInt(freeFrom) ? 0n : BigInt(price);
}

/** Rounded once a rate, on the sum of what it taxes, and then split over that: so nothing depends on how an order is cut into lines. */
function taxed(
  parts: readonly { taxClass: string; amount: bigint }[],
  { settings, place }: Offer,
): { taxes: Tax[]; parts: Pick<PricedLine, 'tax' | 'taxPpm'>[] } {
  const rates = parts.map(({ taxClass }) => rateOf(settings.taxRates, taxClass, place));
  const split = parts.map((_, index) => ({ tax: 0n, taxPpm: rates[index]?.ppm ?? null }));
  const taxes = [...new Set(rates.map((rate) => rate && `${rate.ppm} ${rate.name}`))].flatMap((key) => {
    if (key === null) return [];
    const of = rates.flatMap((rate, index) => (rate !== null && `${rate.ppm} ${rate.name}` === key ? [index] : []));
    const { name, ppm } = rates[of[0]!]!;
    const base = sum(of.map((index) => parts[index]!.amount));
    const amount = portion(base, BigInt(ppm), settings.pricesIncludeTax ? WHOLE + BigInt(ppm) : WHOLE);
    const shares = allocate(
      amount,
      of.map((index) => parts[index]!.amount),
    );
    of.forEach((index, place) => (split[index]!.tax = shares[place]!));
    return [{ name, ppm, base, amount }];
  });
  return { taxes, parts: split };
}

/** The rate of the region, or else that of the country. */
function rateOf(rates: Settings['taxRates'], taxClass: string, place: Place | null): Settings['taxRates'][number] | null {
  if (place === null) return null;
  const there = rates.filter((rate) => rate.country === place.country && rate.taxClass === taxClass);
  const region = regionOf(place.region);
  return there.find((rate) => rate.region !== '' && rate.region === region) ?? there.find((rate) => rate.region === '') ?? null;
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((all, amount) => all + amount, 0n);
}
