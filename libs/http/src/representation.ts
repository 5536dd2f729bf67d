import { Readable } from 'node:stream';
import { hash } from 'node:crypto';
import { applyDecorators, Body, createParamDecorator, type ExecutionContext, HttpCode, SetMetadata, type Type } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiOkResponse, getSchemaPath } from '@nestjs/swagger';
import type { Env } from '#config';
import type { FieldProblem } from '#errors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiUrl } from './api.js';
import { staleVersion } from './http.errors.js';
import type { Page } from './paging.js';
import { configure } from './route-config.js';
import { OneOfPipe } from './validation.pipe.js';

/** What decorators leave on a Fastify route. */
export interface RepresentationConfig {
  location?: string;
  publicSeconds?: PublicSeconds;
}

/** How long browsers and proxies may keep an answer: so many seconds, or as many as a setting says. */
export type PublicSeconds = number | 'POSTS_MAX_AGE_SECONDS';

export const VERSIONED = 'ashlar:versioned';

/** Answers 201 with a `Location`; `path` is below the API's prefix, its `:members` come from the body: `@Creates('/orders/:id')`. */
export const Creates = (path: string) => applyDecorators(HttpCode(201), configure({ location: path } satisfies RepresentationConfig));

/** Answers 200 with one of these classes; the Swagger plugin cannot tell what a union of types is. */
export const AnswersOneOf = (...answers: [Type, Type, ...Type[]]) =>
  applyDecorators(
    ApiExtraModels(...answers),
    ApiOkResponse({ schema: { oneOf: answers.map((answer) => ({ $ref: getSchemaPath(answer) })) } }),
  );

/** Takes a body that is one of these classes; its member `by` says which, and each class allows itself alone there. */
export const BodyOneOf =
  (by: string, classes: Readonly<Record<string, Type>>): ParameterDecorator =>
  (target, method, index) => {
    Body(new OneOfPipe(by, classes))(target, method, index);
    const [route, bodies] = [Object.getOwnPropertyDescriptor(target, method!)!, Object.values(classes)];
    ApiExtraModels(...bodies)(target, method, route);
    ApiBody({ required: true, schema: { oneOf: bodies.map((body) => ({ $ref: getSchemaPath(body) })) } })(target, method!, route);
  };

export const LOCATED = 'ashlar:located';

/** Answers 202 with the `Location` of what will be there; `path` as with `@Creates`. */
export const Accepts = (path: string) =>
  applyDecorators(HttpCode(202), configure({ location: path } satisfies RepresentationConfig), SetMetadata(LOCATED, true));

/** The versions that `If-Match` (RFC 9110, 13.1.1) lets the write begin from; `null` when the client does not care. */
export type ExpectedVersions = readonly number[] | null;

const ifMatch = createParamDecorator((_: unknown, context: ExecutionContext): ExpectedVersions =>
  readIfMatch(context.switchToHttp().getRequest<FastifyRequest>().headers['if-match']),
);

/** The caller's `If-Match`, to be handed to `expectVersion`. */
export const IfMatch = (): ParameterDecorator => (target, method, index) => {
  Reflect.defineMetadata(VERSIONED, true, (target as Record<string | symbol, object>)[method!]!);
  ifMatch()(target, method, index);
};

/** Whether a write begins from another version than the current one. */
export function isStale(current: number, expected: ExpectedVersions): boolean {
  return expected !== null && !expected.includes(current);
}

/** Refuses such a write; `fields` may name what has changed since. @throws http/stale-version */
export function expectVersion(current: number, expected: ExpectedVersions, fields: FieldProblem[] = []): void {
  if (isStale(current, expected))
    throw staleVersion(`This is version ${current} now; read it again and repeat your change on that.`, {
      ...(fields.length > 0 && { fields }),
    });
}

