import { Controller, Get, Header, HttpCode, Post, Query } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { Problems, TakesForms } from '#http';
import { Public } from '#security';
import { unsubscribeLinkInvalid } from './notifications.errors.js';
import { UnsubscribeQuery } from './unsubscriptions.dto.js';
import { donePage, questionPage } from './unsubscriptions.rules.js';
import { UnsubscriptionsService } from './unsubscriptions.service.js';

const HTML = 'text/html; charset=utf-8';
const CSP = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

@Controller('unsubscribe')
@Public({ credentials: 'ignored' })
export class UnsubscriptionsController {
  constructor(private readonly unsubscriptions: UnsubscriptionsService) {}

  /** The page a mail's unsubscribe link opens; it changes nothing before its button is pressed */
  @Get()
  @ApiProduces('text/html')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', CSP)
  @Problems(unsubscribeLinkInvalid)
  async ask(@Query() { token }: UnsubscribeQuery): Promise<string> {
    return questionPage((await this.unsubscriptions.about(token)).kind);
  }

  /** End mails of one kind, by the link alone (RFC 8058) */
  @Post()
  @HttpCode(200)
  @TakesForms()
  @ApiProduces('text/html')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', CSP)
  @Problems(unsubscribeLinkInvalid)
  async unsubscribe(@Query() { token }: UnsubscribeQuery): Promise<string> {
    return donePage(await this.unsubscriptions.unsubscribe(token));
  }
}
