import { Injectable } from '@nestjs/common';
import { audited, record } from '#audit';
import { type Db, execute, Prisma, PrismaService, rows, transaction } from '#database';
import type { Actor } from '#security';
import { mandatoryNotification } from './notifications.errors.js';
import type { Kind } from './letters.rules.js';
import { type Channels, channelsOf, isMandatory, KINDS } from './notifications.rules.js';
import type { PreferencesDto } from './preferences.dto.js';

const auditedPreferences = audited('notification-preferences', { preferences: 'plain', kind: 'plain', email: 'plain' });

export interface Preference extends Channels {
  kind: Kind;
  mandatory: boolean;
}

/** Where people want to be told of what. Only what differs from the beginning is kept. */
@Injectable()
export class PreferencesService {
  constructor(private readonly prisma: PrismaService) {}

  async get(actor: Actor, db: Db = this.prisma): Promise<Preference[]> {
    const chosen = await db.notificationPreference.findMany({ where: { userId: actor.id } });
    return KINDS.map((kind) => ({
      kind,
      ...channelsOf(kind, chosen.find((preference) => preference.kind === kind) ?? null),
      mandatory: isMandatory(kind),
    }));
  }

  async change(actor: Actor, { preferences }: PreferencesDto): Promise<Preference[]> {
    const refused = preferences.findIndex(({ kind, inApp, email }) => isMandatory(kind) && !(inApp && email));
    if (refused !== -1)
      throw mandatoryNotification('What concerns the security of your account cannot be switched off.', {
        fields: [{ pointer: `/preferences/${refused}`, code: 'mandatory', detail: 'must have both channels on' }],
      });
    return transaction(this.prisma, async (db) => {
      await this.keep(actor.id, preferences, db);
      const resource = auditedPreferences(actor.id);
      await record(db, { actor, action: 'notifications.preferences-changed', resource, subject: actor.id, after: { preferences } });
      return this.get(actor, db);
    });
  }

  async of(userId: string, kind: Kind, db: Db): Promise<Channels> {
    const [chosen] = await rows<Channels>(
      db,
      Prisma.sql`SELECT in_app AS "inApp", email FROM notification_preferences WHERE user_id = ${userId}::uuid AND kind = ${kind}`,
    );
    return channelsOf(kind, chosen ?? null);
  }

  /** No more mails of this kind; the inbox stays as it is. Of somebody who is gone there is nothing to keep. */
  async endMails(userId: string, kind: Kind): Promise<void> {
    await transaction(this.prisma, async (db) => {
      await execute(
        db,
        Prisma.sql`INSERT INTO notification_preferences (user_id, kind, in_app, email)
          SELECT id, ${kind}, true, false FROM users WHERE id = ${userId}::uuid
          ON CONFLICT (user_id, kind) DO UPDATE SET email = false, updated_at = now()`,
      );
      const resource = auditedPreferences(userId);
      await record(db, { actor: null, action: 'notifications.unsubscribed', resource, subject: userId, after: { kind, email: false } });
    });
  }

  private async keep(userId: string, preferences: PreferencesDto['preferences'], db: Db): Promise<void> {
    await execute(
      db,
      Prisma.sql`INSERT INTO notification_preferences (user_id, kind, in_app, email)
        SELECT ${userId}::uuid, kind, in_app, email
        FROM unnest(${preferences.map(({ kind }) => kind)}::text[], ${preferences.map(({ inApp }) => inApp)}::bool[], ${preferences.map(({ email }) => email)}::bool[])
          AS chosen (kind, in_app, email)
        ON CONFLICT (user_id, kind) DO UPDATE SET in_app = excluded.in_app, email = excluded.email, updated_at = now()`,
    );
  }
}
