import { Module } from '@nestjs/common';
import { BacklogService } from './backlog.service.js';
import { StreamsController } from './streams.controller.js';
import { StreamsService } from './streams.service.js';
import { SubscriptionsService } from './subscriptions.service.js';
import { TicketsController } from './tickets.controller.js';

@Module({ controllers: [StreamsController, TicketsController], providers: [StreamsService, SubscriptionsService, BacklogService] })
export class StreamsModule {}
