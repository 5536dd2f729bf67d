import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { Env } from '#config';
import { isUnavailable } from '#database';
import { AppError, type ErrorKind, type FieldProblem, problemCatalogue } from '#errors';
import { Logger, Seldom } from '#telemetry';
import { apiUrl } from './api.js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as errors from './http.errors.js';

/** The status of each kind of failure. */
export const STATUS: Record<ErrorKind, number> = {
  moved: 308,
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'not-acceptable': 406,
  timeout: 408,
  conflict: 409,
  stale: 412,
  'too-large': 413,
  'unsupported-media': 415,
  'out-of-range': 416,
  unprocessable: 422,
  'too-many': 429,
  internal: 500,
  unavailable: 503,
  full: 503,
};

/** A problem document (RFC 9457), with our extensions `code`, `requestId` and `errors`. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: string;
  requestId: string;
  errors?: FieldProblem[];
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** The one way out for failures: whatever is thrown becomes a problem document, and what is our fault a log line. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly seldom = new Seldom();

  constructor(
    private readonly env: Env,
    private readonly logger: Logger,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** For failures outside Nest's routes, such as a path that cannot be decoded. */
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = toAppError(thrown);
    const status = STATUS[error.kind];
    const hungUp = request.raw.destroyed && !request.raw.complete; // no failure of ours, and nobody to answer
    if (error.kind === 'full') this.warnSeldom(error);
    else if (status >= 500 && !hungUp) this.logger.error({ err: thrown, requestId: request.id, code: error.code }, 'Request failed');
    request.problemCode = error.code;
    request.concealed = error.concealed;
    if (reply.sent) return;
    if (error.kind === 'unauthenticated')
      reply.header('WWW-Authenticate', error.code === 'auth/invalid-token' ? 'Bearer error="invalid_token"' : 'Bearer');
    const retryAfter = error.retryAfterSeconds ?? (error.kind === 'unavailable' ? 1 : undefined);
    if (retryAfter !== undefined) reply.header('Retry-After', String(retryAfter));
    reply.removeHeader('ETag').removeHeader('Location');
    if (error.location !== undefined) reply.header('Location', apiUrl(this.env) + error.location);
    void reply
      .code(status)
      .header('Content-Type', PROBLEM_MEDIA_TYPE)
      .send(
        Buffer.from(JSON.stringify(problemDocument(error, { publicUrl: this.env.PUBLIC_URL!, path: request.url, requestId: request.id }))),
      ); // bytes: to a text Fastify would add a charset that JSON has not
  }

  /** For whoever decides how many processes there are; each such request has its access line. */
  private warnSeldom({ code, message }: AppError): void {
    const since = this.seldom.due(code);
    if (since !== undefined) this.logger.warn({ code, reason: message, since }, 'Requests are refused, because this process is full');
  }
}

/** The document of a failure that happened at `path` (its query is left out: it may hold secrets). */
export function problemDocument(error: AppError, at: { publicUrl: string; path: string; requestId: string }): ProblemDocument {
  return {
    type: `${at.publicUrl}/problems/${error.code}`,
    title: problemCatalogue().get(error.code)?.title ?? error.code,
    status: STATUS[error.kind],
    detail: error.message,
    instance: at.path.split('?', 1)[0]!,
    code: error.code,
    requestId: at.requestId,
    ...(error.fields && { errors: error.fields }),
  };
}

function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (isUnavailable(thrown))
    return errors.unavailable('The database cannot be reached just now; try again in a moment.', { cause: thrown });
  const { code, status } = statusOf(thrown);
  switch (status) {
    case 400:
      return /JSON|BODY|CONTENT_LENGTH/.test(code) || thrown instanceof SyntaxError
        ? errors.malformedBody('The body is not valid JSON.')
        : errors.badRequest('The request is malformed.');
    case 404:
      return errors.notFound('No operation has this method and path; see /docs.');
    case 408:
      return errors.requestTimeout('The request did not arrive in time; send it again.');
    case 413:
      return errors.bodyTooLarge('The body is larger than this installation takes.');
    case 414:
      return errors.notFound('No operation has a path this long; see /docs.');
    case 415:
      return errors.unsupportedMediaType('Send the body as application/json.');
    case 503:
      return errors.unavailable('The request could not be finished in time; try again in a moment.', { cause: thrown });
    default:
      return errors.internal('Something broke on our side; it has been logged under this request id.', { cause: thrown });
  }
}

/** Fastify's errors carry `code` and `statusCode`; Nest wraps some of them in an HttpException. */
function statusOf(thrown: unknown): { code: string; status: number } {
  if (thrown instanceof HttpException)
    return { code: String((thrown.cause as { code?: string } | undefined)?.code ?? thrown.message), status: thrown.getStatus() };
  const { code, statusCode } = (thrown ?? {}) as { code?: unknown; statusCode?: unknown };
  const ofFastify = typeof code === 'string' && code.startsWith('FST_') && typeof statusCode === 'number';
  return ofFastify ? { code, status: statusCode } : { code: '', status: 500 };
}
