import { problem } from '#errors';

export const tooManyStreams = problem(
  'streams/too-many',
  'too-many',
  'Too many event streams',
  'You have as many event streams open as one user may have (STREAMS_PER_USER; 20 by default). Close one, or share one between the parts of your application.',
);
export const streamsFull = problem(
  'streams/full',
  'full',
  'No room for another event stream',
  'This process serves as many event streams as it may (STREAMS_PER_PROCESS). Try again after Retry-After: another process may have room.',
);
export const invalidLastEventId = problem(
  'streams/invalid-last-event-id',
  'invalid',
  'The Last-Event-ID is none of ours',
  'Send the `id:` of an event of this stream as it was, or leave Last-Event-ID out to begin with what happens from now on.',
);
