import { event } from '#events';
import { Id } from '#http';
import { IsIn, IsInt } from 'class-validator';

export class ProductImportPayload {
  @Id()
  importId: string;

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

export const productImportEnded = event('product-import.ended', {
  version: 1,
  payload: ProductImportPayload,
  description:
    'An import of variants has come to its end: all lines were dealt with, it failed, or it was cancelled. A dry run tells what it would have come to.',
  visibleTo: ['products:read'],
});
