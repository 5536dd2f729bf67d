import { Injectable } from '@nestjs/common';
import { inBatches, type JobRun, Schedule } from '#jobs';
import { SessionsService } from './sessions.service.js';

@Injectable()
export class SessionsJobs {
  constructor(private readonly sessions: SessionsService) {}

  /** Forgets who was logged in from where, a while after it ended. */
  @Schedule('sessions.purge', '17 3 * * *', { catchUpSeconds: 86_400 })
  async purge({ signal }: JobRun): Promise<void> {
    await inBatches(signal, (limit) => this.sessions.purge(limit));
  }
}
