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
  'product_metadata',
  'product_images',
  'sku',
  'variant_name',
  'price_amount',
  'compare_at_amount',
  'currency',
  'stock',
  'backorder',
  'available_from',
  'external_id',
  'variant_metadata',
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

/** Texts by their names, in JSON; an empty cell where there are none. */
const writeTexts = (texts: Record<string, string>): string => (Object.keys(texts).length === 0 ? '' : JSON.stringify(texts));

/** How many there may be, and how long, is the API's to say; what is nested is none, however deep. `undefined`: it is no object of texts. */
function readTexts(cell: string): Record<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(cell);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && Object.values(value).every((text) => typeof text === 'string') ? (value as Record<string, string>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Files by their ids, with whitespace between. */
const readImages = (cell: string): { fileId: string }[] =>
  cell
    .split(/\s+/)
    .filter(Boolean)
    .map((fileId) => ({ fileId }));

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
    product_metadata: writeTexts(variant.productMetadata),
    product_images: variant.images.join(' '),
    sku: variant.sku,
    variant_name: variant.name,
    price_amount: String(variant.priceAmount),
    compare_at_amount: variant.compareAt === null ? '' : String(variant.compareAt),
    currency: variant.currency,
    stock: String(variant.stock),
    backorder: variant.backorder,
    available_from: variant.availableFrom ?? '',
    external_id: variant.externalId ?? '',
    variant_metadata: writeTexts(variant.metadata),
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

/** How a cell says a member: what an empty one means, where that is anything, and how another is read; `undefined`: it cannot be. */
interface Saying {
  member: string;
  empty?: null | '' | object;
  read?: (cell: string) => unknown;
}

const trimmed = (cell: string): string => cell.trim();

/** Members of products and of variants, by the column that says them. */
const PRODUCT_MEMBERS: Partial<Record<Column, Saying>> = {
  product_slug: { member: 'slug' },
  product_name: { member: 'name' },
  product_description: { member: 'description', empty: '' },
  product_status: { member: 'status' },
  product_category: { member: 'category', empty: null },
  product_tax_class: { member: 'taxClass' },
  product_external_id: { member: 'externalId', empty: null },
  product_metadata: { member: 'metadata', empty: {}, read: readTexts },
  product_images: { member: 'images', empty: [], read: readImages },
};
const VARIANT_MEMBERS: Partial<Record<Column, Saying>> = {
  variant_name: { member: 'name' },
  backorder: { member: 'backorder', read: trimmed },
  available_from: { member: 'availableFrom', empty: null, read: trimmed },
  external_id: { member: 'externalId', empty: null },
  variant_metadata: { member: 'metadata', empty: {}, read: readTexts },
};

/** The column that a member of the API's stands in. */
export function columnOf(of: 'product' | 'variant', member: string): Column | null {
  const members = of === 'product' ? PRODUCT_MEMBERS : VARIANT_MEMBERS;
  const column = COLUMNS.find((each) => members[each]?.member === member);
  if (column !== undefined || of === 'product') return column ?? null;
  const columns: Record<string, Column> = {
    sku: 'sku',
    price: 'price_amount',
    compareAtPrice: 'compare_at_amount',
    stock: 'stock',
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
  const members = (sayings: Partial<Record<Column, Saying>>): Record<string, unknown> => {
    const read = Object.entries(sayings).flatMap(([name, { member, empty, read }]) => {
      const column = name as Column;
      const cell = text(column);
      if (cell === undefined || (cell === '' && empty === undefined)) return [];
      const value = cell === '' ? empty : read === undefined ? cell : read(cell);
      if (value === undefined) refuse(column, `${column} must be an object of texts in JSON, like {"crmId":"4711"}`);
      return [[member, value] as const];
    });
    return Object.fromEntries(read);
  };

  const product = members(PRODUCT_MEMBERS);
  const sku = text('sku') ?? '';
  if (sku === '') refuse('sku', 'there is no SKU');
  const variant: Said['variant'] = { ...members(VARIANT_MEMBERS), sku };
  const currency = text('currency')?.trim() || known?.currency;
  const amount = whole('price_amount') ?? known?.priceAmount;
  if (amount !== undefined && currency === undefined) refuse('currency', 'there is a price without a currency');
  if (amount !== undefined && currency !== undefined) variant.price = { amount, currency };
  const compareAt = whole('compare_at_amount');
  if (cells.compare_at_amount !== undefined) variant.compareAtPrice = compareAt === undefined ? null : { amount: compareAt, currency };
  const stock = whole('stock');
  if (stock !== undefined && known === null) variant.stock = stock;
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
