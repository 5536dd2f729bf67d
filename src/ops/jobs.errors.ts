import { problem } from '#errors';

export const jobNotFound = problem(
  'ops/job-not-found',
  'not-found',
  'No such job',
  'No job in the queue has this id. A job that is done, or that somebody discarded, is gone.',
);
export const jobRunning = problem(
  'ops/job-running',
  'conflict',
  'The job is running',
  'A worker has it just now. Wait until the attempt has ended, and read the job again: when it succeeded, it is gone.',
);
