import type { Env } from '#config';
import type { Message } from './message.js';

/** What became of handing a mail over: taken, or refused for good with the reason (which does not name the recipient). */
export type Outcome = { taken: true } | { taken: false; reason: string };

/** Who takes mails from us. */
export abstract class MailServer {
  /** Whether there is anybody to take them. */
  abstract readonly available: boolean;
  /** @throws MailUndelivered when another attempt may succeed */
  abstract deliver(message: Message, signal: AbortSignal): Promise<Outcome>;
}

/** A mail was not taken this time. The message is safe to log: it names neither the recipient nor a secret. */
export class MailUndelivered extends Error {
  override readonly name = 'MailUndelivered';
}

/** Production without `SMTP_URL`: mails are held until a process has one. */
export class NoMailServer extends MailServer {
  readonly available = false;

  deliver(): Promise<Outcome> {
    return Promise.reject(new MailUndelivered('SMTP_URL is not set'));
  }
}

/** How many mails a process hands over at the same time: half of its workers at most, so that a mail server that hangs leaves it the others. */
export function sendingAtOnce({ JOBS_CONCURRENCY }: Env): number {
  return Math.max(1, Math.min(5, Math.floor(JOBS_CONCURRENCY / 2)));
}
