import { Injectable } from '@nestjs/common';
import { type JobRun, Schedule } from '#jobs';
import { Logger } from '#telemetry';
import { CancellationsService } from './cancellations.service.js';
import { ChargesService } from './charges.service.js';
import { ReturnsService } from './returns.service.js';

/** Brings to an end what nobody came back for: payments and refunds whose process died, and orders out of time. */
@Injectable()
export class OrdersJobs {
  constructor(
    private readonly charges: ChargesService,
    private readonly cancellations: CancellationsService,
    private readonly returns: ReturnsService,
    private readonly logger: Logger,
  ) {}

  /** Nothing waits for it: an order out of time is expired for everybody at once, whether or not its row says so. */
  @Schedule('orders.sweep', '* * * * *')
  async sweep({ signal }: JobRun): Promise<void> {
    await this.each(
      signal,
      'payment',
      () => this.charges.abandoned(),
      (payment) => this.charges.ask(payment),
    );
    await this.each(
      signal,
      'refund',
      () => this.returns.forgotten(),
      (refund) => this.returns.ask(refund),
    );
    await this.each(
      signal,
      'order',
      () => this.cancellations.overdue(),
      ({ id }) => this.cancellations.expire(id),
    );
  }

  /** One that cannot be ended must not keep the others waiting; it is tried again in the next minute. */
  private async each<T extends { id: string }>(
    signal: AbortSignal,
    noun: string,
    find: () => Promise<T[]>,
    end: (item: T) => Promise<unknown>,
  ): Promise<void> {
    const stuck = new Set<string>();
    while (!signal.aborted) {
      const found = (await find()).filter(({ id }) => !stuck.has(id));
      if (found.length === 0) return;
      for (const item of found) {
        if (signal.aborted) return;
        await end(item).catch((error: unknown) => {
          stuck.add(item.id);
          this.logger.error({ err: error, [noun]: item.id }, `An abandoned ${noun} could not be brought to an end`);
        });
      }
    }
  }
}
