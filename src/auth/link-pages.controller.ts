import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { pageOf } from '#http';
import { Public } from '#security';
import { linkPage } from './link-pages.rules.js';

const HTML = 'text/html; charset=utf-8';
const [VERIFY, UNDO, RESET] = [pageOf(linkPage('verify-email')), pageOf(linkPage('undo-email-change')), pageOf(linkPage('reset-password'))];

/** Where the links of mails lead without a front end (AUTH_LINKS_URL). They hold their token behind the `#`, which no server is told. */
@Controller('auth')
@ApiExcludeController()
@Public({ credentials: 'ignored' })
export class LinkPagesController {
  @Get('verify-email')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', VERIFY.policy)
  @Header('Referrer-Policy', 'no-referrer')
  verifyEmail(): string {
    return VERIFY.html;
  }

  @Get('undo-email-change')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', UNDO.policy)
  @Header('Referrer-Policy', 'no-referrer')
  undoEmailChange(): string {
    return UNDO.html;
  }

  @Get('reset-password')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', RESET.policy)
  @Header('Referrer-Policy', 'no-referrer')
  resetPassword(): string {
    return RESET.html;
  }
}
