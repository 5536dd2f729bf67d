import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Env } from '#config';
import { Logger } from '#telemetry';
import { Invalidations } from './invalidations.js';
import { type Entry, Memory } from './memory.js';
import { SharedLevel, type Stamp } from './shared-level.js';
import type { Made, Tag, Value } from './value.js';

/** How old a value may be while this process cannot hear of changes in others. */
const DEAF_MS = 1_000;
/** What a page may bear; one with more is not worth its keep. */
const MOST_TAGS = 2_000;
/** How much earlier than a computation the database may have taken its time, for rounding. */
const MARGIN_MS = 5;
const TOLD_EVERY_MS = 60_000;

/** How many more milliseconds what depends on these ids is as it was `sinceMs` ago; 0 or less when it has changed since, by time alone. */
type Limit = (ids: string[], sinceMs: number) => Promise<number>;

/** A computation under way. */
interface Flight {
  since: number;
  /** The tags that were invalidated since it began: what bears one of them is out of date before it is there. */
  overtaken: Set<Tag>;
  overtakenByAll: boolean;
  result: Promise<Value>;
}

/**
 * Values by key, in this process and, where there is a Redis, in all of them. A value bears tags, and is gone everywhere as soon as one of
 * them is invalidated; one computed from a snapshot older than an invalidation is not kept, however late it comes. Of callers that miss a
 * key at once, one computes it. Without a word from other processes (the channel is lost) values live for a second at most.
 */
@Injectable()
export class Cache implements OnApplicationShutdown {
  readonly enabled: boolean;
  readonly counts = { hits: 0, shared: 0, misses: 0, dropped: 0 };
  private readonly memory: Memory;
  private readonly lifeMs: number;
  private readonly limits = new Map<string, Limit>();
  /** Those that a caller of now may wait for: none that began before an invalidation. */
  private readonly joinable = new Map<string, Flight>();
  private readonly flights = new Set<Flight>();
  private readonly telling: NodeJS.Timeout;

  constructor(
    env: Env,
    private readonly invalidations: Invalidations,
    private readonly shared: SharedLevel,
    private readonly logger: Logger,
  ) {
    this.enabled = env.CACHE === 'on';
    this.memory = new Memory(env.CACHE_MEMORY_MB * 1_048_576);
    this.lifeMs = env.CACHE_TTL_SECONDS * 1_000;
    invalidations.onDrop((tags) => (tags === 'all' ? this.dropAll() : this.drop(tags)));
    this.telling = setInterval(() => this.tell(), TOLD_EVERY_MS).unref();
  }

  /**
   * Says how long what bears tags of this kind is right at most, where time alone changes it. Asked after each computation, with the ids of
   * the tags, and for how long ago the computation began.
   */
  limit(kind: string, limit: Limit): void {
    this.limits.set(kind, limit);
  }

  /** What this process holds. */
  peek(key: string): Value | undefined {
    const entry = this.memory.get(key);
    if (entry === undefined) return undefined;
    const now = performance.now();
    if (now < entry.until && (this.invalidations.heard || now < entry.since + DEAF_MS)) {
      this.counts.hits += 1;
      return entry.value;
    }
    this.memory.delete(key);
    return undefined;
  }

  /** The value of a key, made where nobody has it. What `make` throws, all that wait for it get. */
  remember(key: string, make: () => Promise<Made>): Promise<Value> {
    const kept = this.peek(key);
    if (kept !== undefined) return Promise.resolve(kept);
    return (this.joinable.get(key) ?? this.begin(key, make)).result;
  }

  get size(): { entries: number; bytes: number; tags: number } {
    return this.memory.size;
  }

  onApplicationShutdown(): void {
    this.tell();
    clearInterval(this.telling);
  }

  private tell(): void {
    this.logger.debug({ ...this.counts, ...this.size }, 'cache');
  }

  private begin(key: string, make: () => Promise<Made>): Flight {
    const flight: Flight = { since: performance.now(), overtaken: new Set(), overtakenByAll: false, result: undefined! };
    this.flights.add(flight);
    this.joinable.set(key, flight);
    flight.result = this.fly(flight, key, make).finally(() => {
      this.flights.delete(flight);
      if (this.joinable.get(key) === flight) this.joinable.delete(key);
    });
    return flight;
  }

  private async fly(flight: Flight, key: string, make: () => Promise<Made>): Promise<Value> {
    const look = this.shared.configured ? await this.shared.look(key) : undefined;
    if (look !== undefined && 'found' in look) {
      this.counts.shared += 1;
      this.keep(flight, key, { value: look.found, tags: look.tags, until: flight.since + look.lifeMs });
      return look.found;
    }
    this.counts.misses += 1;
    const stamp = look?.stamp;
    try {
      // Not since the flight began: meanwhile it may have waited for another process.
      const began = performance.now();
      const made = await make();
      const entry = made.tags === null || made.tags.length > MOST_TAGS ? null : await this.entryOf(made.value, made.tags, began);
      const kept = entry !== null && this.keep(flight, key, entry) ? entry : null;
      if (stamp) this.share(key, stamp, kept);
      return made.value;
    } catch (error) {
      if (stamp) this.share(key, stamp, null);
      throw error;
    }
  }

  private async entryOf(value: Value, tags: readonly Tag[], began: number): Promise<Omit<Entry, 'since'>> {
    let until = began + this.lifeMs;
    for (const [kind, limit] of this.limits) {
      const ids = tags.filter((tag) => tag === kind || tag.startsWith(`${kind}:`)).map((tag) => tag.slice(kind.length + 1));
      if (ids.length === 0) continue;
      const asked = performance.now();
      until = Math.min(until, asked + (await limit(ids, asked - began + MARGIN_MS)));
    }
    return { value, tags, until };
  }

  private keep(flight: Flight, key: string, entry: Omit<Entry, 'since'>): boolean {
    if (flight.overtakenByAll || entry.until <= performance.now() || entry.tags.some((tag) => flight.overtaken.has(tag))) return false;
    this.memory.set(key, { ...entry, since: flight.since });
    return true;
  }

  /** Nobody waits for it. */
  private share(key: string, stamp: Stamp, entry: Omit<Entry, 'since'> | null): void {
    void this.shared.keep(key, stamp, entry && { ...entry, lifeMs: entry.until - performance.now() });
  }

  private drop(tags: readonly Tag[]): void {
    for (const tag of tags) {
      this.counts.dropped += this.memory.drop(tag);
      for (const flight of this.flights) flight.overtaken.add(tag);
    }
    this.joinable.clear();
  }

  private dropAll(): void {
    this.memory.clear();
    for (const flight of this.flights) flight.overtakenByAll = true;
    this.joinable.clear();
  }
}
