import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Env } from '#config';
import { Logger } from '#telemetry';
import { OrdersService } from './orders.service.js';

/**
 * Brings to an end what nobody came back for: payments whose process died, and orders out of time. Every process does it; the locks on
 * the orders see to it that each is ended once.
 */
@Injectable()
export class OrdersJobs implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private running = Promise.resolve();

  constructor(
    private readonly orders: OrdersService,
    private readonly env: Env,
    private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    const round = () => {
      this.running = this.running.then(() => this.sweep());
    };
    this.timer = setInterval(round, this.env.ORDERS_SWEEP_SECONDS * 1_000).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async sweep(): Promise<void> {
    try {
      const payments = await this.orders.finishAbandonedPayments();
      const expired = await this.orders.expireOverdue();
      if (payments + expired > 0) this.logger.info({ payments, expired }, 'Orders were brought to an end');
    } catch (error) {
      this.logger.warn({ err: error }, 'Orders could not be swept; the next round tries again');
    }
  }
}
