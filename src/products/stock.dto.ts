import { Id, IfPresent, Line, ListQuery, type Page } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min, NotEquals } from 'class-validator';
import type { Movement, Stock, Transfer } from './stock.service.js';

export class AdjustStockDto {
  /** How many come in (positive) or go out (negative). @example 20 */
  @ApiProperty({
    type: 'integer',
    minimum: -1_000_000_000,
    maximum: 1_000_000_000,
    not: { enum: [0] },
    example: 20,
    description: 'How many come in (positive) or go out (negative).',
  })
  @IsInt()
  @Min(-1_000_000_000)
  @Max(1_000_000_000)
  @NotEquals(0)
  delta: number;

  /** @example "delivery 4711" */
  @Line(1, 200)
  reason: string;

  /** Where; left out: the default location. */
  @IfPresent()
  @Id()
  locationId?: string;

  /** What it belongs to elsewhere, the number of a delivery note for example. @example "DN-4711" */
  @IfPresent()
  @Line(1, 100)
  reference?: string;
}

export class TransferStockDto {
  @Id()
  fromLocationId: string;

  @Id()
  toLocationId: string;

  /** @example 5 */
  @ApiProperty({ type: 'integer' })
  @IsInt()
  @Min(1)
  @Max(1_000_000_000)
  quantity: number;

  /** @example "the shop window" */
  @Line(1, 200)
  reason: string;
}

export class StockMovementResponse {
  id: string;
  variantId: string;
  locationId: string;
  /** @example 20 */
  delta: number;
  /** @example "delivery 4711" */
  reason: string;
  /** What it belongs to elsewhere; of a transfer its id, which both of its entries bear. @example "DN-4711" */
  reference: string | null;
  /** The stock after it, in all locations, what orders hold included. @example 40 */
  stock: number;
  /** The order it belongs to. */
  orderId: string | null;
  createdAt: Date;

  static from(this: void, movement: Movement): StockMovementResponse {
    const { id, variantId, locationId, delta, reason, reference, balance, orderId, createdAt } = movement;
    return { id, variantId, locationId, delta, reason, reference, stock: balance, orderId, createdAt };
  }
}

export class StockMovementList implements Page<StockMovementResponse> {
  items: StockMovementResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListMovementsQuery extends ListQuery {}

export class StockTransferResponse {
  id: string;
  variantId: string;
  fromLocationId: string;
  toLocationId: string;
  /** @example 5 */
  quantity: number;
  /** @example "the shop window" */
  reason: string;
  createdAt: Date;

  static from(this: void, transfer: Transfer): StockTransferResponse {
    const { id, variantId, fromLocationId, toLocationId, quantity, reason, createdAt } = transfer;
    return { id, variantId, fromLocationId, toLocationId, quantity, reason, createdAt };
  }
}

export class StockLevelResponse {
  locationId: string;
  /** @example "main" */
  code: string;
  /** @example "Main warehouse" */
  name: string;
  /** How many lie there; below zero is what was sold and is still to come. @example 40 */
  quantity: number;
}

export class StockResponse {
  variantId: string;
  /** What lies in all locations together; below zero is what is owed. @example 60 */
  stock: number;
  /** What of it pending orders hold. @example 2 */
  reserved: number;
  /** How many can be ordered now, without those that are back-ordered or pre-ordered. @example 58 */
  available: number;
  backorder: 'none' | 'backorder' | 'preorder';
  availableFrom: Date | null;
  /** The locations where some lie, or are owed, the fullest first. */
  levels: StockLevelResponse[];

  static from(this: void, { variantId, stock, reserved, available, backorder, availableFrom, levels }: Stock): StockResponse {
    const lying = levels.map(({ locationId, code, name, quantity }) => ({ locationId, code, name, quantity }));
    return { variantId, stock, reserved, available, backorder, availableFrom, levels: lying };
  }
}
