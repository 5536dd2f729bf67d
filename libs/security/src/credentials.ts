import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { Actor, SessionDirectory } from './actor.js';
import { readApiKey } from './api-key-format.js';
import { Budgets } from './budgets.js';
import { clientNetwork } from './client-address.js';
import { Tickets } from './tickets.js';

const WINDOW_SECONDS = 900;
const ADDRESS_FACTOR = 10; // as for passwords

/** Who calls with an API key or a ticket. What is none cannot have been ours, or is not good any more. */
@Injectable()
export class Credentials {
  constructor(
    private readonly sessions: SessionDirectory,
    private readonly tickets: Tickets,
    private readonly budgets: Budgets,
    private readonly env: Env,
  ) {}

  /**
   * One with a wrong checksum is refused without a question. One that nobody has costs its address a place in a budget; a good one never
   * does, nor is it refused for what others have tried from there: with 256 random bits, patience is no help to them.
   * @throws auth/too-many-attempts
   */
  async ofApiKey(key: string, ip: string): Promise<Actor | null> {
    const digest = readApiKey(key);
    if (digest === null) return null;
    const found = await this.sessions.findKey(digest.hash);
    if (found !== null) return new Actor(found);
    const limit = this.env.AUTH_LOGIN_FAILURES_PER_WINDOW * ADDRESS_FACTOR;
    await this.budgets.spend({ bucket: `api-key-from ${clientNetwork(ip)}`, limit, windowSeconds: WINDOW_SECONDS });
    return null;
  }

  /** Uses the ticket up. */
  async ofTicket(ticket: string): Promise<Actor | null> {
    const sessionId = await this.tickets.redeem(ticket);
    const session = sessionId && (await this.sessions.find(sessionId));
    return session ? new Actor(session) : null;
  }
}
