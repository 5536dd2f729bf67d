import type { Type } from '@nestjs/common';
import { type Audience, event } from '#events';
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

/** What happens to releases, those who manage them are told. */
const happened = <Payload extends object, const Name extends string>(
  name: Name,
  payload: Type<Payload>,
  description: string,
  others: Audience[] = [],
) => event(name, { version: 1, payload, description, visibleTo: [...others, 'releases:manage'] });

export const releaseCreated = happened('release.created', ReleasePayload, 'A release was begun.');
export const releaseUpdated = happened(
  'release.updated',
  ReleaseChangePayload,
  'An open release was changed: what it is called, or what it will change.',
);
export const releaseDeleted = happened('release.deleted', ReleasePayload, 'An open release was deleted; nothing of it was ever applied.');
export const releaseScheduled = happened('release.scheduled', ReleaseSchedulePayload, 'A release was given a time to go live at.');
export const releaseUnscheduled = happened('release.unscheduled', ReleasePayload, 'A release that was scheduled is open again.');
export const releasePublished = happened(
  'release.published',
  ReleaseExtentPayload,
  'Everything that a release changes has gone live, in one transaction.',
);
export const releaseRolledBack = happened(
  'release.rolled-back',
  ReleaseExtentPayload,
  'What a release had changed is as it was before, in one transaction.',
);
export const releaseFailed = happened(
  'release.failed',
  ReleaseFailurePayload,
  'A release could not go live at its time, and nothing of it was applied. Its subject is who had scheduled it.',
  ['subject'],
);
