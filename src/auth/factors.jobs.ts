import { Injectable } from '@nestjs/common';
import { inBatches, type JobRun, Schedule } from '#jobs';
import { CodesService } from './codes.service.js';

@Injectable()
export class FactorsJobs {
  constructor(private readonly codes: CodesService) {}

  /** Lets an earlier of ENCRYPTION_KEYS be retired. */
  @Schedule('totp-secrets.reseal', '47 3 * * *', { catchUpSeconds: 86_400 })
  async reseal({ signal }: JobRun): Promise<void> {
    await inBatches(signal, (limit) => this.codes.reseal(limit));
  }
}
