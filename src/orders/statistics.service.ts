import { Injectable } from '@nestjs/common';
import { PrismaService } from '#database';
import type { Actor } from '#security';
import { SettingsService } from '../shop/settings.service.js';
import { periodReversed, periodTooLong } from './orders.errors.js';
import type { StatisticsQuery } from './statistics.dto.js';
import { type Day, soldByDay, startOfDay, type TopProduct, topProducts } from './statistics.queries.js';

/** What was sold in a time, day by day. */
export interface Statistics {
  from: Date;
  to: Date;
  timeZone: string;
  days: Day[];
  products: TopProduct[];
}

const DAYS = 30;
const LONGEST_MS = 366 * 24 * 3_600_000;

/** What the shop has sold: counted when it is asked for, from the orders themselves. */
@Injectable()
export class StatisticsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly settings: SettingsService,
  ) {}

  /** @throws orders/period-reversed, orders/period-too-long */
  async get(_actor: Actor, query: StatisticsQuery): Promise<Statistics> {
    const { timeZone } = await this.settings.current(this.prisma);
    const to = query.to === undefined ? new Date() : new Date(query.to);
    const from = query.from === undefined ? await startOfDay(this.prisma, to, DAYS, timeZone) : new Date(query.from);
    if (from >= to) throw periodReversed('`from` must be before `to`.');
    if (to.getTime() - from.getTime() > LONGEST_MS) throw periodTooLong('At most 366 days are counted at once; ask for each year.');
    const period = { from, to, currency: query.currency ?? null };
    const [days, products] = [await soldByDay(this.prisma, period, timeZone), await topProducts(this.prisma, period)];
    return { from, to, timeZone, days, products };
  }
}
