import { Amount, event } from '#events';
import { Id } from '#http';
import { Type } from 'class-transformer';
import { IsIn, IsString, ValidateNested } from 'class-validator';

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

export class RefundFailurePayload extends RefundPayload {
  /** Why, in the provider's word. @example "charge_disputed" */
  @IsString()
  failureCode: string;
}

export class DisputePayload extends PaymentPayload {
  @Id()
  disputeId: string;

  /** Why the bank asks, in the provider's word. @example "fraudulent" */
  @IsString()
  reason: string;
}

export class DisputeEndPayload extends DisputePayload {
  /** Whether the money stays with the shop (`won`) or is gone (`lost`). */
  @IsIn(['won', 'lost'])
  status: 'won' | 'lost';
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

export const paymentLate = event('payment.late', {
  version: 1,
  payload: PaymentPayload,
  description:
    'Money arrived for an order that could not take it any more (expired, cancelled or paid otherwise); it is paid back by itself.',
  visibleTo: ['subject', 'orders:read'],
});

export const refundCreated = event('refund.created', {
  version: 1,
  resource: 'payment',
  payload: RefundPayload,
  description: 'Money goes back; `amount` is what of the payment.',
  visibleTo: ['subject', 'orders:read'],
});

export const refundSucceeded = event('refund.succeeded', {
  version: 1,
  resource: 'payment',
  payload: RefundPayload,
  description: 'The provider has paid the money back.',
  visibleTo: ['subject', 'orders:read'],
});

export const refundFailed = event('refund.failed', {
  version: 1,
  resource: 'payment',
  payload: RefundFailurePayload,
  description: 'The provider could not pay the money back; somebody has to look into it.',
  visibleTo: ['orders:read'],
});

export const disputeOpened = event('dispute.opened', {
  version: 1,
  resource: 'payment',
  payload: DisputePayload,
  description: 'The customer’s bank asks the money of a payment back; nothing is refunded on top of it.',
  visibleTo: ['orders:read'],
});

export const disputeClosed = event('dispute.closed', {
  version: 1,
  resource: 'payment',
  payload: DisputeEndPayload,
  description: 'A dispute has come to its end.',
  visibleTo: ['orders:read'],
});
