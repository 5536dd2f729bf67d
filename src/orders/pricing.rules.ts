import type { Terms } from '../shop/coupons.rules.js';
import { regionOf, type Settings, type ShippingMethod, type TaxRate } from '../shop/settings.rules.js';

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
  const rates = items.map(({ taxClass }) => rateOf(taxClass, offer));
  const subtotal = sum(totals);
  const discount = discountOf(subtotal, offer);
  const discounts = allocateWithin(discount, totals, rates.map(keyOf));
  const shipping = shippingOf(subtotal - discount, offer);
  const goods = totals.map((total, index) => ({ amount: total - discounts[index]!, rate: rates[index]! }));
  const sent = offer.method === null ? [] : [{ amount: shipping, rate: rateOf(offer.method.taxClass, offer) }];
  const { taxes, parts } = taxed([...goods, ...sent], offer.settings.pricesIncludeTax);
  const all = sum(taxes.map(({ amount }) => amount));
  const [tax, includedTax] = offer.settings.pricesIncludeTax ? [0n, all] : [all, 0n];
  const lines = items.map((item, index) => {
    const [total, discount, tax, taxPpm] = [totals[index]!, discounts[index]!, parts[index]!, rates[index]?.ppm ?? null];
    return { ...item, total, discount, tax, taxPpm };
  });
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

/** Splits first over those that have the same key, so that what each key gets does not depend on how it is cut into parts. */
function allocateWithin(amount: bigint, weights: readonly bigint[], keys: readonly string[]): bigint[] {
  const groups = [...Map.groupBy(weights.keys(), (index) => keys[index]!)].sort(([a], [b]) => (a < b ? -1 : 1));
  const shares = allocate(
    amount,
    groups.map(([, indexes]) => sum(indexes.map((index) => weights[index]!))),
  );
  const parts = weights.map(() => 0n);
  for (const [place, [, indexes]] of groups.entries()) {
    const own = allocate(
      shares[place]!,
      indexes.map((index) => weights[index]!),
    );
    for (const [at, index] of indexes.entries()) parts[index] = own[at]!;
  }
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
function taxed(goods: readonly { amount: bigint; rate: TaxRate | null }[], included: boolean): { taxes: Tax[]; parts: bigint[] } {
  const parts = goods.map(() => 0n);
  const groups = Map.groupBy(goods.keys(), (index) => keyOf(goods[index]!.rate));
  const taxes = [...groups.values()].flatMap((indexes) => {
    const { rate } = goods[indexes[0]!]!;
    if (rate === null) return [];
    const amounts = indexes.map((index) => goods[index]!.amount);
    const [base, ppm] = [sum(amounts), BigInt(rate.ppm)];
    const amount = portion(base, ppm, included ? WHOLE + ppm : WHOLE);
    const shares = allocate(amount, amounts);
    for (const [at, index] of indexes.entries()) parts[index] = shares[at]!;
    return [{ name: rate.name, ppm: rate.ppm, base, amount }];
  });
  return { taxes, parts };
}

/** What is taxed alike on an invoice. */
function keyOf(rate: TaxRate | null): string {
  return rate === null ? '' : `${rate.ppm} ${rate.name}`;
}

/** The rate of the region, or else that of the country. */
function rateOf(taxClass: string, { settings, place }: Offer): TaxRate | null {
  if (place === null) return null;
  const there = settings.taxRates.filter((rate) => rate.country === place.country && rate.taxClass === taxClass);
  const region = regionOf(place.region);
  return there.find((rate) => rate.region !== '' && rate.region === region) ?? there.find((rate) => rate.region === '') ?? null;
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((all, amount) => all + amount, 0n);
}
