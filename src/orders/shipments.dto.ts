import { IfPresent, Line, ListQuery, type Page } from '#http';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsIn, ValidateNested } from 'class-validator';
import type { Shipped } from './shipments.service.js';
import { OrderItemDto } from './terms.dto.js';

export class ShipDto {
  /** Who brings it. @example "DHL" */
  @Line(1, 100)
  carrier: string;

  /** What the carrier knows the parcel by. @example "00340434161094042557" */
  @Line(1, 100)
  trackingNumber: string;

  /** What is in the parcel; left out: all that has not been sent yet. */
  @IfPresent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => OrderItemDto)
  items?: OrderItemDto[];
}

export class ShippedLineResponse {
  variantId: string;
  /** @example 1 */
  quantity: number;
}

export class ShipmentResponse {
  id: string;
  /** The order that it is a part of, or all of. */
  orderId: string;
  status: 'shipped' | 'delivered';
  /** @example "DHL" */
  carrier: string;
  /** Null once its customer was erased. @example "00340434161094042557" */
  trackingNumber: string | null;
  items: ShippedLineResponse[];
  createdAt: Date;
  deliveredAt: Date | null;

  static from(this: void, { shipment, variants }: Shipped): ShipmentResponse {
    const { id, orderId, carrier, trackingNumber, lines, createdAt, deliveredAt } = shipment;
    return {
      id,
      orderId,
      status: deliveredAt === null ? 'shipped' : 'delivered',
      carrier,
      trackingNumber,
      items: lines.map(({ position, quantity }) => ({ variantId: variants[position]!, quantity })),
      createdAt,
      deliveredAt,
    };
  }
}

export class ShipmentList implements Page<ShipmentResponse> {
  items: ShipmentResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListShipmentsQuery extends ListQuery {
  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}
