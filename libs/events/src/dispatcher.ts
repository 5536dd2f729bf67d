import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PrismaService, Signals } from '#database';
import { Logger } from '#telemetry';
import { EventConsumers } from './consumers.js';
import { BATCH, dispatch } from './dispatch.js';
import { Loop } from './loop.js';
import { EVENTS_PUBLISHED } from './publish.js';

const ANNOUNCE_MS = 30_000;

/** Extends the log and shares out what is new, as soon as it is told that there is something. Every worker does it; of those that try at once, one. */
@Injectable()
export class EventDispatcher implements OnApplicationBootstrap, OnModuleDestroy {
  private announcedAt = -Infinity;
  private readonly loop = new Loop(
    () => this.dispatch(),
    (error) => this.logger.warn({ err: error }, 'Events could not be shared out; trying again'),
  );

  constructor(
    private readonly prisma: PrismaService,
    private readonly signals: Signals,
    private readonly consumers: EventConsumers,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.consumers.runHere) return;
    this.signals.on(EVENTS_PUBLISHED, () => this.loop.wake());
    this.loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.loop.stop();
  }

  private async dispatch(): Promise<boolean> {
    await this.announce();
    return (await dispatch(this.prisma)) === BATCH;
  }

  private async announce(): Promise<void> {
    if (performance.now() - this.announcedAt < ANNOUNCE_MS) return;
    await this.consumers.announce(this.prisma);
    this.announcedAt = performance.now();
  }
}
