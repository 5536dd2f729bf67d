import { Readable } from 'node:stream';
import { applyDecorators, createParamDecorator, type ExecutionContext, StreamableFile } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiProduces, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { rangeNotSatisfiable } from './http.errors.js';
import { stretchOf } from './ranges.js';
import { namesTag } from './representation.js';

/** Bytes that somebody else gave, to be answered with. */
export interface Content {
  size: number;
  contentType: string;
  /** Strong, in its quotes. */
  etag: string;
  modifiedAt: Date;
  /** The whole header. */
  disposition: string;
  /** Anybody may read and keep it for so many seconds; otherwise nobody keeps it. */
  publicSeconds?: number;
  open(range?: { first: number; last: number }): Promise<Readable>;
}

/** Whatever it is, it runs nothing and belongs to no origin: not even if a browser takes it for a page. Other sites may show it. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox; base-uri 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Accept-Ranges': 'bytes',
};

/** Answers with content: whole, in part (RFC 9110, 14), or not at all to who has it (13.1.2). */
export class ContentReply {
  constructor(
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
  ) {}

  /** @throws http/range-not-satisfiable */
  async send(content: Content): Promise<StreamableFile | undefined> {
    const { headers, method } = this.request;
    const { size, etag, modifiedAt, publicSeconds } = content;
    this.reply.headers({
      ...HEADERS,
      ETag: etag,
      'Last-Modified': modifiedAt.toUTCString(),
      'Cache-Control': publicSeconds === undefined ? 'no-store' : `public, max-age=${publicSeconds}`,
    });
    if (namesTag(headers['if-none-match'], etag)) {
      this.request.answerStatus = 304;
      return undefined;
    }
    const stretch =
      method === 'GET' ? stretchOf({ range: headers.range, ifRange: headers['if-range'] as string | undefined }, content) : null;
    if (stretch === 'unsatisfiable') {
      this.reply.header('Content-Range', `bytes */${size}`);
      throw rangeNotSatisfiable(`There are ${size} bytes; ask for some of those.`);
    }
    const { first, last } = stretch ?? { first: 0, last: size - 1 };
    const bytes = method === 'HEAD' || size === 0 ? Readable.from([]) : await content.open(stretch ?? undefined);
    this.reply.headers({ 'Content-Type': content.contentType, 'Content-Disposition': content.disposition });
    if (stretch !== null) {
      this.request.answerStatus = 206;
      this.reply.header('Content-Range', `bytes ${first}-${last}/${size}`);
    }
    return new StreamableFile(bytes, { length: last - first + 1 });
  }
}

const content = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const http = context.switchToHttp();
  return new ContentReply(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
});

/** Hands the route a `ContentReply`. */
export const Sends = (): ParameterDecorator => content();

/** Says in the document what `ContentReply` answers; `type` where it is always the same. */
export const SendsContent = (type = '*/*') =>
  applyDecorators(
    ApiProduces(type),
    ApiHeader({
      name: 'Range',
      required: false,
      description: 'One stretch of the bytes, as `bytes=0-1023`; several are answered with everything.',
    }),
    ApiHeader({ name: 'If-Range', required: false, description: 'The ETag that the stretch is wanted of; another content comes whole.' }),
    ApiOkResponse({ description: 'All of it.', schema: { type: 'string', format: 'binary' } }),
    ApiResponse({ status: 206, description: 'The stretch that `Content-Range` names.', schema: { type: 'string', format: 'binary' } }),
  );
