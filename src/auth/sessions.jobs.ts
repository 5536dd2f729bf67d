import { Injectable } from '@nestjs/common';
import { inBatches, type JobRun, Schedule } from '#jobs';
import { OneTimeTokensService } from './one-time-tokens.service.js';
import { SessionsService } from './sessions.service.js';

@Injectable()
export class SessionsJobs {
  constructor(
    private readonly sessions: SessionsService,
    private readonly tokens: OneTimeTokensService,
  ) {}

  /** Forgets who was logged in from where, a while after it ended. */
  @Schedule('sessions.purge', '17 3 * * *', { catchUpSeconds: 86_400 })
  async purge({ signal }: JobRun): Promise<void> {
    await inBatches(signal, (limit) => this.sessions.purge(limit));
  }

  @Schedule('one-time-tokens.purge', '37 * * * *')
  async purgeTokens({ signal }: JobRun): Promise<void> {
    await inBatches(signal, (limit) => this.tokens.purge(limit));
  }
}
