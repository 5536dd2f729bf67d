import type { FieldProblem } from '#errors';

/** What a class is taxed at in a country, or in one region of it. */
export interface TaxRate {
  country: string;
  /** In capital letters; empty: everywhere in the country that has no rate of its own. */
  region: string;
  taxClass: string;
  name: string;
  /** Millionths: 19 % is 190,000. */
  ppm: number;
}

/** How what is bought is sent, and what that costs in one currency. */
export interface ShippingMethod {
  code: string;
  name: string;
  /** None: everywhere. */
  countries: string[];
  currency: string;
  /** Minor units. */
  price: number;
  freeFrom: number | null;
  taxClass: string;
}

/** Who sells, as it stands on invoices. */
export interface Seller {
  legalName: string;
  /** What the tax office knows them by. */
  taxId: string | null;
  line1: string;
  line2?: string;
  city: string;
  region?: string;
  postalCode: string;
  country: string;
}

/** How the shop sells. */
export interface Settings {
  /** None: all. */
  currencies: string[];
  /** Where an order without an address is taxed, and sent to. */
  country: string | null;
  pricesIncludeTax: boolean;
  timeZone: string;
  /** Null: nobody has said. */
  seller: Seller | null;
  taxClasses: string[];
  taxRates: TaxRate[];
  shippingMethods: ShippingMethod[];
  version: number;
  updatedAt: Date;
}

/** Products of a shop that has said nothing of tax have this one. */
export const STANDARD_CLASS = 'standard';

/** "8.875" → 88,750 millionths. */
export function ppmOf(percentage: string): number {
  const [whole = '', decimals = ''] = percentage.split('.');
  return Number(whole) * 10_000 + Number(decimals.padEnd(4, '0'));
}

/** 88,750 millionths → "8.875". */
export function percentageOf(ppm: number): string {
  const decimals = String(ppm % 10_000)
    .padStart(4, '0')
    .replace(/0+$/, '');
  return `${Math.trunc(ppm / 10_000)}${decimals && `.${decimals}`}`;
}

/** A region as it is compared, whoever wrote it. */
export function regionOf(region: string | null | undefined): string {
  return (region ?? '').trim().normalize('NFC').toUpperCase();
}

/** What of these settings contradicts something else of them. */
export function contradictions({
  currencies,
  taxClasses,
  taxRates,
  shippingMethods,
}: Omit<Settings, 'version' | 'updatedAt'>): FieldProblem[] {
  const classes = new Set(taxClasses);
  const wrong = (pointer: string, code: string, detail: string): FieldProblem => ({ pointer, code, detail });
  const unknownClasses = (name: string, items: { taxClass: string }[]) =>
    items.flatMap(({ taxClass }, index) =>
      classes.has(taxClass) ? [] : [wrong(`/${name}/${index}/taxClass`, 'unknown', 'is not one of taxClasses')],
    );
  const twice = (name: string, keys: string[], detail: string) =>
    keys.flatMap((key, index) => (keys.indexOf(key) < index ? [wrong(`/${name}/${index}`, 'duplicate', detail)] : []));
  return [
    ...(classes.has(STANDARD_CLASS)
      ? []
      : [wrong('/taxClasses', 'standard', `must have ${STANDARD_CLASS}, which products have that say nothing else`)]),
    ...unknownClasses('taxRates', taxRates),
    ...unknownClasses('shippingMethods', shippingMethods),
    ...twice(
      'taxRates',
      taxRates.map(({ country, region, taxClass }) => `${country} ${taxClass} ${region}`),
      'is the second of this country, region and class',
    ),
    ...twice(
      'shippingMethods',
      shippingMethods.map(({ code, currency }) => `${code} ${currency}`),
      'is the second of this code and currency',
    ),
    ...shippingMethods.flatMap(({ currency }, index) =>
      currencies.length === 0 || currencies.includes(currency)
        ? []
        : [wrong(`/shippingMethods/${index}/price/currency`, 'unknown', 'is not one of currencies')],
    ),
  ];
}
