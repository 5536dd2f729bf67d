import { problem } from '#errors';

export const orderNotFound = problem(
  'orders/not-found',
  'not-found',
  'No such order',
  'No order has this id, it is somebody else’s, or the token is not that of this order.',
);
export const goodsUnclear = problem(
  'orders/goods-unclear',
  'invalid',
  'The order is of items or of a cart',
  'Give either `items`, or the `cartId` of a cart of yours, and not both.',
);
export const customerUnclear = problem(
  'orders/customer-unclear',
  'unprocessable',
  'The order is of a user or of a guest',
  'An `email` is where a guest is written to. With a login an order takes none: it is told to the address of the account.',
);
export const mixedCurrencies = problem(
  'orders/mixed-currencies',
  'conflict',
  'The lines have different currencies',
  'An order has one currency. Name it as `currency`, and what has a price in it is sold in it; or order the variants of each currency separately.',
);
export const currencyNotSold = problem(
  'orders/currency-not-sold',
  'conflict',
  'The shop does not sell in this currency',
  'The order, or the prices of its variants, are in a currency that is not among those of `GET /shop/settings`. Name one of those as `currency`, or order others.',
);
export const shippingUnavailable = problem(
  'orders/shipping-unavailable',
  'conflict',
  'The order cannot be sent so',
  'No shipping method of this code sends an order in this currency to this address, or none does at all. A quote lists in `shippingOptions` those that do.',
);
export const orderExpired = problem(
  'orders/expired',
  'conflict',
  'The order has expired',
  'It was not paid in time and its stock was given back. Place a new order.',
);
export const orderNotPayable = problem(
  'orders/not-payable',
  'conflict',
  'The order cannot be paid',
  'Only a pending order takes a payment; this one is paid already, or was cancelled. Read it to see its status.',
);
export const orderNotCancellable = problem(
  'orders/not-cancellable',
  'conflict',
  'The order cannot be cancelled',
  'Only pending and paid orders can be cancelled, not while a payment is under way, and not once some of it was sent. Read the order to see its status; refund what was paid of one that was sent.',
);
export const orderNotRefundable = problem(
  'orders/not-refundable',
  'conflict',
  'The order cannot be refunded',
  'Only an order that was paid can be refunded; one that is cancelled or refunded has its money back already, or gets it by itself.',
);
export const orderNotReturnable = problem(
  'orders/not-returnable',
  'conflict',
  'That much cannot be returned',
  'Only what was bought can come back, and each piece once; refunds that are under way count. `errors` says how many are left.',
);
export const orderNotShippable = problem(
  'orders/not-shippable',
  'conflict',
  'That much cannot be sent',
  'Only what is paid for can be sent, and each piece once; what has come back is not sent any more. `errors` says how many are left.',
);
export const shipmentNotFound = problem(
  'orders/shipment-not-found',
  'not-found',
  'No such shipment',
  'No shipment has this id. `GET /orders/:id/shipments` lists those of an order.',
);
export const invoiceNotFound = problem(
  'orders/invoice-not-found',
  'not-found',
  'No such invoice',
  'An order has an invoice once it is paid, and a credit note for each refund, which a debit note takes back where the money did not arrive. `GET /orders/:id/invoices` lists those that there are.',
);
export const refundMismatch = problem(
  'orders/refund-mismatch',
  'unprocessable',
  'The refund does not go with the order',
  'Money goes back in the currency in which it came, and an amount alone does not say which goods are back: name them as `items`.',
);
export const orderExternalIdTaken = problem(
  'orders/external-id-taken',
  'conflict',
  'The external id belongs to another order',
  'Another order already has this `externalId`. Read that one first, or use another id.',
);
export const periodReversed = problem(
  'orders/period-reversed',
  'invalid',
  'The time ends before it begins',
  '`from` is the beginning of the time, `to` its end; the first comes before the second.',
);
export const periodTooLong = problem(
  'orders/period-too-long',
  'invalid',
  'The time is too long',
  'Statistics count at most 366 days at once. Ask for shorter times, one after the other.',
);
export const orderTooLarge = problem(
  'orders/too-large',
  'invalid',
  'The order is too large',
  'The total is more than can be charged at once. Split the order.',
);
