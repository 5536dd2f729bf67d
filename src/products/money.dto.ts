import { IsInt, IsISO4217CurrencyCode, Max, Min } from 'class-validator';

/** An amount of money. */
export class Money {
  /** In the currency's minor units (cents, yen). @example 1999 */
  @IsInt()
  @Min(0)
  @Max(1_000_000_000_000)
  amount: number;

  /** ISO 4217. @example "EUR" */
  @IsISO4217CurrencyCode()
  currency: string;
}

/** Amounts are 64-bit in the database; those that occur fit a JSON number exactly, and one that did not would be refused loudly. */
export function money(amount: bigint, currency: string): Money {
  const number = Number(amount);
  if (!Number.isSafeInteger(number)) throw new RangeError('An amount is too large to be shown exactly.');
  return { amount: number, currency };
}
