import { Line, ListQuery, type Page } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min, NotEquals } from 'class-validator';
import type { Movement } from './stock.service.js';

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
}

export class StockMovementResponse {
  id: string;
  variantId: string;
  /** @example 20 */
  delta: number;
  /** @example "delivery 4711" */
  reason: string;
  /** The stock after it, what orders hold included. @example 40 */
  stock: number;
  /** The order it belongs to. */
  orderId: string | null;
  createdAt: Date;

  static from(this: void, movement: Movement): StockMovementResponse {
    const { id, variantId, delta, reason, balance, orderId, createdAt } = movement;
    return { id, variantId, delta, reason, stock: balance, orderId, createdAt };
  }
}

export class StockMovementList implements Page<StockMovementResponse> {
  items: StockMovementResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListMovementsQuery extends ListQuery {}
