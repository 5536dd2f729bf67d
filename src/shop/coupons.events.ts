import { event } from '#events';
import { Id } from '#http';
import { IsString } from 'class-validator';

export class CouponPayload {
  @Id()
  couponId: string;

  /** @example "SUMMER-15" */
  @IsString()
  code: string;
}

export class CouponChangePayload extends CouponPayload {
  /** The names of the members that were changed. @example ["active"] */
  @IsString({ each: true })
  changed: string[];
}

export const couponCreated = event('coupon.created', {
  version: 1,
  payload: CouponPayload,
  description: 'A coupon was made.',
  visibleTo: ['shop:manage'],
});

export const couponUpdated = event('coupon.updated', {
  version: 1,
  payload: CouponChangePayload,
  description: 'The terms of a coupon were changed, or it was switched on or off. Being used has no event of its own: orders say it.',
  visibleTo: ['shop:manage'],
});

export const couponDeleted = event('coupon.deleted', {
  version: 1,
  payload: CouponPayload,
  description: 'A coupon was deleted; orders keep what it took off.',
  visibleTo: ['shop:manage'],
});
