import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { afterCommit, clientOf, type Db, PrismaService, Signals } from '#database';
import { SharedLevel } from './shared-level.js';
import type { Tag } from './value.js';

const TOPIC = 'cache';
/** At most so often does a process that writes a lot say so: NOTIFY takes a lock that every commit in the cluster which notifies shares. */
const QUIET_MS = 20;
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
  private waiting = new Set<Tag>();
  private drops: (Promise<boolean> | false)[] = [];
  private telling: Promise<void> | undefined;
  private quietUntil = 0;
  private timer: NodeJS.Timeout | undefined;
  private begun = false;
  private ending = false;

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
    for (const tag of tags) this.waiting.add(tag);
    if (this.shared.configured) this.drops.push(this.shared.drop(tags));
    if (this.timer !== undefined) return; // that one tells of these, too
    const wait = this.quietUntil - performance.now();
    if (wait <= 0 || this.ending) this.tell();
    else this.timer = setTimeout(() => this.tell(), wait);
  }

  async onModuleDestroy(): Promise<void> {
    this.ending = true;
    if (this.timer !== undefined) this.tell();
    await this.telling;
  }

  private tell(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.quietUntil = performance.now() + QUIET_MS;
    const [tags, drops] = [this.waiting, this.drops];
    this.waiting = new Set();
    this.drops = [];
    const send = (redisKnows: boolean) => {
      for (const tag of tags) this.signals.send(TOPIC, `${this.self}${redisKnows ? ' ' : '!'}${tag}`);
    };
    // At once, where there is nothing to wait for: then it goes out together with what else this commit tells of.
    if (drops.every((drop) => drop === false)) send(drops.length === 0);
    else {
      const all = Promise.all(drops.map(async (drop) => drop)).then((done) => done.every(Boolean));
      this.telling = Promise.race([all, sleep(REDIS_MS, false, { ref: false })]).then(send);
    }
  }

  private hear(key: string): void {
    const [from, redisKnows, tag] = [key.slice(0, 6), key[6] === ' ', key.slice(7)];
    if (from === this.self) return;
    if (!redisKnows && this.shared.configured) void this.shared.drop([tag]); // in their place
    for (const listener of this.listeners) listener([tag]);
  }
}
