import { Module } from '@nestjs/common';
import { UsersModule } from '../users/users.module.js';
import { AttemptsService } from './attempts.service.js';
import { DeliveriesController } from './deliveries.controller.js';
import { DeliveriesService } from './deliveries.service.js';
import { SecretsService } from './secrets.service.js';
import { SweepsJobs } from './sweeps.jobs.js';
import { WebhooksController } from './webhooks.controller.js';
import { WebhooksListener } from './webhooks.listener.js';
import { WebhooksPrivacy } from './webhooks.privacy.js';
import { WebhooksService } from './webhooks.service.js';

@Module({
  imports: [UsersModule],
  controllers: [WebhooksController, DeliveriesController],
  providers: [WebhooksService, DeliveriesService, AttemptsService, SecretsService, WebhooksListener, SweepsJobs, WebhooksPrivacy],
})
export class WebhooksModule {}
