export class LiveResponse {
  status: 'live';
}

export class ReadyResponse {
  status: 'ready';
  /** Whether changes in other processes are heard at once, or only within a second. */
  signals: 'connected' | 'reconnecting';
  /** Whether rate limits and the cache are shared with other processes; `off` without REDIS_URL. */
  redis: 'off' | 'connected' | 'unreachable';
}
