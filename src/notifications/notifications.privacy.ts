import { Injectable } from '@nestjs/common';
import { type Db, execute, Prisma, type Tx } from '#database';
import { type ExportedFile, few, paged, type Person, PersonalData } from '#privacy';

/** What a person was told, by mail and in their inbox, and what they want to be told of. */
@Injectable()
export class NotificationsPrivacy extends PersonalData {
  readonly name = 'notifications';
  readonly tables = ['notifications', 'notification_preferences', 'mails'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const notifications = (last?: { id: string }) =>
      db.notification.findMany({ where: { userId, ...(last && { id: { gt: last.id } }) }, orderBy: { id: 'asc' }, take: 200 });
    yield { name: 'notifications.json', about: 'What you were told.', rows: paged(notifications) };
    yield {
      name: 'notification-preferences.json',
      about: 'What you want to be told of, where that differs from what everybody begins with.',
      rows: few(db.notificationPreference.findMany({ where: { userId } })),
    };
    const { email } = await db.user.findUniqueOrThrow({ where: { id: userId }, select: { email: true } });
    const mails = (last?: { id: string }) =>
      db.mail.findMany({
        where: { OR: [{ userId }, { recipient: email }], ...(last && { id: { gt: last.id } }) },
        omit: { data: true, unsubscribeUrl: true, lastError: true }, // links of one use are credentials
        orderBy: { id: 'asc' },
        take: 200,
      });
    yield { name: 'mails.json', about: 'Mails that were sent to you.', rows: paged(mails) };
  }

  /** Mails to an address that was nobody's yet are found by it, and it is known for the last time. */
  override async close({ email }: Person, db: Tx): Promise<void> {
    await execute(db, Prisma.sql`DELETE FROM mails WHERE recipient = ${email}`);
  }

  async erase(userId: string, db: Tx): Promise<void> {
    await execute(db, Prisma.sql`DELETE FROM mails WHERE user_id = ${userId}::uuid`);
    await execute(db, Prisma.sql`DELETE FROM notification_preferences WHERE user_id = ${userId}::uuid`);
    await execute(db, Prisma.sql`DELETE FROM notifications WHERE user_id = ${userId}::uuid`);
  }
}
