import type { LoggerService } from '@nestjs/common';
import type { Env } from '#config';
import { type Logger as Pino, pino } from 'pino';
import { currentOrigin } from './origin.js';

/** Members whose values never reach a log line, however deep they stand. */
const SECRET_MEMBERS = [
  'password',
  'currentPassword',
  'newPassword',
  'token',
  'accessToken',
  'refreshToken',
  'mfaToken',
  'secret',
  'clientSecret',
  'authorization',
  'cookie',
  'key',
  'x-cart-token',
  'x-order-token',
];

/** Structured logs of this process: JSON, one object a line; readable in a terminal. `logger.info({ orderId }, 'Order placed')`. */
export abstract class Logger {
  abstract fatal(context: object, message: string): void;
  abstract error(context: object, message: string): void;
  abstract warn(context: object, message: string): void;
  abstract info(context: object, message: string): void;
  abstract debug(context: object, message: string): void;
}

/** Pino as configured for this process. Secrets are censored by member name. */
export function createLogger(env: Env): Pino {
  const pretty = !env.isProduction && process.stdout.isTTY;
  return pino({
    level: env.LOG_LEVEL,
    base: { pid: process.pid },
    mixin: () => {
      const origin = currentOrigin();
      return origin ? { requestId: origin.requestId, traceId: origin.traceId } : {};
    },
    redact: { paths: SECRET_MEMBERS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]), censor: '[redacted]' },
    ...(pretty
      ? { transport: { target: 'pino-pretty', options: { ignore: 'pid', singleLine: true, translateTime: 'HH:MM:ss.l' } } }
      : { timestamp: pino.stdTimeFunctions.isoTime }),
  });
}

/** What Nest says about itself, in the same log. Its start-up chatter is `debug`. */
export class NestLogger implements LoggerService {
  constructor(private readonly pino: Pino) {}

  log(message: unknown, context?: string): void {
    this.pino.debug({ context }, String(message));
  }
  error(message: unknown, stack?: string, context?: string): void {
    this.pino.error({ context, ...(message instanceof Error ? { err: message } : { stack }) }, String(message));
  }
  warn(message: unknown, context?: string): void {
    this.pino.warn({ context }, String(message));
  }
  debug(message: unknown, context?: string): void {
    this.pino.debug({ context }, String(message));
  }
  verbose(message: unknown, context?: string): void {
    this.pino.trace({ context }, String(message));
  }
}
