import { event } from '#events';
import { Id, Time } from '#http';
import { IsInt, IsString } from 'class-validator';

export class ReleasePayload {
  @Id()
  releaseId: string;
}

export class ReleaseChangePayload extends ReleasePayload {
  /** The names of the members that were changed; `items` when it changes something else now. @example ["items"] */
  @IsString({ each: true })
  changed: string[];
}

export class ReleaseSchedulePayload extends ReleasePayload {
  /** When it is to go live. */
  @Time()
  scheduledAt: string;
}

export class ReleaseExtentPayload extends ReleasePayload {
  /** How many posts, products and variants were changed at once; each has events of its own. @example 12 */
  @IsInt()
  items: number;
}

export class ReleaseFailurePayload extends ReleasePayload {
  /** The codes of what was in the way. @example ["releases/outdated"] */
  @IsString({ each: true })
  codes: string[];
}

const visibleTo = ['releases:manage'] as const;

export const releaseCreated = event('release.created', {
  version: 1,
  payload: ReleasePayload,
  description: 'A release was begun.',
  visibleTo,
});
export const releaseUpdated = event('release.updated', {
  version: 1,
  payload: ReleaseChangePayload,
  description: 'An open release was changed: what it is called, or what it will change.',
  visibleTo,
});
export const releaseDeleted = event('release.deleted', {
  version: 1,
  payload: ReleasePayload,
  description: 'An open release was deleted; nothing of it was ever applied.',
  visibleTo,
});
export const releaseScheduled = event('release.scheduled', {
  version: 1,
  payload: ReleaseSchedulePayload,
  description: 'A release was given a time to go live at.',
  visibleTo,
});
export const releaseUnscheduled = event('release.unscheduled', {
  version: 1,
  payload: ReleasePayload,
  description: 'A release that was scheduled is open again.',
  visibleTo,
});
export const releasePublished = event('release.published', {
  version: 1,
  payload: ReleaseExtentPayload,
  description: 'Everything that a release changes has gone live, in one transaction.',
  visibleTo,
});
export const releaseRolledBack = event('release.rolled-back', {
  version: 1,
  payload: ReleaseExtentPayload,
  description: 'What a release had changed is as it was before, in one transaction.',
  visibleTo,
});
export const releaseFailed = event('release.failed', {
  version: 1,
  payload: ReleaseFailurePayload,
  description: 'A release could not go live at its time, and nothing of it was applied. Its subject is who had scheduled it.',
  visibleTo: ['subject', 'releases:manage'],
});
