import type { Variant } from './products.queries.js';
import type { ExportedVariant } from './variant-imports.queries.js';

/** The columns of a file of variants, in the order in which they are exported. */
export const COLUMNS = [
  'product_slug',
  'product_name',
  'product_description',
  'product_status',
  'product_category',
  'product_tax_class',
  'product_external_id',
  'sku',
  'variant_name',
  'price_amount',
  'compare_at_amount',
  'currency',
  'stock',
  'external_id',
  'option1_name',
  'option1_value',
  'option2_name',
  'option2_value',
  'option3_name',
  'option3_value',
] as const;
export type Column = (typeof COLUMNS)[number];
const OPTIONS = [1, 2, 3] as const;

/** Why a line, or with line 0 the whole file, was not taken. */
export interface LineProblem {
  line: number;
  column: Column | null;
  code: string;
  detail: string;
}

/** A line of a file, by its columns; those that the file does not have are not there. */
export interface Line {
  /** Where it begins in the file, from 1. */
  line: number;
  cells: Partial<Record<Column, string>>;
}

/** What is wrong with the first line of a file; null when nothing is. */
export function headerFault(names: readonly string[]): string | null {
  const quoted = (name: string) => `"${name.slice(0, 60)}"`;
  const unknown = names.find((name) => !(COLUMNS as readonly string[]).includes(name));
  if (unknown !== undefined) return `${quoted(unknown)} is no column; columns are parted by commas, and may be ${COLUMNS.join(', ')}.`;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `There are two columns ${quoted(twice)}.`;
  if (!names.includes('sku')) return 'There is no column "sku", by which variants are told apart.';
  for (const n of OPTIONS)
    if (names.includes(`option${n}_name`) !== names.includes(`option${n}_value`))
      return `option${n}_name and option${n}_value go together.`;
  return null;
}

/** What spreadsheets would take for a formula (OWASP, CSV injection), however many quotes stand before it. */
const FORMULA = /^'*[=+\-@\t\r]/;
const QUOTED_FORMULA = /^'+[=+\-@\t\r]/;

/** A text as a spreadsheet takes it for one; `readCell` gives back what it was. */
export const writeCell = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);
export const readCell = (cell: string): string => (QUOTED_FORMULA.test(cell) ? cell.slice(1) : cell);

/** The cells of a variant, column by column. */
export function lineOf(variant: ExportedVariant): string[] {
  const named = variant.options.filter(({ name }) => Object.hasOwn(variant.optionValues, name)).map(({ name }) => name);
  const option = (n: number) => ({
    name: named[n - 1] ?? '',
    value: named[n - 1] === undefined ? '' : variant.optionValues[named[n - 1]!]!,
  });
  const cells: Record<Column, string> = {
    product_slug: variant.slug,
    product_name: variant.productName,
    product_description: variant.description,
    product_status: variant.status,
    product_category: variant.category ?? '',
    product_tax_class: variant.taxClass,
    product_external_id: variant.productExternalId ?? '',
    sku: variant.sku,
    variant_name: variant.name,
    price_amount: String(variant.priceAmount),
    compare_at_amount: variant.compareAt === null ? '' : String(variant.compareAt),
    currency: variant.currency,
    stock: String(variant.stock),
    external_id: variant.externalId ?? '',
    option1_name: option(1).name,
    option1_value: option(1).value,
    option2_name: option(2).name,
    option2_value: option(2).value,
    option3_name: option(3).name,
    option3_value: option(3).value,
  };
  return COLUMNS.map((column) => writeCell(cells[column]));
}

/** The members of a product and of a variant that a line says something of, as the API takes them, not yet checked. */
export interface Said {
  product: Record<string, unknown>;
  variant: Record<string, unknown> & { sku: string };
}

/** Members of products and variants, by the column that says them; `null`: an empty cell means that there is none. */
const PRODUCT_MEMBERS: Partial<Record<Column, { member: string; empty?: null | '' }>> = {
  product_slug: { member: 'slug' },
  product_name: { member: 'name' },
  product_description: { member: 'description', empty: '' },
  product_status: { member: 'status' },
  product_category: { member: 'category', empty: null },
  product_tax_class: { member: 'taxClass' },
  product_external_id: { member: 'externalId', empty: null },
};

