import { job } from '#jobs';
import { IsIn, IsUUID } from 'class-validator';

export class MakeExport {
  @IsUUID()
  exportId: string;
}

/** The first round is at once; the second takes what was still being written during the first. */
export const ROUNDS = [1, 2] as const;
export type Round = (typeof ROUNDS)[number];

export class ErasePerson {
  @IsUUID()
  userId: string;

  @IsIn(ROUNDS)
  round: Round;
}

export const makeExport = job('privacy.export', MakeExport, { maxAttempts: 6, timeoutSeconds: 1_800 });
export const erasePerson = job('privacy.erase', ErasePerson, { maxAttempts: 20, timeoutSeconds: 1_800 });
