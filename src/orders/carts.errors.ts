import { problem } from '#errors';

export const cartNotFound = problem(
  'carts/not-found',
  'not-found',
  'No such cart',
  'No cart has this id, it is somebody else’s, or an order was placed from it. Carts that nobody changes for a month are gone, too. Begin another.',
);
export const cartFull = problem(
  'carts/full',
  'conflict',
  'The cart is full',
  'A cart holds 100 different variants, as an order does. Take something out, or order what is in it first.',
);
export const cartEmpty = problem(
  'carts/empty',
  'conflict',
  'The cart is empty',
  'There is nothing in it to be ordered. Put something in first.',
);
