import { Injectable } from '@nestjs/common';
import { PrismaService, Signals } from '#database';
import { unavailable } from '#http';

/** Whether this process should get requests: it is not stopping, its database answers, and every migration it was built with is applied. */
@Injectable()
export class HealthService {
  /** Whether this process is about to stop. */
  draining = false;
  private migrated = false;

  constructor(
    private readonly prisma: PrismaService,
    private readonly signals: Signals,
  ) {}

  /** From now on balancers are told to look elsewhere. */
  drain(): void {
    this.draining = true;
  }

  /** @throws http/unavailable naming what is missing */
  async ready(): Promise<{ status: 'ready'; signals: 'connected' | 'reconnecting' }> {
    if (this.draining) throw unavailable('This process is stopping; others answer.');
    if (this.migrated) await this.prisma.$queryRaw`SELECT 1`;
    else await this.requireMigrations();
    return { status: 'ready', signals: this.signals.connected ? 'connected' : 'reconnecting' };
  }

  private async requireMigrations(): Promise<void> {
    const pending = await this.prisma.pendingMigrations();
    if (pending.length > 0) throw unavailable(`${pending.length} migrations are not applied yet; run npm run db:migrate.`);
    this.migrated = true;
  }
}
