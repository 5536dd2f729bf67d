import { Injectable } from '@nestjs/common';
import { execute, Prisma, PrismaService, rows } from '#database';
import { MailServer, type Outcome } from './mail-server.js';
import type { Message } from './message.js';

const NEWEST = 100;

/** A mail in the development mailbox. */
export interface MailboxEntry extends Message {
  template: string;
  sentAt: Date;
}

/** Where mails land in development without `SMTP_URL`: nothing leaves the machine, and `/dev/mailbox` shows them. */
@Injectable()
export class Mailbox extends MailServer {
  readonly available = true;

  constructor(private readonly prisma: PrismaService) {
    super();
  }

  async deliver(message: Message): Promise<Outcome> {
    await execute(this.prisma, Prisma.sql`UPDATE mails SET message = ${JSON.stringify(message)}::jsonb WHERE id = ${message.mailId}::uuid`);
    return { taken: true };
  }

  /** The newest 100, of everybody or to one address. */
  async list(to?: string): Promise<MailboxEntry[]> {
    const whose = to === undefined ? Prisma.empty : Prisma.sql`AND lower(message->>'to') = lower(${to})`;
    return this.find(Prisma.sql`${whose} ORDER BY sent_at DESC, id DESC LIMIT ${NEWEST}`);
  }

  async get(id: string): Promise<MailboxEntry | null> {
    const [entry] = await this.find(Prisma.sql`AND id = ${id}::uuid`);
    return entry ?? null;
  }

  private async find(which: Prisma.Sql): Promise<MailboxEntry[]> {
    const found = await rows<{ template: string; sentAt: Date; message: Message }>(
      this.prisma,
      Prisma.sql`SELECT template, sent_at AS "sentAt", message FROM mails WHERE status = 'sent' AND message IS NOT NULL ${which}`,
    );
    return found.map(({ message, ...entry }) => ({ ...message, ...entry }));
  }
}

/** Where the links of a mail lead. */
export function linksOf({ html }: Message): string[] {
  const links = [...html.matchAll(/<a href="([^"]*)"/g)].map(([, link]) => link!.replaceAll('&amp;', '&'));
  return [...new Set(links)];
}
