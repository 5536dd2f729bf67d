import { problem } from '#errors';

export const invariantNotFound = problem(
  'ops/invariant-not-found',
  'not-found',
  'No such invariant',
  'Nothing of this id is looked after. `GET /ops/invariants` lists them all.',
);
export const invariantNotRepairable = problem(
  'ops/invariant-not-repairable',
  'conflict',
  'There is no repair for this',
  'Only a person can know what is right here. The invariant’s `explanation` says where to look.',
);