/** The column that a member of the API's stands in. */
export function columnOf(of: 'product' | 'variant', member: string): Column | null {
  if (of === 'product') return COLUMNS.find((column) => PRODUCT_MEMBERS[column]?.member === member) ?? null;
  const columns: Record<string, Column> = {
    sku: 'sku',
    name: 'variant_name',
    price: 'price_amount',
    compareAtPrice: 'compare_at_amount',
    stock: 'stock',
    externalId: 'external_id',
    optionValues: 'option1_value',
  };
  return columns[member] ?? null;
}

/**
 * What a line says: an empty cell means none where there may be none, and nothing elsewhere. `known` is the variant as it is, of which a
 * price alone keeps the currency.
 */
export function said({ line, cells }: Line, known: Pick<Variant, 'priceAmount' | 'currency'> | null): Said | { problems: LineProblem[] } {
  const problems: LineProblem[] = [];
  const text = (column: Column) => (cells[column] === undefined ? undefined : readCell(cells[column]));
  const refuse = (column: Column, detail: string) => void problems.push({ line, column, code: 'invalid', detail });
  const whole = (column: Column): number | undefined => {
    const cell = text(column)?.trim();
    if (cell === undefined || cell === '') return undefined;
    if (/^\d{1,15}$/.test(cell)) return Number(cell);
    refuse(column, `${column} must be a whole number; amounts are in minor units, like 1999 for 19.99 EUR`);
    return undefined;
  };

  const product: Record<string, unknown> = {};
  for (const [column, { member, empty }] of Object.entries(PRODUCT_MEMBERS)) {
    const cell = text(column as Column);
    if (cell === undefined || (cell === '' && empty === undefined)) continue;
    product[member] = cell === '' ? empty : cell;
  }
  const sku = text('sku') ?? '';
  if (sku === '') refuse('sku', 'there is no SKU');
  const variant: Said['variant'] = { sku };
  const name = text('variant_name');
  if (name) variant.name = name;
  const currency = text('currency')?.trim() || known?.currency;
  const amount = whole('price_amount') ?? known?.priceAmount;
  if (amount !== undefined && currency === undefined) refuse('currency', 'there is a price without a currency');
  if (amount !== undefined && currency !== undefined) variant.price = { amount, currency };
  const compareAt = whole('compare_at_amount');
  if (cells.compare_at_amount !== undefined) variant.compareAtPrice = compareAt === undefined ? null : { amount: compareAt, currency };
  const stock = whole('stock');
  if (stock !== undefined && known === null) variant.stock = stock;
  const externalId = text('external_id');
  if (externalId !== undefined) variant.externalId = externalId === '' ? null : externalId;
  if (OPTIONS.some((n) => cells[`option${n}_name`] !== undefined)) variant.optionValues = optionValues(text, refuse);
  return problems.length > 0 ? { problems } : { product, variant };
}

function optionValues(
  text: (column: Column) => string | undefined,
  refuse: (column: Column, detail: string) => void,
): Record<string, string> {
  const pairs = new Map<string, string>();
  for (const n of OPTIONS) {
    const [name, value] = [(text(`option${n}_name`) ?? '').trim(), (text(`option${n}_value`) ?? '').trim()];
    // A name without a value: what of the product this variant has none of.
    if (value === '') continue;
    if (name === '') refuse(`option${n}_name`, `option${n}_value is a value of no option`);
    else if (pairs.has(name)) refuse(`option${n}_name`, 'another option of the line has this name');
    else pairs.set(name, value);
  }
  return Object.fromEntries(pairs);
}

/** The options of a product, with the values that a variant of it has: what is new comes last. */
export function withValues(
  options: readonly { name: string; values: readonly string[] }[],
  values: Record<string, string>,
): { name: string; values: string[] }[] {
  const all = options.map(({ name, values }) => ({ name, values: [...values] }));
  for (const [name, value] of Object.entries(values)) {
    const option = all.find((each) => each.name === name);
    if (option === undefined) all.push({ name, values: [value] });
    else if (!option.values.includes(value)) option.values.push(value);
  }
  return all;
}

/** Of what is said, what is otherwise: objects are compared by what they hold. */
export function changesOf<Members extends object>(said: Members, now: Partial<Record<keyof Members, unknown>>): Partial<Members> {
  const changed = Object.entries(said).filter(([member, value]) => canonical(value) !== canonical(now[member as keyof Members]));
  return Object.fromEntries(changed) as Partial<Members>;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [two]) => (one < two ? -1 : 1)))
      : each,
  );
}
