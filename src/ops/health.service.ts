import { Injectable } from '@nestjs/common';
import { PrismaService, Signals } from '#database';
import { JobQueue } from '#jobs';
import { unavailable } from '#http';
import { Redis } from '#redis';
import type { ReadyResponse } from './health.dto.js';

/**
 * Whether this process should get requests: it is not stopping, its database answers, and every migration it was built with is applied.
 * Redis may be away: everything works without it, so its state is told and decides nothing.
 */
@Injectable()
export class HealthService {
  /** Whether this process is about to stop. */
  draining = false;
  private proven = false;
  private readonly conditions: (() => Promise<void>)[] = [];

  constructor(
    private readonly prisma: PrismaService,
    private readonly signals: Signals,
    private readonly queue: JobQueue,
    private readonly redis: Redis,
  ) {}

  /** From now on balancers are told to look elsewhere. */
  drain(): void {
    this.draining = true;
  }

  /** @throws http/unavailable naming what is missing */
  async ready(): Promise<ReadyResponse> {
    if (this.draining) throw unavailable('This process is stopping; others answer.');
    if (this.proven) await this.prisma.$queryRaw`SELECT 1`;
    else await this.prove();
    return { status: 'ready', signals: this.signals.connected ? 'connected' : 'reconnecting', redis: this.redis.state };
  }

  /** What else must hold once, before this process is ready for the first time; throws `http/unavailable` where it does not. */
  require(condition: () => Promise<void>): void {
    this.conditions.push(condition);
  }

  private async prove(): Promise<void> {
    const pending = await this.prisma.pendingMigrations();
    if (pending.length > 0) throw unavailable(`Migrations are not applied yet (${pending.length}); run npm run db:migrate.`);
    if (!(await this.queue.isMigrated())) throw unavailable('The job queue is not migrated yet; run npm run db:migrate.');
    for (const condition of this.conditions) await condition();
    this.proven = true;
  }
}
