import { job } from '#jobs';
import { IsBoolean, IsInt, IsOptional, IsString } from 'class-validator';

export class AttemptPayload {
  @IsString()
  deliveryId: string;

  /** From 1: each job is one attempt, and none once that was made. */
  @IsInt()
  attempt: number;
}

export class ResumePayload {
  @IsString()
  endpointId: string;
}

export class ReplayPayload {
  @IsString()
  endpointId: string;

  /** RFC 3339, as those below. */
  @IsString()
  from: string;

  @IsString()
  until: string;

  /** The id of the last event that was looked at. */
  @IsOptional()
  @IsString()
  after?: string;

  /** Whether what was delivered is sent again. */
  @IsBoolean()
  again: boolean;
}

/** Sends a message to an endpoint, once. That the receiver fails is no failure of the job. */
export const attemptDelivery = job('webhooks.attempt', AttemptPayload);

/** Lets deliveries go that have waited for the end of a pause. */
export const resumeEndpoint = job('webhooks.resume', ResumePayload);

/** Queues a stretch of the event log for an endpoint, a piece at a time. */
export const replayEvents = job('webhooks.replay', ReplayPayload);

/** The key of the job of an attempt: another for each, so that the next may be enqueued while one still runs. */
export function attemptKey(deliveryId: string, attempt: number): string {
  return `${deliveryId}:${attempt}`;
}
