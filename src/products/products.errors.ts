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
export const locationNotFound = problem(
  'products/location-not-found',
  'not-found',
  'No such location',
  'No location has this id. `GET /stock/locations` lists them.',
);
export const unknownLocation = problem(
  'products/unknown-location',
  'invalid',
  'Nothing can be brought there',
  'What is named is no location, or one that is closed. `GET /stock/locations` lists them; leave `locationId` out for the default one.',
);
export const locationCodeTaken = problem(
  'products/location-code-taken',
  'conflict',
  'The code belongs to another location',
  'Another location has this code. Choose another.',
);
export const locationInUse = problem(
  'products/location-in-use',
  'conflict',
  'The location cannot be closed',
  'Goods lie there, or it is the default one, where everything lies that names no location. Transfer what is there first.',
);
export const tooManyLocations = problem(
  'products/too-many-locations',
  'conflict',
  'There are too many locations',
  'There can be 200 locations. Change one that is not needed any more.',
);
export const stockOwed = problem(
  'products/stock-owed',
  'conflict',
  'More was ordered than there is',
  'Orders hold, or have bought, more of this variant than lies in stock, so it cannot stop being back-ordered yet. Bring in what is owed first.',
);
export const availabilityUnclear = problem(
  'products/availability-unclear',
  'invalid',
  'When it can be had does not go with how it is sold',
  'A pre-order needs `availableFrom`; what is neither back-ordered nor pre-ordered has none.',
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
