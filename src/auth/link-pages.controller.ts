import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '#security';
import { LINK_PAGE_CSP, LINK_PAGES, linkPage } from './link-pages.rules.js';

const HTML = 'text/html; charset=utf-8';

/** Where the links of mails lead without a front end (AUTH_LINKS_URL). They hold their token behind the `#`, which no server is told. */
@Controller('auth')
@ApiExcludeController()
@Public({ credentials: 'ignored' })
export class LinkPagesController {
  @Get('verify-email')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', LINK_PAGE_CSP)
  @Header('Referrer-Policy', 'no-referrer')
  verifyEmail(): string {
    return linkPage(LINK_PAGES['verify-email']);
  }

  @Get('undo-email-change')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', LINK_PAGE_CSP)
  @Header('Referrer-Policy', 'no-referrer')
  undoEmailChange(): string {
    return linkPage(LINK_PAGES['undo-email-change']);
  }

  @Get('reset-password')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', LINK_PAGE_CSP)
  @Header('Referrer-Policy', 'no-referrer')
  resetPassword(): string {
    return linkPage(LINK_PAGES['reset-password']);
  }
}
