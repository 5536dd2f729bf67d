import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { LogBroadcast } from './broadcast.js';
import { EventConsumers } from './consumers.js';
import { EventDeliveries } from './deliveries.js';
import { EventDispatcher } from './dispatcher.js';
import { EventJobs } from './events.jobs.js';
import { LogTail } from './tail.js';

/** Brings what is published to its consumers. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [EventConsumers, EventDispatcher, EventDeliveries, EventJobs, LogBroadcast, LogTail],
  exports: [LogTail],
})
export class EventsModule {}
