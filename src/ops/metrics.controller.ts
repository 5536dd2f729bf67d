import { Controller, Get, Header, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { InEveryRole, Unlimited } from '#http';
import { Public } from '#security';
import { Metrics } from '#telemetry';
import { MetricsGuard } from './metrics.guard.js';

/** What Prometheus reads. */
@Controller('metrics')
@ApiExcludeController()
@Public({ credentials: 'ignored' })
@UseGuards(MetricsGuard)
@Unlimited()
@InEveryRole()
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  read(): Promise<string> {
    return this.metrics.metrics();
  }
}
