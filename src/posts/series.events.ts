import { event } from '#events';
import { Id } from '#http';

export class SeriesPayload {
  @Id()
  seriesId: string;

  @Id()
  ownerId: string;
}

const SEEN_BY = ['subject', 'posts:manage'] as const;

export const seriesCreated = event('series.created', {
  version: 1,
  payload: SeriesPayload,
  description: 'A series was begun.',
  visibleTo: [...SEEN_BY],
});

export const seriesUpdated = event('series.updated', {
  version: 1,
  payload: SeriesPayload,
  description: 'A series was changed.',
  visibleTo: [...SEEN_BY],
});

export const seriesDeleted = event('series.deleted', {
  version: 1,
  payload: SeriesPayload,
  description: 'A series was deleted; its posts stay.',
  visibleTo: [...SEEN_BY],
});
