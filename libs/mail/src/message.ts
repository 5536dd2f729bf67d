import type { Rendered } from './layout.js';

/** A mail ready to be sent: one sender, one recipient, nothing else. */
export interface Message extends Rendered {
  mailId: string;
  /** With its angle brackets; the same for every attempt, so that a receiver can tell a repetition. */
  messageId: string;
  from: { name: string; address: string };
  to: string;
  /** Headers of its own beside the usual ones. */
  headers: Record<string, string>;
}
