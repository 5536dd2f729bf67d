import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PrismaService, Signals } from '#database';
import { Logger } from '#telemetry';
import { LOG_EXTENDED } from './dispatch.js';
import { endOfLog, type Published, readEvents } from './log.js';
import { Loop } from './loop.js';

const PAGE = 500;
/** So many events are handed on before others get their turn: what they make is sent meanwhile, rather than piled up. */
const TURN = 25;

/** Who is handed the new events of the log. */
export interface Follower {
  /** Before each page; while it fails, nothing is handed on. */
  ready(): Promise<void>;
  /** Each event, in the order of the log, once. */
  take(event: Published): void;
}

/**
 * The end of the log as this process sees it: one reader for however many want to hear, woken when the log has grown in any process. It
 * rests until somebody asks where it is, and again when nobody is interested any more.
 */
@Injectable()
export class LogTail implements OnApplicationBootstrap, OnModuleDestroy {
  /** Where it is: the follower was handed everything up to there that came after it began. Null while it rests. */
  private place: { cursor: string } | null = null;
  private beginning: Promise<void> | null = null;
  private follower: Follower = { ready: () => Promise.resolve(), take: () => undefined };
  private readonly loop = new Loop(
    async () => (await this.handOn()) === PAGE,
    (error) => this.logger.warn({ err: error }, 'The log of events could not be read; trying again'),
  );

  constructor(
    private readonly prisma: PrismaService,
    private readonly signals: Signals,
    private readonly logger: Logger,
  ) {}

  follow(follower: Follower): void {
    this.follower = follower;
  }

  onApplicationBootstrap(): void {
    this.signals.on(LOG_EXTENDED, () => this.loop.wake());
    this.signals.onGap(() => this.loop.wake());
    this.loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.loop.stop();
  }

  /** Its cursor; the present end of the log when it rested. */
  async begin(): Promise<string> {
    while (this.place === null) {
      this.beginning ??= endOfLog(this.prisma)
        .then((cursor) => {
          this.place ??= { cursor };
          this.loop.wake();
        })
        .finally(() => (this.beginning = null));
      await this.beginning;
    }
    return this.place.cursor;
  }

  /** Its cursor, once it has begun. */
  get cursor(): string {
    if (this.place === null) throw new Error('The tail of the log rests: begin() first.');
    return this.place.cursor;
  }

  /** Nobody is interested for now. */
  rest(): void {
    this.place = null;
  }

  /** Returns how many events there were. */
  private async handOn(): Promise<number> {
    const { place } = this;
    if (place === null) return 0;
    const events = await readEvents(this.prisma, { after: place.cursor, limit: PAGE });
    if (events.length > 0) await this.follower.ready();
    for (const [index, event] of events.entries()) {
      if (index % TURN === TURN - 1) await nextTurn();
      if (this.place !== place || this.loop.stopped) return 0;
      // At once, so that who joins between two events finds it at the one it was handed last.
      this.follower.take(event);
      place.cursor = event.cursor;
    }
    return events.length;
  }
}
