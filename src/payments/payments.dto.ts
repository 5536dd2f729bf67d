import { Money, money, Text } from '#http';
import type { Payment } from './payments.service.js';

export class PayDto {
  /** With the simulator: `sandbox:success` or `sandbox:decline`. @example "sandbox:success" */
  @Text(1, 100)
  method: string;
}

export class PaymentResponse {
  id: string;
  /** The order it pays. */
  orderId: string;
  status: 'succeeded' | 'processing' | 'requires_action' | 'failed';
  amount: Money;
  /** @example "sandbox:success" */
  method: string;
  /** Why it failed. @example "card_declined" */
  failureCode: string | null;
  createdAt: Date;

  static from(this: void, payment: Payment): PaymentResponse {
    return {
      id: payment.id,
      orderId: payment.orderId,
      status: payment.status,
      amount: money(payment.amount, payment.currency),
      method: payment.method,
      failureCode: payment.failureCode,
      createdAt: payment.createdAt,
    };
  }
}
