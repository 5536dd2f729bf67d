import { Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Idempotent, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { JobDetailsResponse, JobList, JobResponse, ListJobsQuery } from './jobs.dto.js';
import { jobNotFound, jobRunning } from './jobs.errors.js';
import { JobsService } from './jobs.service.js';

@Controller('ops/jobs')
@Requires('ops:manage')
export class JobsController {
  constructor(private readonly jobs: JobsService) {}

  /** List what waits, runs and has failed, the newest first */
  @Get()
  async list(@Caller() actor: Actor, @Query() query: ListJobsQuery): Promise<JobList> {
    const page = await this.jobs.list(actor, query);
    return { ...page, items: page.items.map(JobResponse.from) };
  }

  /** Read a job with its payload */
  @Get(':job')
  @Problems(jobNotFound)
  async get(@Caller() actor: Actor, @Param('job') id: string): Promise<JobDetailsResponse> {
    return JobDetailsResponse.from(await this.jobs.get(actor, id));
  }

  /** Try a job again now, with all its attempts */
  @Post(':job/retry')
  @HttpCode(200)
  @Problems(jobNotFound, jobRunning)
  retry(@Caller() actor: Actor, @Param('job') id: string, @Idempotent() once: Once): Promise<JobDetailsResponse> {
    return once.do(async (db) => JobDetailsResponse.from(await this.jobs.retry(actor, id, db)));
  }

  /** Discard a job: it is not done, or not tried again */
  @Delete(':job')
  @HttpCode(204)
  @Problems(jobNotFound, jobRunning)
  async discard(@Caller() actor: Actor, @Param('job') id: string): Promise<void> {
    await this.jobs.discard(actor, id);
  }
}
