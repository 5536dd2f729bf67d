import { Injectable } from '@nestjs/common';
import { SYSTEM } from '#audit';
import { Prisma, rows, type Tx } from '#database';
import { Consumes, type PayloadOf, publish, type Published } from '#events';
import { sessionFromNewDevice, sessionStarted } from './auth.events.js';
import { deviceFamily, isFamiliar } from './devices.rules.js';

const REMEMBERED_DAYS = 90;
const MOST_COMPARED = 1_000;

/** Notices log-ins from devices that an account was never logged in from. Its first session, of its registration, is none. */
@Injectable()
export class SessionsListener {
  @Consumes('auth.new-device', sessionStarted)
  async started({ payload: { sessionId, userId } }: Published<PayloadOf<typeof sessionStarted>>, db: Tx): Promise<void> {
    const session = await db.session.findUnique({ where: { id: sessionId } });
    if (session === null) return;
    const before = await rows<{ ip: string; userAgent: string }>(
      db,
      Prisma.sql`SELECT DISTINCT ip, user_agent AS "userAgent" FROM sessions
        WHERE user_id = ${userId}::uuid AND id <> ${sessionId}::uuid AND created_at <= ${session.createdAt}
          AND last_used_at > ${session.createdAt}::timestamptz - make_interval(days => ${REMEMBERED_DAYS}) LIMIT ${MOST_COMPARED}`,
    );
    if (before.length === 0 || isFamiliar(session, before)) return;
    const about = { actor: SYSTEM, resource: { type: 'session', id: sessionId }, subject: userId } as const;
    await publish(db, sessionFromNewDevice, { sessionId, userId, device: deviceFamily(session.userAgent) }, about);
  }
}
