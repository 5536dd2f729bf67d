import { domainToASCII } from 'node:url';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { execute, Prisma, PrismaService, rows, transaction } from '#database';
import { Handles, type JobRun, Schedule } from '#jobs';
import { AddressBook } from './address-book.js';
import { isSendable, senderOf } from './address.js';
import { Gate } from './gate.js';
import { render } from './layout.js';
import { MailServer, MailUndelivered, sendingAtOnce } from './mail-server.js';
import type { Message } from './message.js';
import { enqueueSending, sendMail, SendMailPayload } from './send.js';
import { sealOf } from './seal.js';
import { type MailData, templateNamed } from './template.js';

/** A mail that is due. */
interface DueMail {
  id: string;
  userId: string | null;
  recipient: string | null;
  template: string;
  /** Sealed. */
  data: unknown;
  unsubscribeUrl: string | null;
  messageId: string;
}

const DEFERRED_MS = 5_000;
const BATCH = 1_000;

/** Brings mails to the mail server: each at least once, every time with the same Message-ID, and what it says is forgotten afterwards. */
@Injectable()
export class Deliveries {
  private readonly gate: Gate;

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly server: MailServer,
    private readonly addresses: AddressBook,
  ) {
    this.gate = new Gate(sendingAtOnce(env));
  }

  /** @throws MailUndelivered when another attempt may succeed */
  @Handles(sendMail)
  async deliver({ mailId }: SendMailPayload, run: JobRun): Promise<void> {
    if (!this.server.available) return this.hold(mailId);
    const passed = await this.gate.pass(() => this.attempt(mailId, run));
    // No attempt of this job: the queue in front of a slow server must not make mails into dead letters.
    if (passed === null) await transaction(this.prisma, (db) => enqueueSending(db, mailId, soon()));
  }

  /** What was held while there was no mail server goes its way as soon as there is one. */
  @Schedule('mail.resume', '* * * * *')
  async resume({ signal }: JobRun): Promise<void> {
    if (!this.server.available) return;
    for (let resumed = BATCH; resumed === BATCH && !signal.aborted;)
      resumed = await transaction(this.prisma, async (db) => {
        const held = await rows<{ id: string }>(
          db,
          Prisma.sql`UPDATE mails SET status = 'queued' WHERE id IN (SELECT id FROM mails WHERE status = 'held' ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
            RETURNING id`,
        );
        for (const { id } of held) await enqueueSending(db, id);
        return held.length;
      });
  }

  @Schedule('mail.purge', '17 3 * * *')
  async purge({ signal }: JobRun): Promise<void> {
    for (let purged = BATCH; purged === BATCH && !signal.aborted;)
      purged = await execute(
        this.prisma,
        Prisma.sql`DELETE FROM mails WHERE id IN (
          SELECT id FROM mails WHERE created_at < now() - make_interval(days => ${this.env.MAIL_TTL_DAYS}) ORDER BY created_at, id LIMIT ${BATCH})`,
      );
  }

  private async attempt(mailId: string, { attempt, maxAttempts, signal }: JobRun): Promise<true> {
    const mail = await this.take(mailId);
    if (mail === null) return true;
    const to = mail.recipient ?? (await this.addresses.addressOf(mail.userId!));
    if (to === null) return this.giveUp(mail.id, 'the user has no address any more');
    if (!isSendable(to)) return this.giveUp(mail.id, 'the address is none that mail can be sent to');
    const data = sealOf(this.prisma).open(mail.id, mail.data);
    if (data === null) return this.giveUp(mail.id, 'the key it was encrypted with is gone');
    try {
      const outcome = await this.server.deliver(this.compose(mail, data, to), signal);
      return outcome.taken ? this.done(mail.id) : this.giveUp(mail.id, outcome.reason);
    } catch (error) {
      if (signal.aborted) throw error; // no fault of the mail's
      const reason = error instanceof MailUndelivered ? error.message : 'it could not be written; see the log of the job';
      const status = attempt >= maxAttempts ? 'failed' : 'queued';
      await execute(
        this.prisma,
        Prisma.sql`UPDATE mails SET status = ${status}::mail_status, last_error = ${reason} WHERE id = ${mail.id}::uuid AND status <> 'sent'`,
      );
      throw error;
    }
  }

  /** Counts the attempt. Null when there is nothing left to send: it is sent, refused for good, or gone. */
  private async take(mailId: string): Promise<DueMail | null> {
    const [mail] = await rows<DueMail>(
      this.prisma,
      Prisma.sql`UPDATE mails SET attempts = attempts + 1, message_id = coalesce(message_id, ${this.messageIdOf(mailId)})
        WHERE id = ${mailId}::uuid AND status <> 'sent' AND data IS NOT NULL
        RETURNING id, user_id AS "userId", recipient, template, data, unsubscribe_url AS "unsubscribeUrl", message_id AS "messageId"`,
    );
    return mail ?? null;
  }

  private compose({ id, template: name, unsubscribeUrl, messageId }: DueMail, data: MailData, to: string): Message {
    const template = templateNamed(name);
    if (template === undefined) throw new Error(`No mail template is called ${name} here: a newer release wrote this mail.`);
    const from = senderOf(this.env.MAIL_FROM!);
    const rendered = render(template.write(data), {
      product: from.name,
      publicUrl: this.env.PUBLIC_URL!,
      linksUrl: linksUrlOf(this.env),
      unsubscribeUrl,
    });
    return { ...rendered, mailId: id, messageId, from, to, headers: headersOf(unsubscribeUrl) };
  }

  private messageIdOf(mailId: string): string {
    return `<${mailId}@${domainToASCII(senderOf(this.env.MAIL_FROM!).address.replace(/^.*@/, ''))}>`;
  }

  private async done(mailId: string): Promise<true> {
    await execute(
      this.prisma,
      Prisma.sql`UPDATE mails SET status = 'sent', sent_at = now(), last_error = NULL, data = NULL, unsubscribe_url = NULL WHERE id = ${mailId}::uuid`,
    );
    return true;
  }

  private async giveUp(mailId: string, reason: string): Promise<true> {
    await execute(
      this.prisma,
      Prisma.sql`UPDATE mails SET status = 'failed', last_error = ${reason}, data = NULL, unsubscribe_url = NULL WHERE id = ${mailId}::uuid`,
    );
    return true;
  }

  private async hold(mailId: string): Promise<void> {
    await execute(this.prisma, Prisma.sql`UPDATE mails SET status = 'held' WHERE id = ${mailId}::uuid AND status = 'queued'`);
  }
}

/** RFC 8058 (one-click unsubscribe) and RFC 3834 (nobody's holiday notice should answer). */
function headersOf(unsubscribeUrl: string | null): Record<string, string> {
  const machine = { 'Auto-Submitted': 'auto-generated' };
  if (unsubscribeUrl === null) return machine;
  return { ...machine, 'List-Unsubscribe': `<${unsubscribeUrl}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
}

/** Where the pages are that links with tokens lead to. */
function linksUrlOf({ AUTH_LINKS_URL, PUBLIC_URL }: Env): string {
  return AUTH_LINKS_URL ?? `${PUBLIC_URL!}/auth`;
}

function soon(): Date {
  return new Date(Date.now() + DEFERRED_MS * (1 + Math.random()));
}
