import { problem } from '#errors';

export const apiKeyNotFound = problem(
  'auth/api-key-not-found',
  'not-found',
  'No such API key',
  'None of your API keys has this id, or it has expired. Keys belong to who made them.',
);
export const tooManyApiKeys = problem(
  'auth/too-many-api-keys',
  'conflict',
  'You have too many API keys',
  'Nobody may have more API keys than this installation allows (AUTH_API_KEYS_PER_USER). Delete one that is not used any more; `lastUsedAt` tells which.',
);
export const scopeRefused = problem(
  'auth/scope-refused',
  'unprocessable',
  'The key cannot be given this scope',
  'Scopes are permissions (docs/permissions.md) that you have yourself: a key may do less than its owner, never more. `errors` names those that are refused.',
);
export const expiryPassed = problem(
  'auth/expiry-passed',
  'unprocessable',
  'The key would have expired already',
  '`expiresAt` must lie in the future. Leave it out for a key that does not expire.',
);
