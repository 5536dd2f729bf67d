import { type ServerOptions, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Env } from '#config';
import { requestIdFrom, traceIdFrom, withOrigin } from '#telemetry';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions, LogController } from 'fastify';
import type { Logger as Pino } from 'pino';
import type { EndlessConfig } from './event-stream.js';
import { registerForms } from './forms.js';
import { badRequest, methodNotAllowed, requestTimeout } from './http.errors.js';
import { PROBLEM_MEDIA_TYPE, problemDocument, ProblemFilter } from './problem.filter.js';
import { registerRepresentation } from './representation.js';
import { limitArrival, registerStreams } from './streams.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** No path takes these, but people try them. */
const FOREIGN_METHODS = ['TRACE', 'QUERY'] as const;
const SECURITY_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
};

/** Fastify with everything that concerns every request: ids, the access log, limits, security headers, representations, failures. */
export function createEdge(env: Env, logger: Pino): FastifyAdapter {
  const problems = new ProblemFilter(env, logger);
  // The access line holds nothing that would have to be censored, and looking for it costs more than writing the line.
  const access = logger.child({}, { redact: [] });
  const options: FastifyServerOptions & { skipMiddie: boolean; http: ServerOptions } = {
    loggerInstance: logger,
    childLoggerFactory: (parent) => parent, // nobody logs by request.log, so none is made for each request
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: env.HTTP_BODY_LIMIT_BYTES,
    requestTimeout: Math.max(env.HTTP_REQUEST_TIMEOUT_MS, env.FILES_UPLOAD_TIMEOUT_SECONDS * 1_000), // see limitArrival
    connectionTimeout: env.HTTP_REQUEST_TIMEOUT_MS * 2,
    keepAliveTimeout: 65_000, // longer than the usual 60 s of balancers, so that they close first
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    trustProxy: env.TRUSTED_PROXIES.length > 0 ? env.TRUSTED_PROXIES : false,
    genReqId: (request) => requestIdFrom(request.headers['x-request-id']),
    routerOptions: { maxParamLength: 500 },
    // Node's own refusal of a missing Host has no body; ours follows below.
    http: { requireHostHeader: false, headersTimeout: env.HTTP_REQUEST_TIMEOUT_MS },
    frameworkErrors: (error, request, reply) => {
      openRequest(request, reply, access, env);
      problems.answer(error, request, reply);
    },
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket, env),
    skipMiddie: true,
  };
  const adapter = new FastifyAdapter(options as object);
  const fastify = adapter.getInstance<FastifyInstance>();

  fastify.decorateRequest('traceId', '');
  fastify.decorateRequest('problemCode', undefined);
  fastify.decorateRequest('concealed', false);
  fastify.addHook('onRequest', async (request, reply) => {
    openRequest(request, reply, access, env);
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') throw badRequest('The request has no Host header.');
  });
  // After the body has been read: its stream's events belong to the connection, not to the request.
  fastify.addHook('preValidation', (request, _reply, done) =>
    withOrigin({ requestId: request.id, traceId: request.traceId, ip: request.ip, userAgent: request.headers['user-agent'] ?? null }, done),
  );
  // RFC 9110, 10.1.1 lets us overlook an expectation that we do not know.
  fastify.server.on('checkExpectation', (request, response) => fastify.server.emit('request', request, response));
  limitArrival(fastify, env);
  registerRepresentation(fastify, env);

  // JSON is the only body there is, and an empty one is an empty object; a form is one where a route says so.
  const json = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, {}) : json(request, body as string, done),
  );
  registerForms(fastify);
  registerStreams(fastify);
  return adapter;
}

/** Gives a request its ids and headers, and sees to its one access line, however it ends: answered, refused or broken off. */
function openRequest(request: FastifyRequest, reply: FastifyReply, logger: Pino, env: Env): void {
  const started = process.hrtime.bigint();
  request.traceId = traceIdFrom(request.headers.traceparent);
  reply.headers(SECURITY_HEADERS).header('X-Request-Id', request.id);
  if (env.isProduction) reply.header('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
  reply.raw.once('close', () => {
    // Whoever reads what has no end is the one to hang up.
    const { endless = false } = request.routeOptions.config as EndlessConfig;
    const finished = reply.raw.writableFinished || (endless && reply.raw.headersSent);
    logger.info(
      {
        requestId: request.id,
        traceId: request.traceId,
        userId: request.actor?.id,
        method: request.method,
        route: request.routeOptions.url,
        path: request.url.split('?', 1)[0],
        status: finished ? reply.raw.statusCode : 499,
        code: request.problemCode,
        durationMs: Number(process.hrtime.bigint() - started) / 1e6,
        ip: request.ip,
      },
      finished ? 'request' : 'request broken off',
    );
  });
}

/** Bytes that never became a request (bad syntax, too slow, headers too large): Node has no reply object for them. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket, env: Env): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = requestIdFrom(undefined);
  const failure =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? requestTimeout('The request did not arrive in time.')
      : badRequest('The request is not valid HTTP, or its headers are too large.');
  const problem = problemDocument(failure, { publicUrl: env.PUBLIC_URL!, path: '/', requestId });
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nX-Request-Id: ${requestId}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Collects the routes as they are made; call it before they are. The function it returns answers 405 and OPTIONS for the rest of each. */
export function completeMethods(fastify: FastifyInstance): () => void {
  const routes = new Map<string, { url: string; known: Set<string> }>(); // by shape: `/posts/:id` and `/posts/:idOrSlug` are one path
  fastify.addHook('onRoute', ({ url, method }) => {
    const shape = url.replace(/:\w+/g, ':');
    const route = routes.get(shape) ?? { url, known: new Set() };
    for (const one of [method].flat()) route.known.add(one);
    routes.set(shape, route);
  });
  return () => {
    for (const { url, known } of [...routes.values()].filter(({ url }) => !url.includes('*'))) {
      const allow = [...METHODS.filter((method) => known.has(method)), 'OPTIONS'].join(', ');
      fastify.route({
        method: [...METHODS.filter((method) => !known.has(method) && !(method === 'HEAD' && known.has('GET'))), ...FOREIGN_METHODS],
        url,
        handler: async (request, reply) => {
          reply.header('Allow', allow);
          throw methodNotAllowed(`${request.method} is not possible here; ${allow} are.`);
        },
      });
      if (!known.has('OPTIONS')) fastify.options(url, async (_request, reply) => reply.header('Allow', allow).code(204).send());
    }
  };
}
