import { IfPresent, Line, Money } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsBoolean, IsInt, Max, Min, ValidateNested } from 'class-validator';
import { OrderItemDto } from './terms.dto.js';

export class RefundAmountDto extends Money {
  /** In the currency's minor units. */
  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: 1_000_000_000_000,
    example: 1999,
    description: 'In the currency’s minor units (cents, yen).',
  })
  @IsInt() // the rules of a member that is overridden are not inherited
  @Min(1)
  @Max(1_000_000_000_000)
  override amount: number;
}

export class RefundDto {
  /** How much. Without it: what was paid for `items`, or, without those either, all that is left. */
  @IfPresent()
  @ValidateNested()
  @Type(() => RefundAmountDto)
  amount?: RefundAmountDto;

  /** What it is for. */
  @IfPresent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => OrderItemDto)
  items?: OrderItemDto[];

  /** For the books, and for the customer. @example "arrived broken" */
  @Line(1, 500)
  reason: string;

  /** Puts what is refunded back into the stock: `items`, or all that is left of the order; an `amount` alone says nothing of goods. @example true */
  @IfPresent()
  @IsBoolean()
  restock?: boolean;
}
