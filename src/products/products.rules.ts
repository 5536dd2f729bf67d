import type { Actor } from '#security';

/** Whether somebody sees what is not on sale, too. */
export const seesAll = (actor: Actor | null): boolean => actor?.can('products:read') ?? false;

/** Words of paths beside slugs: no product can be found by one. */
export const RESERVED = ['facets', 'imports'];

/** What the variants of a product differ in. */
export interface Option {
  name: string;
  values: string[];
}

/** The value that a variant has of each option. */
export type OptionValues = Record<string, string>;

/** Why a variant with these values is none of a product with these options; null when it may be: it has a value of each, or none at all. */
export function misfit(options: readonly Option[], values: OptionValues): string | null {
  const named = Object.keys(values);
  if (named.length === 0) return null;
  const unknown = named.find((name) => !options.some((option) => option.name === name));
  if (unknown !== undefined) return `names ${unknown}, which is no option of the product`;
  for (const { name, values: known } of options) {
    const value = Object.hasOwn(values, name) ? values[name]! : undefined;
    if (value === undefined) return `has no value of ${name}`;
    if (!known.includes(value)) return `has a value of ${name} that the product does not offer`;
  }
  return null;
}

/** Values that are wanted, by option: `Colour:Blue,Colour:Red,Size:M` is one of two colours, in one size. */
export function readOptions(text: string | undefined): Map<string, string[]> {
  const wanted = new Map<string, string[]>();
  for (const each of text === undefined ? [] : text.split(',')) {
    const [name = '', ...value] = each.split(':');
    wanted.set(name, [...(wanted.get(name) ?? []), value.join(':')]);
  }
  return wanted;
}

/** Whether a price may be struck through beside this one, both in minor units. */
export function isComparable(price: { amount: number; currency: string }, compareAt: { amount: number; currency: string } | null): boolean {
  return compareAt === null || (compareAt.currency === price.currency && compareAt.amount > price.amount);
}

/** What a page of products, or one, is made of for strangers: the catalogue or the product, and the stock of each variant that it shows. */
export function madeOf(
  products: readonly {
    status: 'draft' | 'active' | 'archived';
    images: readonly { fileId: string; url: string }[];
    variants: readonly { id: string }[];
  }[],
  ...of: ('products' | 'categories' | 'price-lists' | `product:${string}`)[]
): string[] | null {
  // A link that ends is kept by nobody.
  if (products.some(({ status, images }) => status !== 'active' || images.some(({ url }) => url.includes('expires=')))) return null;
  const parts = products.flatMap(({ images, variants }) => [
    ...images.map(({ fileId }) => `file:${fileId}`),
    ...variants.map(({ id }) => `variant:${id}`),
  ]);
  return [...of, ...parts];
}
