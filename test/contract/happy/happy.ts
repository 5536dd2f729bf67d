import type { Person } from '../../harness/people.js';
import type { World } from '../nouns.js';
import { happyCallsOfContent } from './content.js';
import { happyCallsOfIdentity } from './identity.js';
import { happyCallsOfKeys } from './keys.js';
import { happyCallsOfOperations } from './operations.js';
import { happyCallsOfPeople } from './people.js';
import { happyCallsOfReleases } from './releases.js';
import { happyCallsOfShop } from './shop.js';

/** One call of an operation that ought to succeed. */
export interface Happy {
  params?: Record<string, string>;
  query?: string;
  body?: Record<string, unknown>;
  /** A body that is no JSON. */
  form?: { type: string; body: Buffer };
  by?: Person;
  headers?: Record<string, string>;
}

/** By operation: calls that ought to succeed, each in a world of its own. */
export type HappyCalls = Record<string, () => Promise<Happy[]>>;

/** Calls of every operation; the HAPPY of each file beside this one has those of some features. */
export const happyCalls = (world: World): HappyCalls => ({
  ...happyCallsOfPeople(world),
  ...happyCallsOfIdentity(world),
  ...happyCallsOfKeys(world),
  ...happyCallsOfContent(world),
  ...happyCallsOfShop(world),
  ...happyCallsOfReleases(world),
  ...happyCallsOfOperations(world),
});
