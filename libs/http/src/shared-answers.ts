import {
  applyDecorators,
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  UseInterceptors,
} from '@nestjs/common';
import { Cache, type Made, type Tag, type Value } from '#cache';
import { Env } from '#config';
import { carriesCredentials } from '#security';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, map, type Observable } from 'rxjs';
import { apiUrl } from './api.js';
import { sendDocument, TextDocument } from './documents.js';
import type { RateLimits } from './rate-limits.js';
import { describe, entityTag, type PublicSeconds, type RepresentationConfig } from './representation.js';
import { configure } from './route-config.js';

/** What an answer was made of, so that it is dropped when one of these changes; null when it must not be kept. */
type TagsOf<Body extends object> = (body: Body) => readonly Tag[] | null;

/**
 * An answer to somebody without a login may be kept by browsers and proxies for so long; to others it is private. With `tagsOf`, what
 * strangers are answered is kept in the cache, too, with its ETag: the same bytes for all of them until one of its tags is invalidated.
 */
export const PubliclyCached = <Body extends object>(seconds: PublicSeconds, tagsOf?: TagsOf<Body>) =>
  applyDecorators(
    configure({ publicSeconds: seconds, tagsOf: tagsOf as TagsOf<object> | undefined } satisfies SharedConfig),
    ...(tagsOf ? [UseInterceptors(SharedAnswers)] : []),
  );

interface SharedConfig extends RepresentationConfig {
  tagsOf?: TagsOf<object> | undefined;
}

/** Makes the answers that strangers share, one at a time for each URL, and sends them as the bytes that they are. */
@Injectable()
export class SharedAnswers implements NestInterceptor {
  private readonly api: string;

  constructor(
    private readonly cache: Cache,
    env: Env,
  ) {
    this.api = apiUrl(env);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const { tagsOf } = request.routeOptions.config as SharedConfig;
    if (!this.cache.enabled || tagsOf === undefined || carriesCredentials(request))
      return next.handle().pipe(map((body: unknown) => (body instanceof TextDocument ? sendDocument(reply, body) : body)));
    const make = async () => this.make(request, reply, tagsOf, (await lastValueFrom(next.handle())) as object);
    return from(this.cache.remember(keyOf(request), make).then((kept) => prepare(reply, kept)));
  }

  private make(request: FastifyRequest, reply: FastifyReply, tagsOf: TagsOf<object>, body: object): Made {
    if (body instanceof TextDocument) {
      const head = { ...body.head, ETag: entityTag(undefined, body.text) };
      return { value: { head, body: Buffer.from(body.text) }, tags: body.tags };
    }
    const text = JSON.stringify(body);
    describe(request, reply, body, this.api);
    const link = reply.getHeader('Link');
    const head = { ETag: entityTag(request.version, text), ...(typeof link === 'string' && { Link: link }) };
    return { value: { head, body: Buffer.from(text) }, tags: tagsOf(body) };
  }
}

/**
 * Answers from this process's memory before Nest is asked: its guards would cost more than the answer. What they would do to a stranger's
 * read of a public route is done here: the request is counted against its caller's budget. Whoever sends credentials goes the long way.
 */
export function answerFromMemory(fastify: FastifyInstance, cache: Cache, limits: RateLimits): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const reading = request.method === 'GET' || request.method === 'HEAD';
    const kept = reading && !carriesCredentials(request) ? cache.peek(keyOf(request)) : undefined;
    if (kept === undefined) return done();
    limits.spend(request, reply).then(() => reply.send(prepare(reply, kept)), done);
  });
}

/** The whole URL: `Link` repeats it, and a query that nobody has answered before may be a bad one. */
function keyOf(request: FastifyRequest): string {
  return `answer ${request.url}`;
}

/** The body as it goes out, with its headers set. */
function prepare(reply: FastifyReply, { head, body }: Value): Buffer {
  reply.headers({ 'Content-Type': 'application/json; charset=utf-8', ...head });
  return body;
}
