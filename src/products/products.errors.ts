import { problem } from '#errors';

export const productNotFound = problem(
  'products/not-found',
  'not-found',
  'No such product',
  'No product has this id or slug, or it is not on sale and you may not see it.',
);
export const variantNotFound = problem(
  'products/variant-not-found',
  'not-found',
  'No such variant',
  'No variant that is on sale has this id. Read the product again: variants may have been withdrawn.',
);
export const outOfStock = problem(
  'products/out-of-stock',
  'conflict',
  'Not enough in stock',
  'There is less in stock than you asked for. `errors` names each line and what is left. Order less, or try again later: stock that others hold without paying comes back.',
);
export const stockTooLow = problem(
  'products/stock-too-low',
  'conflict',
  'The adjustment takes more than there is',
  'Stock can neither fall below zero nor below what pending orders hold. Take less, or wait until those orders are paid or expire.',
);
export const stockTooHigh = problem(
  'products/stock-too-high',
  'conflict',
  'The adjustment brings in more than can be kept',
  'A variant has at most 1,000,000,000 in stock. Check the number.',
);
export const productSlugTaken = problem(
  'products/slug-taken',
  'conflict',
  'The slug belongs to another product',
  'Another product has this slug. Choose another, or leave `slug` out to have one made from the name.',
);
export const unknownTaxClass = problem(
  'products/unknown-tax-class',
  'invalid',
  'The shop has no such tax class',
  'A product has one of the `taxClasses` of `GET /shop/settings`. Choose one of them, or add it there first.',
);
export const skuTaken = problem(
  'products/sku-taken',
  'conflict',
  'The SKU belongs to another variant',
  'Another variant, perhaps a withdrawn one, has this SKU. SKUs are unique for ever, because orders and invoices quote them.',
);
export const productExternalIdTaken = problem(
  'products/external-id-taken',
  'conflict',
  'The external id is taken',
  'Another product or variant already has this `externalId`.',
);
