import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { execute, Prisma, PrismaService, rows, type Tx } from '#database';
import { keyset, type Page, parseSort, readCursor, toPage } from '#http';
import { type MailData, send, template } from '#mail';
import type { Actor } from '#security';
import type { ListNotificationsQuery, ReadAllDto } from './notifications.dto.js';
import { notificationNotFound } from './notifications.errors.js';
import type { Facts, Kind } from './letters.rules.js';
import { guestLetterOf, letterOf } from './notifications.rules.js';
import { PreferencesService } from './preferences.service.js';
import { UnsubscriptionsService } from './unsubscriptions.service.js';

export type Notification = Prisma.NotificationGetPayload<object>;

/** Something somebody is to be told. */
export interface Notice<Of extends Kind = Kind> {
  kind: Of;
  userId: string;
  /** The event that made it: it is told once, however often it is heard. */
  eventId: string;
  resource: { type: string; id: string };
  facts: Facts[Of];
}

const MOST_COUNTED = 1_000;
const BATCH = 1_000;

const notice = template<MailData & { kind: Kind; facts: Facts[Kind]; resourceId: string }>(
  'notifications.notice',
  ({ kind, facts, resourceId }) => letterOf(kind, facts as never, resourceId),
);

/** To a guest, whose order opens by the token. */
const letterToGuest = template<MailData & { kind: Kind; facts: Facts[Kind]; resourceId: string; token: string }>(
  'notifications.guest',
  ({ kind, facts, resourceId, token }) => guestLetterOf(kind, facts as never, { orderId: resourceId, token }),
);

/** Telling people what happened to them: each event once, where they want to hear of it. */
@Injectable()
export class NotificationsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly preferences: PreferencesService,
    private readonly unsubscriptions: UnsubscriptionsService,
    private readonly env: Env,
  ) {}

  async list(actor: Actor, query: ListNotificationsQuery): Promise<Page<Notification>> {
    const { where, orderBy } = keyset(parseSort(query.sort), readCursor(query.cursor, query.sort, 'time'));
    const filters: Prisma.NotificationWhereInput[] = [{ userId: actor.id, inApp: true }];
    if (query.unread !== undefined) filters.push({ readAt: query.unread === 'true' ? null : { not: null } });
    const found = await this.prisma.notification.findMany({ where: { AND: [where, ...filters] }, orderBy, take: query.limit + 1 });
    return toPage(
      found,
      query,
      (notification) => notification.createdAt,
      (notification) => notification,
    );
  }

  async countUnread(actor: Actor): Promise<number> {
    const unread = await rows(
      this.prisma,
      Prisma.sql`SELECT 1 AS one FROM notifications WHERE user_id = ${actor.id}::uuid AND in_app AND read_at IS NULL LIMIT ${MOST_COUNTED}`,
    );
    return unread.length;
  }

  /** Marks it as read; one that is read already keeps its time. */
  async read(actor: Actor, id: string): Promise<Notification> {
    const [notification] = await rows<Notification>(
      this.prisma,
      Prisma.sql`UPDATE notifications SET read_at = coalesce(read_at, now())
        WHERE id = ${id}::uuid AND user_id = ${actor.id}::uuid AND in_app
        RETURNING id, user_id AS "userId", kind, event_id AS "eventId", resource_type AS "resourceType", resource_id AS "resourceId", facts,
          in_app AS "inApp", created_at AS "createdAt", read_at AS "readAt"`,
    );
    if (notification === undefined) throw notificationNotFound('You have no notification with this id.');
    return notification;
  }

  async readAll(actor: Actor, { until }: ReadAllDto): Promise<void> {
    await this.prisma.notification.updateMany({
      where: { userId: actor.id, inApp: true, readAt: null, ...(until !== undefined && { createdAt: { lte: new Date(until) } }) },
      data: { readAt: new Date() },
    });
  }

  /** Tells somebody, in the transaction that deals with the event. Who is gone by now is told nothing. */
  async tell<Of extends Kind>({ kind, userId, eventId, resource, facts }: Notice<Of>, db: Tx): Promise<void> {
    const { inApp, email } = await this.preferences.of(userId, kind, db);
    if (!inApp && !email) return;
    const told = await execute(
      db,
      Prisma.sql`INSERT INTO notifications (id, user_id, kind, event_id, resource_type, resource_id, facts, in_app)
        SELECT ${randomUUIDv7()}::uuid, id, ${kind}, ${eventId}::uuid, ${resource.type}, ${resource.id}, ${JSON.stringify(facts)}::jsonb, ${inApp}
        FROM users WHERE id = ${userId}::uuid
        ON CONFLICT (event_id, user_id, kind) DO NOTHING`,
    );
    if (told === 0 || !email) return;
    const unsubscribeUrl = await this.unsubscriptions.urlFor(userId, kind);
    await send(db, notice, { userId, data: { kind, facts, resourceId: resource.id }, ...(unsubscribeUrl !== null && { unsubscribeUrl }) });
  }

  /** Writes to a guest, who has no inbox, about their order, in the transaction that deals with the event. */
  async write<Of extends Kind>(
    { email, kind, facts, resourceId, token }: { email: string; kind: Of; facts: Facts[Of]; resourceId: string; token: string },
    db: Tx,
  ): Promise<void> {
    await send(db, letterToGuest, { to: email, data: { kind, facts, resourceId, token } });
  }

  /** Forgets what is older than `NOTIFICATIONS_TTL_DAYS`. */
  async purge(signal: AbortSignal): Promise<void> {
    for (let purged = BATCH; purged === BATCH && !signal.aborted;)
      purged = await execute(
        this.prisma,
        Prisma.sql`DELETE FROM notifications WHERE id IN (
          SELECT id FROM notifications WHERE created_at < now() - make_interval(days => ${this.env.NOTIFICATIONS_TTL_DAYS}) LIMIT ${BATCH})`,
      );
  }
}
