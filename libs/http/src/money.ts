import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsISO4217CurrencyCode, Matches, Max, Min } from 'class-validator';

/** A code of ISO 4217 that money can be in: `XXX` and `XTS` stand for no currency and for tests. */
export const CURRENCY = /^(?!XXX|XTS)[A-Z]{3}$/;

/** A code of ISO 4217. */
export const Currency = () =>
  applyDecorators(
    ApiProperty({ type: 'string', pattern: '^[A-Z]{3}$', example: 'EUR' }),
    Matches(CURRENCY, { message: '$property must be three capital letters of ISO 4217, like EUR' }),
    IsISO4217CurrencyCode(),
  );

/** An amount of money. */
export class Money {
  /** In the currency's minor units. */
  @ApiProperty({
    type: 'integer',
    minimum: 0,
    maximum: 1_000_000_000_000,
    example: 1999,
    description: 'In the currency’s minor units (cents, yen).',
  })
  @IsInt()
  @Min(0)
  @Max(1_000_000_000_000)
  amount: number;

  /** ISO 4217. */
  @Currency()
  @ApiProperty({ description: 'ISO 4217.' })
  currency: string;
}

/** Amounts are 64-bit in the database; those that occur fit a JSON number exactly, and one that did not is refused loudly. */
export function money(amount: bigint, currency: string): Money {
  const number = Number(amount);
  if (!Number.isSafeInteger(number)) throw new RangeError('An amount is too large to be shown exactly.');
  return { amount: number, currency };
}
