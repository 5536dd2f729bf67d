import { Module } from '@nestjs/common';
import { DocsController } from './docs.controller.js';
import { DocsService } from './docs.service.js';
import { EventsController } from './events.controller.js';
import { EventsPrivacy } from './events.privacy.js';
import { EventsService } from './events.service.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { JobsController } from './jobs.controller.js';
import { JobsService } from './jobs.service.js';
import { ProblemsController } from './problems.controller.js';

@Module({
  controllers: [HealthController, JobsController, EventsController, ProblemsController, DocsController],
  providers: [HealthService, JobsService, EventsService, EventsPrivacy, DocsService],
  exports: [HealthService, DocsService],
})
export class OpsModule {}
