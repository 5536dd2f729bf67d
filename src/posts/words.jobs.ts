import { Injectable } from '@nestjs/common';
import { PrismaService } from '#database';
import { Handles, job, type JobRun, Schedule } from '#jobs';
import { visibleTo } from './posts.queries.js';
import { forgetWords } from './words.queries.js';

const BATCH = 500;

export class ForgettingPayload {}

/** Forgets the words that only somebody who is erased has used. */
export const forgetting = job('posts.forgetting', ForgettingPayload);

@Injectable()
export class WordsJobs {
  constructor(private readonly prisma: PrismaService) {}

  /** Nothing waits for it: a word that nobody uses any more finds nothing. */
  @Schedule('posts.forget-words', '17 3 * * *')
  async forget({ signal }: JobRun): Promise<void> {
    for (let word: string | null = ''; word !== null && !signal.aborted;)
      word = await forgetWords(this.prisma, word, BATCH, visibleTo(null, 'published'));
  }

  @Handles(forgetting)
  async forgetOnes(_: ForgettingPayload, run: JobRun): Promise<void> {
    await this.forget(run);
  }
}
