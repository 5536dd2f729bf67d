import { EmailAddress, IfPresent } from '#http';
import { linksOf, type MailboxEntry } from '#mail';

export class MailboxQuery {
  @IfPresent()
  @EmailAddress()
  to?: string;
}

/** A mail as programs read it: tests of a front end follow its links. */
export class MailboxEntryResponse {
  id: string;
  messageId: string;
  template: string;
  from: { name: string; address: string };
  to: string;
  subject: string;
  headers: Record<string, string>;
  text: string;
  html: string;
  links: string[];
  sentAt: Date;

  static from(this: void, entry: MailboxEntry): MailboxEntryResponse {
    const { mailId, messageId, template, from, to, subject, headers, text, html, sentAt } = entry;
    return { id: mailId, messageId, template, from, to, subject, headers, text, html, links: linksOf(entry), sentAt };
  }
}

export class MailboxList {
  items: MailboxEntryResponse[];
  /** Always null: the list ends with the newest hundred. */
  nextCursor: string | null;

  static from(this: void, entries: MailboxEntry[]): MailboxList {
    return { items: entries.map(MailboxEntryResponse.from), nextCursor: null };
  }
}
