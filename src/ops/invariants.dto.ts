import { IfPresent } from '#http';
import { IsBoolean } from 'class-validator';
import type { Checkup, Finding, Mending } from './invariants.service.js';

export class RemarkResponse {
  /** Of what it is about: the invariant’s `resource`. */
  id: string;
  /** In words, with the numbers. @example "5 are reserved, its reservations come to 3" */
  says: string;
}

export class InvariantResponse {
  /** @example "stock-reserved" */
  id: string;
  /** What must hold. @example "What is reserved of a variant is the sum of its reservations" */
  title: string;
  /** What it means where it does not, and what to do. */
  explanation: string;
  /** `error`: the books are wrong; `warning`: something does not get on; `notice`: nothing is wrong, but somebody should know. */
  severity: 'error' | 'warning' | 'notice';
  /** `unknown`: looking took longer than a statement may (`DATABASE_STATEMENT_TIMEOUT_MS`). */
  status: 'holds' | 'broken' | 'unknown';
  /** How many break it; null when that is unknown. @example 2 */
  broken: number | null;
  /** What the ids of `examples` name. @example "variant" */
  resource: string;
  /** Those that break it, 20 at most. */
  examples: RemarkResponse[];
  /** What a repair does; null where there is none. @example "Sets what is reserved to the sum of the reservations." */
  repair: string | null;
  /** How long looking took, in milliseconds. @example 12 */
  durationMs: number;

  static from(this: void, { invariant, status, broken, examples, durationMs }: Finding): InvariantResponse {
    const { id, title, explanation, severity, resource, repair } = invariant;
    return {
      id,
      title,
      explanation,
      severity,
      status,
      broken,
      resource,
      examples: examples.map(({ id: what, says }) => ({ id: what, says })),
      repair: repair?.explanation ?? null,
      durationMs,
    };
  }
}

export class InvariantsResponse {
  /** Whether every one holds; notices are not counted. */
  sound: boolean;
  checkedAt: Date;
  invariants: InvariantResponse[];

  static from(this: void, { sound, checkedAt, findings }: Checkup): InvariantsResponse {
    return { sound, checkedAt, invariants: findings.map(InvariantResponse.from) };
  }
}

export class RepairDto {
  /** Whether nothing is changed: the answer then says what would be. @example true */
  @IfPresent()
  @IsBoolean()
  dryRun: boolean = true;
}

export class RepairResponse {
  /** The invariant. @example "stock-reserved" */
  id: string;
  dryRun: boolean;
  /** What was changed, or would be: of 100 at most. */
  changes: RemarkResponse[];
  /** How many break it after that: what it cannot mend, and what is beyond the first 100. @example 0 */
  left: number;

  static from(this: void, { id, dryRun, changes, left }: Mending): RepairResponse {
    return { id, dryRun, changes: changes.map(({ id: what, says }) => ({ id: what, says })), left };
  }
}
