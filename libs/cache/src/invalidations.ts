import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { afterCommit, clientOf, type Db, PrismaService, Signals } from '#database';
import { SharedLevel } from './shared-level.js';
import type { Tag } from './value.js';

const TOPIC = 'cache';
/** The others are told after Redis is, or they would read from there what is out of date; Redis has so long for it. */
const REDIS_MS = 40;
const MAX_TAG_LENGTH = 50;

const instances = new WeakMap<PrismaService, Invalidations>();

/**
 * Says that what bears these tags is out of date, once what `db` has written is committed: in this process at once, in the others within
 * 100 ms. Call it wherever something is written that values are made of.
 */
export function invalidate(db: Db, tags: readonly Tag[]): void {
  const long = tags.find((tag) => tag.length > MAX_TAG_LENGTH || /\s/.test(tag));
  if (long !== undefined) throw new RangeError(`A tag has at most ${MAX_TAG_LENGTH} characters and no white space: ${long}`);
  if (tags.length > 0) afterCommit(db, () => instances.get(clientOf(db))?.announce(tags));
}

/** Hears which tags are out of date, or that it may be any: some were not heard. */
type Listener = (tags: readonly Tag[] | 'all') => void;

/** Tells of invalidations, and hears of those of other processes. */
@Injectable()
export class Invalidations implements OnModuleDestroy {
  /** Which process a signal is from: one's own are known already, and would only drop what was made since. */
  private readonly self = randomBytes(3).toString('hex');
  private readonly listeners = new Set<Listener>();
  private readonly telling = new Set<Promise<void>>();
  private begun = false;

  constructor(
    prisma: PrismaService,
    private readonly signals: Signals,
    private readonly shared: SharedLevel,
  ) {
    instances.set(prisma, this);
    signals.on(TOPIC, (key) => this.hear(key));
    signals.onGap(() => {
      // Who invalidated meanwhile may not have reached Redis, either, and have said so in vain.
      if (this.begun) this.shared.renew();
      this.begun = true;
      for (const listener of this.listeners) listener('all');
    });
  }

  /** Whether those of other processes are heard just now. */
  get heard(): boolean {
    return this.signals.connected;
  }

  onDrop(listener: Listener): void {
    this.listeners.add(listener);
  }

  announce(tags: readonly Tag[]): void {
    for (const listener of this.listeners) listener(tags);
    const dropped = this.shared.configured && this.shared.drop(tags);
    // At once, where there is nothing to wait for: then it goes out together with what else this commit tells of.
    if (dropped === false) return this.tell(tags, !this.shared.configured);
    const telling = Promise.race([dropped, sleep(REDIS_MS, false, { ref: false })])
      .then((redisKnows) => this.tell(tags, redisKnows))
      .finally(() => this.telling.delete(telling));
    this.telling.add(telling);
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.telling);
  }

  private tell(tags: readonly Tag[], redisKnows: boolean): void {
    const keys = tags.map((tag) => `${this.self}${redisKnows ? ' ' : '!'}${tag}`);
    this.signals.sendSparingly(TOPIC, keys);
  }

  private hear(key: string): void {
    const [from, redisKnows, tag] = [key.slice(0, 6), key[6] === ' ', key.slice(7)];
    if (from === this.self) return;
    if (!redisKnows && this.shared.configured) void this.shared.drop([tag]); // in their place
    for (const listener of this.listeners) listener([tag]);
  }
}
