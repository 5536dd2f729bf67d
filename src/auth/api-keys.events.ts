import { event } from '#events';
import { Id } from '#http';

export class ApiKeyPayload {
  @Id()
  apiKeyId: string;

  @Id()
  userId: string;
}

export const apiKeyCreated = event('api-key.created', {
  version: 1,
  payload: ApiKeyPayload,
  description: 'Somebody made an API key.',
  visibleTo: ['subject', 'users:read'],
});

export const apiKeyRotated = event('api-key.rotated', {
  version: 1,
  payload: ApiKeyPayload,
  description: 'An API key was given another secret; the former one ends after its overlap.',
  visibleTo: ['subject', 'users:read'],
});

export const apiKeyDeleted = event('api-key.deleted', {
  version: 1,
  payload: ApiKeyPayload,
  description: 'Somebody deleted an API key, which is dead everywhere.',
  visibleTo: ['subject', 'users:read'],
});
