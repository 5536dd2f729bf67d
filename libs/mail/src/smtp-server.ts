import type { OnApplicationShutdown } from '@nestjs/common';
import type { Env } from '#config';
import type { Logger } from '#telemetry';
import nodemailer, { type NodemailerError, type SMTPPoolOptions, type SMTPPoolSentMessageInfo, type Transporter } from 'nodemailer';
import { MailServer, MailUndelivered, type Outcome, sendingAtOnce } from './mail-server.js';
import type { Message } from './message.js';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const LONGEST_REASON = 300;

/**
 * Hands mails to the server of `SMTP_URL` (RFC 5321), over connections that are kept. A mail takes `SMTP_TIMEOUT_MS` at most from its
 * connection to its last reply, however slowly the server talks.
 */
export class SmtpServer extends MailServer implements OnApplicationShutdown {
  readonly available = true;
  private readonly transporter: Transporter<SMTPPoolSentMessageInfo, SMTPPoolOptions>;

  constructor(
    private readonly env: Env,
    private readonly logger: Logger,
  ) {
    super();
    const limit = env.SMTP_TIMEOUT_MS;
    const options: SMTPPoolOptions & { pool: true } = {
      pool: true,
      ...optionsOf(env.SMTP_URL!),
      maxConnections: sendingAtOnce(env),
      maxRequeues: 1, // only what no byte of was sent goes out on another connection; the rest is our job's to repeat
      connectionTimeout: limit,
      greetingTimeout: limit,
      dnsTimeout: limit,
      socketTimeout: limit,
      disableFileAccess: true,
      disableUrlAccess: true,
      maxRecipients: 1,
    };
    this.transporter = nodemailer.createTransport(options);
  }

  async deliver(message: Message, signal: AbortSignal): Promise<Outcome> {
    const { from, to, subject, html, text, headers, messageId } = message;
    const tooLong = AbortSignal.timeout(this.env.SMTP_TIMEOUT_MS);
    try {
      await this.transporter.sendMail({
        from,
        to: { name: '', address: to },
        subject,
        html,
        text,
        headers,
        messageId,
        xMailer: false,
        signal: AbortSignal.any([signal, tooLong]),
      });
      return { taken: true };
    } catch (error) {
      if (tooLong.aborted) throw new MailUndelivered(`the mail server took longer than ${this.env.SMTP_TIMEOUT_MS} ms`);
      if (signal.aborted) throw signal.reason;
      const failure = error as NodemailerError;
      const reason = reasonOf(failure);
      if (!isFinal(failure)) throw new MailUndelivered(reason);
      this.logger.warn({ mailId: message.mailId, reason }, 'The mail server refused a mail for good');
      return { taken: false, reason };
    }
  }

  onApplicationShutdown(): void {
    this.transporter.close({ force: true });
  }
}

/**
 * What `SMTP_URL` says. With a password, the connection must be encrypted before it is told, unless the server is this very machine or the
 * URL says `ignoreTLS=true`: a server that offers no TLS may be one in the middle that took the offer away.
 */
export function optionsOf(smtpUrl: string) {
  const url = new URL(smtpUrl);
  const flag = (name: string) => url.searchParams.get(name) === 'true';
  const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(url.port !== '' && { port: Number(url.port) }),
    secure: url.protocol === 'smtps:',
    ...(user !== '' && { auth: { user, pass } }),
    ignoreTLS: flag('ignoreTLS'),
    requireTLS: flag('requireTLS') || (user !== '' && !flag('ignoreTLS') && !LOOPBACK.test(url.hostname)),
  };
}

/**
 * Whether another attempt would fare the same: the server refused this recipient or this message for good (5yz, RFC 5321, 4.2.1). A refused
 * log-in or sender is the configuration's fault and not the mail's: it waits for whoever mends that.
 */
function isFinal({ code, command, permanent }: NodemailerError): boolean {
  return permanent === true && ((code === 'EENVELOPE' && command === 'RCPT TO') || (code === 'EMESSAGE' && command === 'DATA'));
}

/**
 * What is known of a failure, in one line that may be logged. Servers like to repeat whom they refuse, and some what they were told: of a
 * refused recipient or log-in only the codes remain, of everything else what does not look like an address.
 */
function reasonOf({ code, response, command, message }: NodemailerError): string {
  const [codes = 'no reply'] = /^\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?/.exec(response ?? '') ?? [];
  if (code === 'EAUTH') return `the mail server refused the log-in (${codes})`;
  if (command === 'RCPT TO') return `the mail server refused the recipient (${codes})`;
  const said = response ? `${command ?? 'CONN'}: ${response}` : `${code ?? 'error'}: ${message}`;
  return said
    .replace(/\S*@\S*/g, '[address]')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .slice(0, LONGEST_REASON)
    .toWellFormed();
}
