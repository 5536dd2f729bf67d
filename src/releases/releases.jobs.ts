import { job } from '#jobs';
import { IsISO8601, IsUUID } from 'class-validator';

export class ReleasePublicationPayload {
  @IsUUID()
  releaseId: string;

  /** The time it was given when this was enqueued. */
  @IsISO8601()
  at: string;
}

/** Publishes a release at its time. What is in the way of the release ends it at once; what is in the way of the job is tried over. */
export const releasePublication = job('releases.publication', ReleasePublicationPayload, {
  maxAttempts: 6,
  retryAfterSeconds: (attempt) => 2 ** attempt,
});
