import { Module } from '@nestjs/common';
import { DocsController } from './docs.controller.js';
import { DocsService } from './docs.service.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { ProblemsController } from './problems.controller.js';

@Module({
  controllers: [HealthController, ProblemsController, DocsController],
  providers: [HealthService, DocsService],
  exports: [HealthService, DocsService],
})
export class OpsModule {}
