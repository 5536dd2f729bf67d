import { problem } from '#errors';

export const unknownMethod = problem(
  'payments/unknown-method',
  'invalid',
  'No such payment method',
  'This installation takes other methods. With the simulator: `sandbox:success` and `sandbox:decline`; in production the simulator is off unless PAYMENTS_SANDBOX=on.',
);
export const paymentInProgress = problem(
  'payments/in-progress',
  'conflict',
  'A payment of this order is under way',
  'Wait for it to succeed or fail; Retry-After says when to look again. An order is paid once.',
);
