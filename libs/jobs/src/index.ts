export { inBatches } from './batches.js';
export { enqueue, type EnqueueOptions, job, type JobDefinition, type JobOptions, withoutJob } from './job.js';
export { FinalFailure } from './failures.js';
export { Handles, type JobRun, Schedule, type ScheduleOptions } from './jobs.decorator.js';
export { JobsModule } from './jobs.module.js';
export { JOB_STATUSES, JobQueue, type JobStatus, type QueuedJob, type QueuedJobWithPayload } from './queue.js';
export { JobRunner } from './runner.js';
export { migrateWorker } from './schema.js';
