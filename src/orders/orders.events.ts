import { Amount, event } from '#events';
import { Id, Time } from '#http';
import { Type } from 'class-transformer';
import { IsBoolean, IsInt, ValidateNested } from 'class-validator';

export class OrderPayload {
  @Id()
  orderId: string;

  /** What people say on the telephone. @example 1001 */
  @IsInt()
  number: number;
}

export class OrderTotalPayload extends OrderPayload {
  @ValidateNested()
  @Type(() => Amount)
  total: Amount;
}

export class OrderPlacedPayload extends OrderTotalPayload {
  /** Until then its stock is held for it. */
  @Time()
  expiresAt: string;
}

export class OrderPaidPayload extends OrderTotalPayload {
  @Id()
  paymentId: string;
}

export class OrderCancelledPayload extends OrderPayload {
  /** Whether it had been paid, and is refunded. @example false */
  @IsBoolean()
  refunded: boolean;
}

export const orderPlaced = event('order.placed', {
  version: 1,
  payload: OrderPlacedPayload,
  description: 'Somebody ordered; the stock is held for them while they pay.',
  visibleTo: ['subject', 'orders:read'],
});

export const orderPaid = event('order.paid', {
  version: 1,
  payload: OrderPaidPayload,
  description: 'An order is paid in full; its stock is sold.',
  visibleTo: ['subject', 'orders:read'],
});

export const orderRefunded = event('order.refunded', {
  version: 1,
  payload: OrderTotalPayload,
  description: 'All that was paid for an order is paid back.',
  visibleTo: ['subject', 'orders:read'],
});

export const orderCancelled = event('order.cancelled', {
  version: 1,
  payload: OrderCancelledPayload,
  description: 'An order was cancelled, by its customer or by staff; its stock is back.',
  visibleTo: ['subject', 'orders:read'],
});

export const orderHasExpired = event('order.expired', {
  version: 1,
  payload: OrderPayload,
  description: 'An order was not paid in time; its stock is back.',
  visibleTo: ['subject', 'orders:read'],
});

export const orderShipped = event('order.shipped', {
  version: 1,
  payload: OrderPayload,
  description: 'All of an order is on its way that has not come back.',
  visibleTo: ['subject', 'orders:read'],
});

export const orderDelivered = event('order.delivered', {
  version: 1,
  payload: OrderPayload,
  description: 'All that was sent of an order has arrived.',
  visibleTo: ['subject', 'orders:read'],
});

export class ShipmentPayload extends OrderPayload {
  @Id()
  shipmentId: string;
}

export const shipmentCreated = event('shipment.created', {
  version: 1,
  resource: 'order',
  payload: ShipmentPayload,
  description: 'A parcel with some or all of an order is on its way.',
  visibleTo: ['subject', 'orders:read'],
});

export const shipmentDelivered = event('shipment.delivered', {
  version: 1,
  resource: 'order',
  payload: ShipmentPayload,
  description: 'A parcel has arrived.',
  visibleTo: ['subject', 'orders:read'],
});

export class OrderNotePayload extends OrderPayload {
  @Id()
  noteId: string;
}

export const orderNoteAdded = event('order.note-added', {
  version: 1,
  payload: OrderNotePayload,
  description: 'Staff have written a note about an order, for staff.',
  visibleTo: ['orders:read'],
});

export const orderNoteShared = event('order.note-shared', {
  version: 1,
  payload: OrderNotePayload,
  description: 'Staff have written a note about an order that its customer sees.',
  visibleTo: ['subject', 'orders:read'],
});
