import { Controller, Get } from '@nestjs/common';
import { InEveryRole, Problems, unavailable, Unlimited } from '#http';
import { Public } from '#security';
import { LiveResponse, ReadyResponse } from './health.dto.js';
import { HealthService } from './health.service.js';

@Controller('health')
@Public({ credentials: 'ignored' })
@Unlimited()
@InEveryRole()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  /** Whether the process lives; says nothing about the database */
  @Get('live')
  live(): LiveResponse {
    return { status: 'live' };
  }

  /** Whether this process should get requests */
  @Get('ready')
  @Problems(unavailable)
  ready(): Promise<ReadyResponse> {
    return this.health.ready();
  }
}
