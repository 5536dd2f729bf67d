import { Controller, Get, Query, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import { MadeAnew, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { ExportOrdersQuery } from './exports.dto.js';
import { OrderExportsService } from './exports.service.js';
import { periodReversed, periodTooLong } from './orders.errors.js';
import { StatisticsQuery, StatisticsResponse } from './statistics.dto.js';
import { StatisticsService } from './statistics.service.js';

@Controller('orders')
export class StatisticsController {
  constructor(
    private readonly statistics: StatisticsService,
    private readonly exports: OrderExportsService,
  ) {}

  /**
   * What the shop has sold: revenue, orders, average and top products, by currency and day
   *
   * Orders count on the day they were placed, once they are paid and for as long as they are not cancelled; what is paid back is taken off that
   * day. Days are those of the shop's time zone (`GET /shop/settings`).
   */
  @Get('statistics')
  @Requires('orders:read')
  @Problems(periodReversed, periodTooLong)
  async get(@Caller() actor: Actor, @Query() query: StatisticsQuery): Promise<StatisticsResponse> {
    return StatisticsResponse.from(await this.statistics.get(actor, query));
  }

  /**
   * Export orders as CSV, the oldest first
   *
   * A row for each order. Amounts are in minor units of the currency; a cell that a spreadsheet would take for a formula begins with an apostrophe.
   */
  @Get('export.csv')
  @Requires('orders:read')
  @MadeAnew()
  @ApiProduces('text/csv')
  @ApiOkResponse({ schema: { type: 'string' } })
  csv(@Caller() actor: Actor, @Query() query: ExportOrdersQuery): StreamableFile {
    const filename = `orders-${new Date().toISOString().slice(0, 10)}.csv`;
    return new StreamableFile(this.exports.csv(actor, query), {
      type: 'text/csv; charset=utf-8',
      disposition: `attachment; filename="${filename}"`,
    });
  }
}
