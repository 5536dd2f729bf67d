import { Amount, event } from '#events';
import { Id } from '#http';
import { Type } from 'class-transformer';
import { IsString, ValidateNested } from 'class-validator';

export class PaymentPayload {
  @Id()
  paymentId: string;

  @Id()
  orderId: string;

  @ValidateNested()
  @Type(() => Amount)
  amount: Amount;
}

export class PaymentFailurePayload extends PaymentPayload {
  /** Why, in the provider's word. @example "card_declined" */
  @IsString()
  failureCode: string;
}

export class RefundPayload extends PaymentPayload {
  @Id()
  refundId: string;
}

export const paymentProcessing = event('payment.processing', {
  version: 1,
  payload: PaymentPayload,
  description: 'A payment was begun; the provider has not answered yet.',
  visibleTo: ['subject', 'orders:read'],
});

export const paymentSucceeded = event('payment.succeeded', {
  version: 1,
  payload: PaymentPayload,
  description: 'The provider has the money.',
  visibleTo: ['subject', 'orders:read'],
});

export const paymentFailed = event('payment.failed', {
  version: 1,
  payload: PaymentFailurePayload,
  description: 'The provider refused; the order can be paid in another way while it lives.',
  visibleTo: ['subject', 'orders:read'],
});

export const refundCreated = event('refund.created', {
  version: 1,
  resource: 'payment',
  payload: RefundPayload,
  description: 'Money goes back; `amount` is what of the payment.',
  visibleTo: ['subject', 'orders:read'],
});
