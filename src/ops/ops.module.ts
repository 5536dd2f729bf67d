import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { DocsController } from './docs.controller.js';
import { DocsService } from './docs.service.js';
import { EventsController } from './events.controller.js';
import { EventsPrivacy } from './events.privacy.js';
import { EventsService } from './events.service.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { InvariantsController } from './invariants.controller.js';
import { InvariantsService } from './invariants.service.js';
import { JobsController } from './jobs.controller.js';
import { JobsInvariants } from './jobs.invariants.js';
import { JobsService } from './jobs.service.js';
import { MetricsController } from './metrics.controller.js';
import { ProblemsController } from './problems.controller.js';

@Module({
  imports: [DiscoveryModule],
  controllers: [
    HealthController,
    JobsController,
    EventsController,
    InvariantsController,
    ProblemsController,
    DocsController,
    MetricsController,
  ],
  providers: [HealthService, JobsService, JobsInvariants, InvariantsService, EventsService, EventsPrivacy, DocsService],
  exports: [HealthService, DocsService],
})
export class OpsModule {}
