/** Thrown by a handler to say that trying again is no use: the job becomes a dead letter at once. */
export class FinalFailure extends Error {
  override readonly name = 'FinalFailure';
}

/** Why an attempt's signal aborts. */
export class TimeLimitExceeded extends Error {
  override readonly name = 'TimeLimitExceeded';
  constructor(seconds: number) {
    super(`The attempt took longer than ${seconds} seconds.`);
  }
}

/** The process stops, or has been taken for dead: the job is somebody else's, and the attempt does not count. */
export class GivenBack extends Error {
  override readonly name = 'GivenBack';
}
