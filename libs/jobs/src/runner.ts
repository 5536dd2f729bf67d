import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Env } from '#config';
import { Signals } from '#database';
import { Logger } from '#telemetry';
import { WAKE } from './job.js';
import { NotReady, type OpenWorkers, Workers } from './workers.js';

const REOPEN_MS = 1_000;

/** Keeps this process's workers at work, unless its `ROLE` is `api`: opened when the database is ready for them, and again when they failed. */
@Injectable()
export class JobRunner implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stopping = new AbortController();
  private keeping: Promise<void> | undefined;
  private open: OpenWorkers | undefined;

  constructor(
    private readonly env: Env,
    private readonly workers: Workers,
    private readonly signals: Signals,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (this.env.ROLE === 'api') return;
    const wake = () => this.open?.wake();
    this.signals.on(WAKE, wake);
    this.signals.onGap(wake);
    this.keeping = this.keepOpen();
  }

  /** Takes no more jobs; resolves when those that run have ended or were given back. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all([this.open?.stop(), this.keeping]);
  }

  async onModuleDestroy(): Promise<void> {
    await this.stop();
  }

  private async keepOpen(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        this.open = await this.workers.open();
        if (signal.aborted) await this.open.stop();
        await this.open.ended;
      } catch (error) {
        if (error instanceof NotReady) this.logger.warn({}, `The workers wait: ${error.message}; run npm run db:migrate`);
        else this.logger.warn({ err: error }, 'The workers of this process could not be opened; trying again');
      }
      this.open = undefined;
      await sleep(REOPEN_MS, undefined, { signal }).catch(() => undefined); // stopped while it waited: the loop ends
    }
  }
}
