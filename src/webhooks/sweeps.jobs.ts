import { Injectable } from '@nestjs/common';
import { PrismaService, transaction } from '#database';
import { type JobRun, Schedule } from '#jobs';
import { AttemptsService } from './attempts.service.js';
import { DeliveriesService } from './deliveries.service.js';
import { SecretsService } from './secrets.service.js';
import { askForAll } from './webhooks.queries.js';

@Injectable()
export class SweepsJobs {
  constructor(
    private readonly prisma: PrismaService,
    private readonly attempts: AttemptsService,
    private readonly deliveries: DeliveriesService,
    private readonly secrets: SecretsService,
  ) {}

  @Schedule('webhooks.sweep', '* * * * *')
  async sweep(): Promise<void> {
    await askForAll(this.prisma);
    await this.attempts.sweep();
  }

  @Schedule('webhooks.purge', '57 * * * *')
  async purge({ signal }: JobRun): Promise<void> {
    await transaction(this.prisma, (db) => this.secrets.tidy(db));
    await this.deliveries.purge(signal);
  }
}
