/** What a page of products, or one, is made of for strangers: the catalogue or the product, and the stock of each variant that it shows. */
export function madeOf(
  products: readonly { status: 'draft' | 'active' | 'archived'; variants: readonly { id: string }[] }[],
  of: 'products' | `product:${string}`,
): string[] | null {
  if (products.some(({ status }) => status !== 'active')) return null;
  return [of, ...products.flatMap(({ variants }) => variants.map(({ id }) => `variant:${id}`))];
}
