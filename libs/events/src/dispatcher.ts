import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PrismaService, Signals } from '#database';
import { Logger } from '#telemetry';
import { EventConsumers } from './consumers.js';
import { BATCH, dispatch } from './dispatch.js';
import { EVENTS_PUBLISHED } from './publish.js';

/** A lost signal delays an event by so much. */
const POLL_MS = 1_000;
const ANNOUNCE_MS = 30_000;

/** Extends the log and shares out what is new, as soon as it is told that there is something. Every worker does it; of those that try at once, one. */
@Injectable()
export class EventDispatcher implements OnApplicationBootstrap, OnModuleDestroy {
  private announcedAt = -Infinity;
  private woken = false;
  private ended = false;
  private continueNow: () => void = () => undefined;
  private running = Promise.resolve();

  constructor(
    private readonly prisma: PrismaService,
    private readonly signals: Signals,
    private readonly consumers: EventConsumers,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.consumers.runHere) return;
    this.signals.on(EVENTS_PUBLISHED, () => this.wake());
    this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.ended = true;
    this.wake();
    await this.running;
  }

  private wake(): void {
    this.woken = true;
    this.continueNow();
  }

  private async run(): Promise<void> {
    while (!this.ended) {
      this.woken = false;
      try {
        await this.announce();
        while (!this.ended && (await dispatch(this.prisma)) === BATCH);
      } catch (error) {
        this.logger.warn({ err: error }, 'Events could not be shared out; trying again');
        this.woken = false; // not at once: the database may be down
      }
      if (!this.woken) await this.pause();
    }
  }

  /** Until there is something to do, or might be. */
  private async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.continueNow = resolve;
      setTimeout(resolve, POLL_MS).unref();
      if (this.ended) resolve();
    });
  }

  private async announce(): Promise<void> {
    if (performance.now() - this.announcedAt < ANNOUNCE_MS) return;
    await this.consumers.announce(this.prisma);
    this.announcedAt = performance.now();
  }
}
