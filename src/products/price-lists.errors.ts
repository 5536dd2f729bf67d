import { problem } from '#errors';

export const priceListNotFound = problem(
  'price-lists/not-found',
  'not-found',
  'No such price list',
  'No price list has this id. GET /api/v1/shop/price-lists lists them.',
);
export const priceListWindow = problem(
  'price-lists/ends-before-it-starts',
  'invalid',
  'The price list ends before it starts',
  'A price list counts from `startsAt` until `endsAt`, which has to be later.',
);
export const listPriceImpossible = problem(
  'price-lists/price-impossible',
  'invalid',
  'The list can have no price of a variant',
  'A list has prices of variants that are there. `errors` names those that are not.',
);
