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
export const imageUnusable = problem(
  'products/image-unusable',
  'invalid',
  'A file cannot be an image of the product',
  'An image of a product is an image file that is yours, or that the product shows already. Upload it first (POST /api/v1/files); `errors` names those that cannot be shown.',
);
export const optionsMisfit = problem(
  'products/options-misfit',
  'invalid',
  'The variant does not fit the options',
  'A variant has one value of each option of its product, each one that the product offers, or `optionValues` is empty. `errors` says what does not fit.',
);
export const optionsInUse = problem(
  'products/options-in-use',
  'conflict',
  'Variants have values that the options would lose',
  'Variants on sale have values of the options as they are. Change or withdraw those variants first; `errors` names them.',
);
export const optionValuesTaken = problem(
  'products/option-values-taken',
  'conflict',
  'Another variant has the same values',
  'Of a product, each variant on sale has other values of the options. Choose others, or change the other variant first.',
);
export const compareAtInvalid = problem(
  'products/compare-at-invalid',
  'invalid',
  'The price to compare with is not more than the price',
  '`compareAtPrice` is what the price is struck through beside: more than `price`, in the same currency. Give another, or null.',
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
