import { Controller, Get, Header, Headers, Param, Query, StreamableFile } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { IdPipe, notFound } from '#http';
import { linksOf, Mailbox, type MailboxEntry, mailboxPage } from '#mail';
import { Public } from '#security';
import { MailboxEntryResponse, MailboxList, MailboxQuery } from './mailbox.dto.js';

const LIST_CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
// What a mail says is somebody's: no script, no form, nothing from elsewhere, and an origin of its own.
const MAIL_CSP =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const wantsJson = (accept = '') => accept.includes('application/json');
const page = (text: string) => new StreamableFile(Buffer.from(text), { type: 'text/html; charset=utf-8' });

/** The mails of development. Only there is its module part of the application. */
@Controller('dev/mailbox')
@ApiExcludeController()
@Public({ credentials: 'ignored' })
export class MailboxController {
  constructor(private readonly mailbox: Mailbox) {}

  @Get()
  @Header('Content-Security-Policy', LIST_CSP)
  async list(@Query() { to }: MailboxQuery, @Headers('accept') accept?: string): Promise<MailboxList | StreamableFile> {
    const entries = await this.mailbox.list(to);
    return wantsJson(accept) ? MailboxList.from(entries) : page(mailboxPage(entries));
  }

  @Get(':id')
  @Header('Content-Security-Policy', MAIL_CSP)
  async html(@Param('id', IdPipe) id: string, @Headers('accept') accept?: string): Promise<MailboxEntryResponse | StreamableFile> {
    const entry = await this.find(id);
    return wantsJson(accept) ? MailboxEntryResponse.from(entry) : page(entry.html);
  }

  @Get(':id/text')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  async text(@Param('id', IdPipe) id: string): Promise<string> {
    return (await this.find(id)).text;
  }

  @Get(':id/links')
  async links(@Param('id', IdPipe) id: string): Promise<{ items: string[] }> {
    return { items: linksOf(await this.find(id)) };
  }

  private async find(id: string): Promise<MailboxEntry> {
    const entry = await this.mailbox.get(id);
    if (entry === null) throw notFound('The mailbox has no such mail; /dev/mailbox lists them.');
    return entry;
  }
}
