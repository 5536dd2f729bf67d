import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Env } from '#config';
import { Logger } from '#telemetry';
import { PaymentsService } from '../payments/payments.service.js';
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
    private readonly payments: PaymentsService,
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
    await this.each(
      'payment',
      () => this.payments.abandoned(),
      (payment) => this.orders.finish(payment),
    );
    await this.each(
      'order',
      () => this.orders.overdue(),
      ({ id }) => this.orders.expire(id),
    );
  }

  /** One that cannot be ended must not keep the others waiting; it is tried again in the next round. */
  private async each<T extends { id: string }>(noun: string, find: () => Promise<T[]>, end: (item: T) => Promise<void>): Promise<void> {
    try {
      for (const item of await find()) {
        await end(item).catch((error: unknown) =>
          this.logger.error({ err: error, [noun]: item.id }, `An abandoned ${noun} could not be brought to an end`),
        );
      }
    } catch (error) {
      this.logger.warn({ err: error }, `Abandoned ${noun}s could not be looked for; the next round tries again`);
    }
  }
}
