import type { Env } from '#config';

/** The prefix of every versioned route. */
export const API_PREFIX = 'api/v1';

/** The public URL of the API, with its prefix. */
export function apiUrl(env: Env): string {
  return `${env.PUBLIC_URL}/${API_PREFIX}`;
}
