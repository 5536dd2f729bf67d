import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Redis } from '#redis';
import type { Redis as Client } from 'ioredis';
import type { Tag, Value } from './value.js';

/** When a computation began, by Redis' own count of invalidations. */
export interface Stamp {
  birth: string;
  clock: string;
}

export type Look = { found: Value; tags: Tag[]; lifeMs: number } | { stamp: Stamp };

/** Of processes that miss the same key at once one computes; the others look again for so long, and then compute, too. */
const PATIENCE_MS = 100;
const PAUSE_MS = 10;
const LEASE_MS = 2_000;
const MOST_OWED = 1_000;
const MOST_TAGS = 20_000;

// `KEYS[2]` is a hash: `clock` counts invalidations, `#<tag>` is the count at the last one of that tag, and `birth` names this hash: a new
// one (flushed, evicted, too large) begins with another, and what was kept under the old one counts no more.
const LOOK = `
local birth = redis.call('HGET', KEYS[2], 'birth')
if not birth then
  birth = ARGV[1]
  redis.call('HSET', KEYS[2], 'birth', birth, 'clock', 0)
end
local entry = redis.call('HMGET', KEYS[1], 'birth', 'clock', 'tags', 'head', 'body')
if entry[1] == birth then
  local fresh = true
  for tag in string.gmatch(entry[3], '[^\\n]+') do
    local at = redis.call('HGET', KEYS[2], '#' .. tag)
    if at and tonumber(at) > tonumber(entry[2]) then fresh = false end
  end
  if fresh then return {1, redis.call('PTTL', KEYS[1]), entry[3], entry[4], entry[5]} end
end
local leads = redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[2])
return {0, leads and 1 or 0, birth, redis.call('HGET', KEYS[2], 'clock')}`;

const DROP = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HLEN', KEYS[1]) > ${MOST_TAGS} then return redis.call('DEL', KEYS[1]) end
local at = redis.call('HINCRBY', KEYS[1], 'clock', 1)
for _, tag in ipairs(ARGV) do redis.call('HSET', KEYS[1], '#' .. tag, at) end
return at`;

type Answer =
  [found: 1, lifeMs: number, tags: Buffer, head: Buffer, body: Buffer] | [found: 0, leads: number, birth: Buffer, clock: Buffer];

/**
 * The second level: what all processes share in Redis. A value carries the count of invalidations from before its computation began, and is
 * good while none of its tags was invalidated after that: one that was computed from an older snapshot cannot outlive the invalidation,
 * however late it is kept. Redis serves one connection in order, so whoever has sent an invalidation finds nothing older by it.
 */
@Injectable()
export class SharedLevel {
  private readonly tagsKey: string;
  /** Tags whose invalidation may not have reached Redis; sent again before anything is read from there. */
  private readonly owed = new Set<Tag>();
  private owesAll = false;
  private known: Client | undefined;

  constructor(private readonly redis: Redis) {
    this.tagsKey = `${redis.prefix}cache-tags`;
    redis.onReturn((forgetful) => {
      if (forgetful) this.renew();
      void redis.run((client) => {
        this.settle(client);
        return client.ping();
      });
    });
  }

  get configured(): boolean {
    return this.redis.configured;
  }

  /** The value, or the stamp to keep one under; undefined without Redis. */
  async look(key: string): Promise<Look | undefined> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.redis.run((client) => {
        this.settle(client);
        return this.commands(client).ashlarLookBuffer(...this.keysOf(key), randomUUID(), LEASE_MS);
      });
      if (answer === undefined) return undefined;
      if (answer[0] === 1) {
        const [, lifeMs, tags, head, body] = answer;
        return { found: { head: JSON.parse(head.toString()) as Value['head'], body }, tags: tags.toString().split('\n'), lifeMs };
      }
      const [, leads, birth, clock] = answer;
      if (leads === 1 || performance.now() > deadline) return { stamp: { birth: birth.toString(), clock: clock.toString() } };
      await sleep(PAUSE_MS);
    }
  }

  /** Keeps a value for the others, or tells them that there is none. */
  async keep(key: string, { birth, clock }: Stamp, made: { value: Value; tags: readonly Tag[]; lifeMs: number } | null): Promise<void> {
    const [entry, , lease] = this.keysOf(key);
    await this.redis.run(async (client) => {
      if (made === null) return client.del(lease);
      const { value, tags, lifeMs } = made;
      const fields = { birth, clock, tags: tags.join('\n'), head: JSON.stringify(value.head), body: value.body };
      return client.multi().del(entry, lease).hset(entry, fields).pexpire(entry, Math.ceil(lifeMs)).exec();
    });
  }

  /** Whether Redis knows by now that what bears these tags is out of date; it is told again, if not, before this process reads from it. */
  drop(tags: readonly Tag[]): Promise<boolean> | false {
    if (this.redis.state === 'connected') return this.tryToDrop(tags);
    this.owe(tags);
    return false;
  }

  /** Nothing that lies in Redis is believed any more. */
  renew(): void {
    this.owed.clear();
    this.owesAll = true;
  }

  private owe(tags: readonly Tag[]): void {
    for (const tag of tags) this.owed.add(tag);
    if (this.owed.size > MOST_OWED) this.renew();
  }

  private async tryToDrop(tags: readonly Tag[]): Promise<boolean> {
    const done = await this.redis.run((client) => this.commands(client).ashlarDrop(this.tagsKey, ...tags));
    if (done === undefined) this.owe(tags);
    return done !== undefined;
  }

  private settle(client: Client): void {
    if (this.owesAll) {
      this.owesAll = false;
      client.del(this.tagsKey).catch(() => this.renew()); // the command after it fails, too, and is looked after
    } else if (this.owed.size > 0) {
      const tags = [...this.owed];
      this.owed.clear();
      this.commands(client)
        .ashlarDrop(this.tagsKey, ...tags)
        .catch(() => this.owe(tags));
    }
  }

  private keysOf(key: string): [entry: string, tags: string, lease: string] {
    return [`${this.redis.prefix}cache ${key}`, this.tagsKey, `${this.redis.prefix}cache-lease ${key}`];
  }

  private commands(client: Client) {
    if (this.known !== client) {
      client.defineCommand('ashlarLook', { numberOfKeys: 3, lua: LOOK });
      client.defineCommand('ashlarDrop', { numberOfKeys: 1, lua: DROP });
      this.known = client;
    }
    return client as unknown as {
      ashlarLookBuffer(entry: string, tags: string, lease: string, birth: string, leaseMs: number): Promise<Answer>;
      ashlarDrop(tagsKey: string, ...tags: Tag[]): Promise<number>;
    };
  }
}
