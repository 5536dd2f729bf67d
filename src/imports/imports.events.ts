import { event } from '#events';
import { Id } from '#http';
import { IsIn, IsInt } from 'class-validator';

export class ImportPayload {
  @Id()
  importId: string;

  @Id()
  userId: string;

  @IsIn(['done', 'failed', 'cancelled'])
  status: string;

  /** @example 12 */
  @IsInt()
  created: number;

  /** @example 3 */
  @IsInt()
  updated: number;

  /** @example 0 */
  @IsInt()
  failed: number;
}

export const importEnded = event('import.ended', {
  version: 1,
  payload: ImportPayload,
  description: 'An import of posts has come to its end: all files were dealt with, it failed, or it was cancelled.',
  visibleTo: ['subject'],
});
