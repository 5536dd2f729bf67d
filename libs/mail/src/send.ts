import { randomUUIDv7 } from 'node:crypto';
import { type Db, execute, Prisma, transaction, type Tx } from '#database';
import { enqueue, job } from '#jobs';
import { IsUUID } from 'class-validator';
import { sealOf } from './seal.js';
import type { MailData, Template } from './template.js';

export class SendMailPayload {
  @IsUUID()
  mailId: string;
}

/** By the default delays a mail is tried for about a day before it becomes a dead letter. */
export const sendMail = job('mail.send', SendMailPayload, { timeoutSeconds: 120 }); // beyond the longest SMTP_TIMEOUT_MS

/**
 * To a user, whose address is looked up when the mail is sent, or to an address, as accounts keep theirs (in small letters): nobody's yet,
 * or one that `userId` had or is to have.
 */
type Recipient = { userId: string; to?: string } | { to: string; userId?: undefined };

export type NewMail<Data extends MailData> = Recipient & {
  data: Data;
  /** Ends mails of this kind (RFC 8058): a URL that takes a POST without a login. Absent for mails that nobody can do without. */
  unsubscribeUrl?: string;
};

/**
 * Has a mail sent, if what `db` writes is committed, and not otherwise. It is sent at least once: a process that dies between the server's
 * "taken" and the commit of that news sends it again, with the same Message-ID.
 */
export async function send<Data extends MailData>(
  db: Db,
  { name }: Template<Data>,
  { userId, to, data, unsubscribeUrl }: NewMail<Data>,
): Promise<void> {
  const mailId = randomUUIDv7();
  await transaction(db, async (tx) => {
    await execute(
      tx,
      Prisma.sql`INSERT INTO mails (id, user_id, recipient, template, data, unsubscribe_url)
        VALUES (${mailId}::uuid, ${userId ?? null}::uuid, ${to ?? null}, ${name}, ${JSON.stringify(sealOf(tx).close(mailId, data))}::jsonb, ${unsubscribeUrl ?? null})`,
    );
    await enqueueSending(tx, mailId);
  });
}

/** At most one job waits for each mail. */
export async function enqueueSending(db: Tx, mailId: string, runAt?: Date): Promise<void> {
  await enqueue(db, sendMail, { mailId }, { key: mailId, ...(runAt && { runAt }) });
}
