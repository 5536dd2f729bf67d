import { problem } from '#errors';

export const unknownMethod = problem(
  'payments/unknown-method',
  'invalid',
  'No such payment method',
  'This installation takes other methods. With the simulator: `sandbox:success`, `sandbox:decline`, `sandbox:delay`, `sandbox:duplicate`, `sandbox:reorder`, `sandbox:lost`, `sandbox:timeout` and `sandbox:dispute`; in production the simulator is off unless PAYMENTS_SANDBOX=on. With Stripe: the id of one of its payment methods, `pm_…`.',
);
export const paymentInProgress = problem(
  'payments/in-progress',
  'conflict',
  'A payment of this order is under way',
  'Wait for it to succeed or fail; Retry-After says when to look again. An order is paid once.',
);
export const providerUnreachable = problem(
  'payments/provider-unreachable',
  'unavailable',
  'The payment provider did not answer',
  'Whether the money has moved is not known yet. Send the same call with the same Idempotency-Key again: nothing is charged or paid back twice. What nobody asks for again is found out in the background.',
);
export const unknownProvider = problem(
  'payments/unknown-provider',
  'not-found',
  'No such payment provider',
  'This installation has no provider of this name, or it is not set up.',
);
export const badSignature = problem(
  'payments/bad-signature',
  'invalid',
  'The webhook is not signed as it must be',
  'The signature is missing, is not the provider’s, is too old, or does not fit the body. Check the signing secret and the clock; nothing was taken.',
);
export const paymentDisputed = problem(
  'payments/disputed',
  'conflict',
  'The payment is disputed',
  'The customer’s bank asks the money back, or has taken it. Nothing is refunded on top of that until the dispute is won.',
);
export const refundTooLarge = problem(
  'payments/refund-too-large',
  'conflict',
  'The refund is more than what is left of the payment',
  'Refunds of a payment never come to more than what was paid; the ones that are under way count. The message says what is left.',
);
