import { IfPresent, Line, ListQuery, type Page } from '#http';
import { JOB_STATUSES, type JobStatus, type QueuedJob, type QueuedJobWithPayload } from '#jobs';
import { IsIn } from 'class-validator';

export class JobResponse {
  /** A whole number as text, larger for what was enqueued later. @example "4711" */
  id: string;
  /** What is to be done. @example "mail.send" */
  task: string;
  /** `dead` has failed for good, and is kept until somebody retries or discards it. */
  status: 'waiting' | 'running' | 'retrying' | 'dead';
  /** The running one included. @example 3 */
  attempts: number;
  /** After so many it is dead. @example 12 */
  maxAttempts: number;
  /** Not before this time. */
  runAt: Date;
  /** Since when it runs. */
  startedAt: Date | null;
  /** What the last failed attempt said. @example "connect ECONNREFUSED 192.0.2.1:25" */
  lastError: string | null;
  createdAt: Date;

  static from(this: void, job: QueuedJob): JobResponse {
    const { id, name, status, attempts, maxAttempts, runAt, startedAt, lastError, createdAt } = job;
    return { id, task: name, status, attempts, maxAttempts, runAt, startedAt, lastError, createdAt };
  }
}

export class JobDetailsResponse extends JobResponse {
  /** What it is about; may be somebody’s personal data. */
  payload: Record<string, unknown>;
  /** The request that asked for it. */
  requestId: string | null;

  static override from(this: void, job: QueuedJobWithPayload): JobDetailsResponse {
    return { ...JobResponse.from(job), payload: job.payload as Record<string, unknown>, requestId: job.requestId };
  }
}

export class JobList implements Page<JobResponse> {
  items: JobResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListJobsQuery extends ListQuery {
  @IfPresent()
  @IsIn(JOB_STATUSES)
  status?: JobStatus;

  /** Only jobs of this name. @example "mail.send" */
  @IfPresent()
  @Line(1, 100)
  task?: string;
}
