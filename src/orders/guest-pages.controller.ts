import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { pageOf } from '#http';
import { Public } from '#security';
import { ORDER_PAGE } from './guest-pages.rules.js';

const ORDER = pageOf(ORDER_PAGE);

/** Where the links of guests' mails lead without a front end (AUTH_LINKS_URL), beside those of accounts. */
@Controller('auth')
@ApiExcludeController()
@Public({ credentials: 'ignored' })
export class GuestPagesController {
  @Get('order')
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', ORDER.policy)
  @Header('Referrer-Policy', 'no-referrer')
  order(): string {
    return ORDER.html;
  }
}
