import { Money, money, Text } from '#http';
import type { Payment } from './payments.service.js';
import type { Refund } from './refunds.service.js';

export class PayDto {
  /** With the simulator `sandbox:success`, `sandbox:decline`, `sandbox:delay` and the like; with Stripe the id of a payment method. @example "sandbox:success" */
  @Text(1, 100)
  method: string;
}

export class PaymentResponse {
  id: string;
  /** The order it pays. */
  orderId: string;
  /** `requires_action`: the customer has to confirm it, by `clientSecret`. */
  status: 'succeeded' | 'processing' | 'requires_action' | 'failed';
  amount: Money;
  /** What of it was paid back, or is about to be. */
  refunded: Money;
  /** Whether the customer's bank asks the money back, or has taken it. @example false */
  disputed: boolean;
  /** @example "sandbox:success" */
  method: string;
  /** Why it failed. @example "card_declined" */
  failureCode: string | null;
  /** For the provider's own program in the customer's browser, which finishes the payment. Only where an action is required. */
  clientSecret?: string;
  createdAt: Date;

  static from(this: void, payment: Payment, clientSecret?: string | null): PaymentResponse {
    const { id, orderId, status, currency, disputed, method, failureCode, createdAt } = payment;
    return {
      id,
      orderId,
      status,
      amount: money(payment.amount, currency),
      refunded: money(payment.refunded, currency),
      disputed,
      method,
      failureCode,
      ...(status === 'requires_action' && clientSecret && { clientSecret }),
      createdAt,
    };
  }
}

export class PaymentList {
  /** The newest first. */
  items: PaymentResponse[];
}

export class RefundedLineResponse {
  variantId: string;
  /** @example 1 */
  quantity: number;
}

export class RefundResponse {
  id: string;
  /** The payment that is paid back. */
  paymentId: string;
  /** `pending`: the provider has not said yet that it has paid. */
  status: 'pending' | 'succeeded' | 'failed';
  amount: Money;
  /** @example "arrived broken" */
  reason: string;
  /** What it is for, where that was said. */
  items: RefundedLineResponse[];
  /** Whether the goods are put back into the stock. @example false */
  restock: boolean;
  /** Why it failed. @example "charge_disputed" */
  failureCode: string | null;
  createdAt: Date;

  /** `variants` has the variant of each line of the order. */
  static from(this: void, refund: Refund, variants: readonly string[]): RefundResponse {
    const { id, paymentId, status, amount, payment, reason, lines, restock, failureCode, createdAt } = refund;
    return {
      id,
      paymentId,
      status,
      amount: money(amount, payment.currency),
      reason,
      items: lines.map(({ position, quantity }) => ({ variantId: variants[position]!, quantity })),
      restock,
      failureCode,
      createdAt,
    };
  }
}

export class RefundList {
  /** The newest first. */
  items: RefundResponse[];
}
