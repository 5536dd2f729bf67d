import { Global, Module } from '@nestjs/common';
import { Env } from '#config';
import { PrismaService } from '#database';
import { Logger } from '#telemetry';
import { Deliveries } from './deliveries.js';
import { MailServer, NoMailServer } from './mail-server.js';
import { Mailbox } from './mailbox.js';
import { MailSeal } from './seal.js';

/** Whether mails land in the development mailbox: never in production, whatever is set there. */
export function hasMailbox(env: Env): boolean {
  return !env.isProduction && env.SMTP_URL === undefined;
}

async function chooseServer(env: Env, prisma: PrismaService, logger: Logger): Promise<MailServer> {
  if (env.SMTP_URL !== undefined) {
    const { SmtpServer } = await import('./smtp-server.js');
    return new SmtpServer(env, logger);
  }
  if (hasMailbox(env)) return new Mailbox(prisma);
  logger.warn({}, 'SMTP_URL is not set: mails are held until it is, for MAIL_TTL_DAYS at most');
  return new NoMailServer();
}

/** Sends mails by jobs. The application provides the `AddressBook`. */
@Global()
@Module({
  providers: [Deliveries, Mailbox, MailSeal, { provide: MailServer, useFactory: chooseServer, inject: [Env, PrismaService, Logger] }],
  exports: [Mailbox],
})
export class MailModule {}
