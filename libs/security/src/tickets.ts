import { createHash, randomBytes } from 'node:crypto';
import { Injectable, SetMetadata } from '@nestjs/common';
import { execute, Prisma, PrismaService, rows } from '#database';
import type { Actor } from './actor.js';
import { invalidToken } from './security.errors.js';

export const TICKETS = 'ashlar:tickets';

/** In place of a token the route takes a ticket, as the query's member `ticket`: for browsers' EventSource, which sends no headers. */
export const TakesTickets = () => SetMetadata(TICKETS, true);

const LIFE_SECONDS = 30;
const TICKET = /^[\w-]{43}$/;

/** What lets its bearer in once, as the session that asked for it. */
export interface Ticket {
  ticket: string;
  /** In seconds. */
  expiresIn: number;
}

/**
 * Tickets of one use that live for 30 seconds and die with their session. A URL ends up in histories and proxies' logs, where a token
 * must not; a ticket is worth nothing there. They are kept as SHA-256 of 32 random bytes, and using one deletes it: the database decides
 * between two that try at once.
 */
@Injectable()
export class Tickets {
  constructor(private readonly prisma: PrismaService) {}

  /** @throws auth/invalid-token when the session is gone meanwhile */
  async issue({ sessionId }: Actor): Promise<Ticket> {
    const ticket = randomBytes(32).toString('base64url');
    const issued = await execute(
      this.prisma,
      Prisma.sql`WITH outlived AS (DELETE FROM tickets WHERE session_id = ${sessionId}::uuid AND expires_at < now())
        INSERT INTO tickets (hash, session_id, expires_at)
        SELECT ${hashOf(ticket)}, id, now() + make_interval(secs => ${LIFE_SECONDS}) FROM sessions WHERE id = ${sessionId}::uuid AND ended_at IS NULL`,
    );
    if (issued === 0) throw invalidToken('The session has ended; log in again.');
    return { ticket, expiresIn: LIFE_SECONDS };
  }

  /** Uses a ticket up; the id of its session, which may have ended, or null for one that is none any more. */
  async redeem(ticket: string): Promise<string | null> {
    if (!TICKET.test(ticket)) return null;
    const [used] = await rows<{ sessionId: string }>(
      this.prisma,
      Prisma.sql`DELETE FROM tickets WHERE hash = ${hashOf(ticket)} AND expires_at > now() RETURNING session_id AS "sessionId"`,
    );
    return used?.sessionId ?? null;
  }

  /** Deletes at most so many that nobody has used in time, and says how many. */
  async purge(limit: number): Promise<number> {
    return execute(
      this.prisma,
      Prisma.sql`DELETE FROM tickets WHERE hash IN (SELECT hash FROM tickets WHERE expires_at < now() LIMIT ${limit} FOR UPDATE SKIP LOCKED)`,
    );
  }
}

function hashOf(ticket: string): Buffer {
  return createHash('sha256').update(ticket).digest();
}
