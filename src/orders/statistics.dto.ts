import { Currency, IfPresent, money, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import type { Day } from './statistics.queries.js';
import type { Statistics } from './statistics.service.js';

export class StatisticsQuery {
  /** Orders placed at or after this time; left out: thirty days before `to`, from the beginning of that day in the shop's time zone on. @example "2026-01-01T00:00:00Z" */
  @IfPresent()
  @Time()
  from?: string;

  /** Orders placed before this time; left out: now. @example "2027-01-01T00:00:00Z" */
  @IfPresent()
  @Time()
  to?: string;

  /** Only orders in this currency. @example "EUR" */
  @IfPresent()
  @Currency()
  currency?: string;
}

/** Money of many orders: there is no limit to it, as there is to what is charged at once. */
export class SumResponse {
  /** In the currency's minor units. @example 199900 */
  @ApiProperty({ type: 'integer', minimum: 0 })
  amount: number;
  /** ISO 4217. @example "EUR" */
  currency: string;
}

export class DayResponse {
  /** In the shop's time zone. @example "2026-11-30" */
  date: string;
  /** @example 12 */
  orders: number;
  revenue: SumResponse;
}

export class TopProductResponse {
  productId: string;
  /** As it is called now. @example "Enamel mug" */
  name: string;
  /** How many pieces were sold. @example 34 */
  quantity: number;
  /** What they came to, less discounts. */
  revenue: SumResponse;
}

export class CurrencyStatisticsResponse {
  /** ISO 4217. @example "EUR" */
  currency: string;
  /** Orders that were paid and not cancelled. @example 120 */
  orders: number;
  /** What was paid for them, less what was paid back. */
  revenue: SumResponse;
  /** What was paid back, or is about to be. */
  refunded: SumResponse;
  /** Revenue by order, rounded down. */
  average: SumResponse;
  /** Days with orders, the first one first. */
  days: DayResponse[];
  /** The ten that came to most, the first one first. */
  topProducts: TopProductResponse[];
}

export class StatisticsResponse {
  from: Date;
  to: Date;
  /** What days are in this shop. @example "Europe/Amsterdam" */
  timeZone: string;
  /** One for each currency that was sold in, by its code. */
  currencies: CurrencyStatisticsResponse[];

  static from(this: void, { from, to, timeZone, days, products }: Statistics): StatisticsResponse {
    const currencies = [...Map.groupBy(days, ({ currency }) => currency)].map(([currency, own]): CurrencyStatisticsResponse => {
      const of = (amount: bigint) => money(amount, currency);
      const sum = (amount: (day: Day) => bigint) => own.reduce((all, day) => all + amount(day), 0n);
      const orders = own.reduce((all, day) => all + day.orders, 0);
      const [paid, refunded] = [sum((day) => day.paid), sum((day) => day.refunded)];
      return {
        currency,
        orders,
        revenue: of(paid - refunded),
        refunded: of(refunded),
        average: of((paid - refunded) / BigInt(orders)),
        days: own.map((day) => ({ date: day.date, orders: day.orders, revenue: of(day.paid - day.refunded) })),
        topProducts: products
          .filter((product) => product.currency === currency)
          .map(({ productId, name, quantity, revenue }) => ({ productId, name, quantity, revenue: of(revenue) })),
      };
    });
    return { from, to, timeZone, currencies };
  }
}
