import type { Ticket } from '#security';

export class TicketResponse {
  /** For `?ticket=`; good once. @example "mzX1b0oVQyq0Ck5w9d3nYg7uT2fRJc8hLsE4aPpKx6I" */
  ticket: string;
  /** How many seconds it lives. @example 30 */
  expiresIn: number;

  static from(this: void, { ticket, expiresIn }: Ticket): TicketResponse {
    return { ticket, expiresIn };
  }
}
