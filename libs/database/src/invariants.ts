import type { Prisma } from '../generated/client.js';
import type { Tx } from './prisma.service.js';

/** Something that breaks an invariant, or what a repair changes about it. */
export interface Remark {
  /** Of what it is about, as the invariant's `resource` says. */
  id: string;
  /** In words, with the numbers; nothing that somebody wrote, and nothing of anybody. */
  says: string;
}

/**
 * What must hold of the rows of a feature, whatever code has written them: looked at every night and by `GET /ops/invariants`. It is one query,
 * so that it sees one moment, and finds nothing where everything is right.
 */
export interface Invariant {
  /** Small letters and dashes; a member of answers, audit entries and metrics, so it never changes. */
  readonly id: string;
  /** What holds, as a sentence. */
  readonly title: string;
  /** What it means where it does not hold, and what to do. */
  readonly explanation: string;
  /** `error`: the books are wrong; `warning`: something does not get on; `notice`: nothing is wrong, but somebody should know. */
  readonly severity: 'error' | 'warning' | 'notice';
  /** What the ids name: `order`, `variant`. */
  readonly resource: string;
  /** Selects `id` and `says` (both text) of each thing that breaks it. */
  readonly broken: Prisma.Sql;
  /** Left out where only a person can know what is right. */
  readonly repair?: Repair;
}

export interface Repair {
  /** What it does, for whoever is about to. */
  readonly explanation: string;
  /**
   * Mends these, and says what it has changed; leaves alone what it cannot mend. The ids were found a moment ago: it locks them, in order, and
   * looks again. A dry run is the same, undone; so nothing in it leaves the database.
   */
  readonly mend: (ids: string[], db: Tx) => Promise<Remark[]>;
}

/** What a feature answers for. A provider that extends this class is found at the start: it needs no registration beyond its module's `providers`. */
export abstract class Invariants {
  abstract readonly all: readonly Invariant[];
}
