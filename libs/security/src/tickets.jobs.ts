import { Injectable } from '@nestjs/common';
import { inBatches, type JobRun, Schedule } from '#jobs';
import { Tickets } from './tickets.js';

@Injectable()
export class TicketsJobs {
  constructor(private readonly tickets: Tickets) {}

  @Schedule('tickets.purge', '7 * * * *')
  async purge({ signal }: JobRun): Promise<void> {
    await inBatches(signal, (limit) => this.tickets.purge(limit));
  }
}
