import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { decrypt, encrypt, Env, type NamedKey, namedKeys } from '#config';
import { afterCommit, clientOf, PrismaService, signal, type Tx } from '#database';
import { Redis, type Subscription } from '#redis';
import { Logger, Seldom } from '#telemetry';
import { cursorAt, positionAt, type Published, readEvents } from './log.js';

/** The log has grown. The key is the cursor at its end, where it is broadcast up to there; empty where it has to be read. */
export const LOG_EXTENDED = 'log';

/** Whoever makes messages that earlier versions misread gives the channel another name. */
const CHANNEL = 'log-1';
/** More is left to be read: every process would get it, and Redis passes it on to each. */
const MOST_BYTES = 256 * 1024;
const MOST_EVENTS = 500;

/** What comes right behind a place of the log, without a gap. */
export interface Passage {
  after: string;
  /** Empty: it is too long, and has to be read. */
  events: Published[];
}

const instances = new WeakMap<PrismaService, LogBroadcast>();

/** Tells the tails of all processes, once it is committed, that the log goes on behind `after` up to `end`; over Redis also how. */
export function tellExtended(db: Tx, after: bigint, end: bigint): void {
  const client = clientOf(db);
  afterCommit(db, () => {
    const follows = instances.get(client)?.carry(after, end) ?? false;
    signal(client, LOG_EXTENDED, follows ? cursorAt(end) : '');
  });
}

/**
 * New passages of the log, sent to every process that listens by the one that gave the events their places: read once, for all. Whatever
 * gets lost on this way is read, so nothing depends on it. Redis keeps nothing of it and can read nothing, nor make anything up: messages
 * are encrypted with a key that follows from `ENCRYPTION_KEYS`.
 */
@Injectable()
export class LogBroadcast implements OnModuleDestroy {
  private readonly channel: string;
  private readonly keys: readonly NamedKey[];
  private readonly seldom = new Seldom();
  private subscription: Subscription | undefined;
  /** What is still to be sent. */
  private next: { after: bigint; end: bigint } | null = null;
  private sending: Promise<void> | null = null;
  private ended = false;
  /** Whether the last passage could be sent: then the next is promised. */
  private works = true;

  constructor(
    env: Env,
    private readonly prisma: PrismaService,
    private readonly redis: Redis,
    private readonly logger: Logger,
  ) {
    this.channel = `${redis.prefix}${CHANNEL}`;
    this.keys = namedKeys(env, 'event-log');
    instances.set(prisma, this);
  }

  /** Sends what lies between two places of the log; false when nobody should wait for it. */
  carry(after: bigint, end: bigint): boolean {
    if (this.ended || this.redis.state !== 'connected') return false;
    this.next = { after: this.next?.end === after ? this.next.after : after, end };
    this.sending ??= this.send();
    return this.works;
  }

  /** Hears of new passages until `rest`, where there is a Redis. */
  listen(hear: (passage: Passage) => void): void {
    if (!this.redis.configured) return;
    this.subscription ??= this.redis.subscribe(this.channel, (message) => {
      const passage = this.open(message);
      if (passage !== null) hear(passage);
    });
  }

  /** Whether passages are heard just now, as far as is known. */
  get live(): boolean {
    return this.subscription?.live === true;
  }

  /** A passage that was promised has not come. */
  doubt(): void {
    this.subscription?.doubt();
  }

  rest(): void {
    this.subscription?.close();
    this.subscription = undefined;
  }

  async onModuleDestroy(): Promise<void> {
    this.ended = true;
    await this.sending;
  }

  private async send(): Promise<void> {
    try {
      while (this.next !== null) {
        const { after, end } = this.next;
        this.next = null;
        this.works = await this.sendOne(after, end);
      }
    } catch (error) {
      this.works = false;
      this.logger.warn({ err: error }, 'A passage of the log could not be broadcast; other processes read it');
    } finally {
      this.sending = null;
    }
  }

  /** Whether all who listen have it, or know that they have to read it. */
  private async sendOne(after: bigint, end: bigint): Promise<boolean> {
    const listening = await this.redis.run((client) => client.pubsub('NUMSUB', this.channel));
    if (listening === undefined) return false;
    if (Number(listening[1]) === 0) return true;
    const message = this.seal(await this.read(cursorAt(after), Number(end - after)));
    return (await this.redis.run((client) => client.publish(this.channel, message))) !== undefined;
  }

  private async read(after: string, count: number): Promise<Passage> {
    const events = count > MOST_EVENTS ? [] : await readEvents(this.prisma, { after, limit: count });
    return { after, events: events.length === count && isWhole(after, events) ? events : [] };
  }

  private seal(passage: Passage): Buffer {
    const text = Buffer.from(JSON.stringify(passage));
    return encrypt(this.keys[0]!.key, this.channel, text.length > MOST_BYTES ? JSON.stringify({ ...passage, events: [] }) : text);
  }

  /** Null when none of us has sent it, or something is missing in it. */
  private open(message: Buffer): Passage | null {
    for (const { key } of this.keys) {
      const text = decrypt(key, this.channel, message);
      if (text === null) continue;
      const { after, events } = JSON.parse(text.toString('utf8')) as Passage;
      for (const event of events) event.occurredAt = new Date(event.occurredAt);
      return isWhole(after, events) ? { after, events } : null;
    }
    const since = this.seldom.due('unreadable');
    if (since !== undefined) this.logger.warn({ since }, 'Redis brought a passage of the log that no key of ENCRYPTION_KEYS here opens');
    return null;
  }
}

function isWhole(after: string, events: readonly Published[]): boolean {
  const position = positionAt(after);
  return position !== null && events.every(({ cursor }, index) => cursor === cursorAt(position + BigInt(index) + 1n));
}