/** Our tags are `"<version>-<digest>"`; only the version counts for writes, and a bare `"<version>"` or a weakened tag does too. */
function readIfMatch(header: string | undefined): ExpectedVersions {
  if (header === undefined || header.trim() === '*') return null;
  const tags = header.split(',').map((tag) => /^\s*(?:W\/)?"(\d{1,9})(?:-[\w-]*)?"\s*$/.exec(tag)?.[1]);
  return tags.filter((version) => version !== undefined).map(Number); // what is no tag of ours matches nothing
}

/** The strong ETag of a body: its version, where it has one, and a digest of its bytes. */
export function entityTag(version: number | undefined, body: string): string {
  const digest = hash('sha256', body, 'base64url').slice(0, 22);
  return version === undefined ? `"${digest}"` : `"${version}-${digest}"`;
}

/** Sets what follows from the body itself: `Location` of a creation, `Link` of a list. */
export function describe(request: FastifyRequest, reply: FastifyReply, body: object, api: string): void {
  const { location } = request.routeOptions.config as RepresentationConfig;
  const members = body as Record<string, unknown>;
  if (typeof members['version'] === 'number') request.version = members['version'];
  if (location !== undefined && request.answerStatus !== 202)
    reply.header('Location', api + location.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(members[name]))));
  const { items, nextCursor } = body as Partial<Page<unknown>>;
  if (Array.isArray(items) && typeof nextCursor === 'string') {
    const url = new URL(request.url, api);
    url.searchParams.set('cursor', nextCursor);
    reply.header('Link', `<${new URL(api).origin}${url.pathname}${url.search}>; rel="next"`);
  }
}

/** ETag, conditional requests and caching for every answer. */
export function registerRepresentation(fastify: FastifyInstance, env: Env): void {
  const api = apiUrl(env);
  fastify.decorateRequest('version', undefined);
  fastify.decorateRequest('answerStatus', undefined);

  fastify.addHook('preSerialization', async (request, reply, payload) => {
    if (payload !== null && typeof payload === 'object') describe(request, reply, payload, api);
    return payload;
  });

  fastify.addHook('onSend', async (request, reply, payload) => {
    if (request.answerStatus !== undefined && (reply.statusCode === 200 || reply.statusCode === 201)) reply.code(request.answerStatus);
    const { publicSeconds } = request.routeOptions.config as RepresentationConfig;
    const reading = request.method === 'GET' || request.method === 'HEAD';
    const fine = reply.statusCode >= 200 && reply.statusCode < 300;
    if (publicSeconds !== undefined) reply.header('Vary', [reply.getHeader('Vary'), 'Authorization, Cookie'].filter(Boolean).join(', '));
    const moved = reply.statusCode === 308; // whoever may read it may keep where it is, and asks again whether it still is
    if (!reply.hasHeader('Cache-Control'))
      reply.header(
        'Cache-Control',
        (fine || moved) && publicSeconds !== undefined && !request.actor
          ? `public, max-age=${typeof publicSeconds === 'number' ? publicSeconds : env[publicSeconds]}`
          : 'no-store',
      );
    if (fine && reading && payload instanceof Readable && namesTag(request.headers['if-none-match'], String(reply.getHeader('ETag')))) {
      payload.destroy();
      reply.code(304).removeHeader('Content-Type').removeHeader('Content-Length').removeHeader('Content-Disposition');
      return null;
    }
    const body = typeof payload === 'string' || (Buffer.isBuffer(payload) && reply.hasHeader('ETag')) ? payload : '';
    if (!fine || body.length === 0) return payload;
    if (!reply.hasHeader('ETag') && (reading || request.version !== undefined))
      reply.header('ETag', entityTag(request.version, String(body)));
    if (!reading || !namesTag(request.headers['if-none-match'], String(reply.getHeader('ETag')))) return payload;
    reply.code(304).removeHeader('Content-Type').removeHeader('Content-Length');
    return request.method === 'HEAD' ? payload : null; // of a HEAD Fastify itself takes the body away
  });
}

/** Weak comparison, as RFC 9110 (13.1.2) asks for reads. */
export function namesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

export const MADE_ANEW = 'ashlar:made-anew';

/** An answer that is made while it is sent: it has no ETag. */
export const MadeAnew = () => SetMetadata(MADE_ANEW, true);
