import { event } from '#events';
import { IsIn, IsInt, IsString } from 'class-validator';

export class InvariantPayload {
  /** Which: `GET /ops/invariants` explains it. @example "stock-reserved" */
  @IsString()
  invariant: string;

  @IsIn(['error', 'warning', 'notice'])
  severity: string;

  /** How many things break it. @example 2 */
  @IsInt()
  broken: number;
}

export const invariantBroken = event('invariant.broken', {
  version: 1,
  payload: InvariantPayload,
  description: 'The nightly look over the books has found something that must not be, and had not found it the night before.',
  visibleTo: ['ops:read'],
});
