import type { Signals } from '#database';
import { LRUCache } from 'lru-cache';
import type { LiveSession } from './actor.js';

const CACHED_MS = 1_000; // the promise: what has ended is dead everywhere within a second, even when its signal is lost
const CACHED_SESSIONS = 20_000;

/**
 * Sessions or API keys in the memory of this process, for a second at most; what ends or shrinks them is signalled to every process at once
 * (`session` and its id, `user`, `role` and its name).
 */
export class LiveSessions {
  private readonly live = new LRUCache<string, { session: LiveSession | null }>({ max: CACHED_SESSIONS, ttl: CACHED_MS, ttlResolution: 0 });
  private readonly loading = new Map<string, Promise<LiveSession | null>>();

  /** `load`: asks the database; null for one that is none, or has ended. */
  constructor(
    private readonly load: (name: string) => Promise<LiveSession | null>,
    signals: Signals,
  ) {
    signals.on('session', (id) => this.forget(({ sessionId }) => sessionId === id));
    signals.on('user', (id) => this.forget(({ userId, impersonatorId }) => userId === id || impersonatorId === id));
    signals.on('role', (name) => this.forget(({ roles, impersonatorId }) => roles.includes(name) || Boolean(impersonatorId)));
    signals.onGap(() => this.forget(() => true));
  }

  /** `name`: what `load` knows the session by. */
  async find(name: string): Promise<LiveSession | null> {
    const kept = this.live.get(name);
    if (kept !== undefined) return kept.session;
    const loading = this.loading.get(name) ?? this.load(name);
    this.loading.set(name, loading);
    try {
      const session = await loading;
      // Only what no signal has overtaken meanwhile is kept.
      if (this.loading.get(name) === loading) this.live.set(name, { session });
      return session;
    } finally {
      if (this.loading.get(name) === loading) this.loading.delete(name);
    }
  }

  private forget(which: (session: LiveSession) => boolean): void {
    for (const [name, { session }] of this.live.entries()) if (session !== null && which(session)) this.live.delete(name);
    this.loading.clear(); // whose they are is not known yet
  }
}
