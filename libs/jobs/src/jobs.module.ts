import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { JobExecutor } from './executor.js';
import { JobHandlers } from './handlers.js';
import { Heartbeats } from './heartbeats.js';
import { PurgeJobs } from './purge.jobs.js';
import { JobQueue } from './queue.js';
import { JobRunner } from './runner.js';
import { Workers } from './workers.js';

/** Runs what is enqueued and what is scheduled; handlers are methods of any provider. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [JobHandlers, JobExecutor, Heartbeats, Workers, JobRunner, JobQueue, PurgeJobs],
  exports: [JobRunner, JobQueue],
})
export class JobsModule {}
