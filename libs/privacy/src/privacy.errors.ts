import { problem } from '#errors';

export const exportNotFound = problem(
  'privacy/export-not-found',
  'not-found',
  'No such export',
  'You have no export with this id. One that was made is kept for a few days, or until the next one is ready: ask for a new one.',
);
export const exportNotReady = problem(
  'privacy/export-not-ready',
  'conflict',
  'The export is not ready',
  'The archive is still being made, or making it failed. Read the export: its `status` says which. Ask for a new one if it failed.',
);
