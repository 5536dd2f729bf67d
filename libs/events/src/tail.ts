import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PrismaService, Signals } from '#database';
import { Logger } from '#telemetry';
import { LOG_EXTENDED, LogBroadcast, type Passage } from './broadcast.js';
import { endOfLog, type Published, readEvents } from './log.js';
import { Loop } from './loop.js';

const PAGE = 500;
/** So many events are handed on before others get their turn: what they make is sent meanwhile, rather than piled up. */
const TURN = 25;
/** How long a passage that is on its way by Redis is waited for, before the log is read. */
const PATIENCE_MS = 50;
/** So many passages may wait for their turn; what would come behind them is read. */
const MOST_BROUGHT = 16;

/** Who is handed the new events of the log. */
export interface Follower {
  /** Before each page; while it fails, nothing is handed on. */
  ready(): Promise<void>;
  /** Each event, in the order of the log, once. */
  take(event: Published): void;
}

/**
 * The end of the log as this process sees it: one reader for however many want to hear, woken when the log has grown in any process. What
 * Redis brings is taken instead of read, if it comes right behind the present place; anything else (a gap, a double, nothing at all) is
 * settled by reading. It rests until somebody asks where it is, and again when nobody is interested any more.
 */
@Injectable()
export class LogTail implements OnApplicationBootstrap, OnModuleDestroy {
  /** Where it is: the follower was handed everything up to there that came after it began. Null while it rests. */
  private place: { cursor: string } | null = null;
  private beginning: Promise<void> | null = null;
  private follower: Follower = { ready: () => Promise.resolve(), take: () => undefined };
  /** What Redis has brought. */
  private brought: Passage[] = [];
  /** Whether there may be something in the log that nobody brings. */
  private unread = false;
  private readonly loop = new Loop(
    (woken) => this.handOn(woken),
    (error) => this.logger.warn({ err: error }, 'The log of events could not be read; trying again'),
  );

  constructor(
    private readonly prisma: PrismaService,
    private readonly signals: Signals,
    private readonly broadcast: LogBroadcast,
    private readonly logger: Logger,
  ) {}

  follow(follower: Follower): void {
    this.follower = follower;
  }

  onApplicationBootstrap(): void {
    this.signals.on(LOG_EXTENDED, (end) => {
      if (end !== '' && this.broadcast.live) void this.expect(end);
      else this.read();
    });
    this.signals.onGap(() => this.read());
    this.loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.loop.stop();
  }

  /** Its cursor; the present end of the log when it rested. */
  async begin(): Promise<string> {
    this.broadcast.listen((passage) => this.hear(passage));
    while (this.place === null) {
      this.beginning ??= endOfLog(this.prisma)
        .then((cursor) => {
          this.place ??= { cursor };
          this.read();
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
    this.brought = [];
    this.broadcast.rest();
  }

  private read(): void {
    this.unread = true;
    this.loop.wake();
  }

  /** The log reaches up to `end`, and Redis should have brought what leads there in a moment. */
  private async expect(end: string): Promise<void> {
    if (this.reaches(end)) return;
    await sleep(PATIENCE_MS, undefined, { ref: false });
    await nextTurn(); // what came while this process was busy is heard first
    if (this.reaches(end)) return;
    this.broadcast.doubt();
    this.read();
  }

  /** Whether it is there, or gets there with what was brought. */
  private reaches(end: string): boolean {
    if (this.place === null) return true;
    let { cursor } = this.place;
    for (let next = this.behind(cursor); next !== undefined && cursor < end; next = this.behind(cursor)) cursor = next.at(-1)!.cursor;
    return cursor >= end;
  }

  private hear(passage: Passage): void {
    if (this.place === null) return;
    if (passage.events.length === 0) return this.read();
    if (this.reaches(passage.events.at(-1)!.cursor)) return; // twice, or late
    if (this.brought.length < MOST_BROUGHT) this.brought.push(passage);
    void this.expect(passage.after); // what is before it is on its way, or lost
    this.loop.wake();
  }

  /** Hands on what comes next; returns whether there may be more. */
  private async handOn(woken: boolean): Promise<boolean> {
    const { place } = this;
    if (place === null) return false;
    this.brought = this.brought.filter(({ events }) => events.at(-1)!.cursor > place.cursor);
    const brought = this.behind(place.cursor);
    if (brought === undefined && woken && !this.unread) return false;
    if (brought === undefined) this.unread = false;
    const events = brought ?? (await readEvents(this.prisma, { after: place.cursor, limit: PAGE }));
    if (events.length > 0) await this.follower.ready();
    for (const [index, event] of events.entries()) {
      if (index % TURN === TURN - 1) await nextTurn();
      if (this.place !== place || this.loop.stopped) return false;
      // At once, so that who joins between two events finds it at the one it was handed last.
      this.follower.take(event);
      place.cursor = event.cursor;
    }
    if (events.length === PAGE) this.unread = true;
    return brought !== undefined || this.unread;
  }

  /** What comes right behind this place, if it was brought. */
  private behind(cursor: string): Published[] | undefined {
    const passage = this.brought.find(({ after, events }) => after <= cursor && events.at(-1)!.cursor > cursor);
    return passage?.events.filter((event) => event.cursor > cursor);
  }
}
