import { Readable } from 'node:stream';
import { applyDecorators, createParamDecorator, type ExecutionContext, Injectable, type PipeTransform } from '@nestjs/common';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import { Busboy } from '@fastify/busboy';
import { Env } from '#config';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fileTooLarge, unsupportedMediaType, uploadMalformed, validationFailed } from './http.errors.js';
import { configure } from './route-config.js';
import { within } from './validation.pipe.js';

/** What a body that is not parsed goes through Fastify as. */
const STREAM_TYPE = 'application/x-ashlar-stream';
/** What somebody who was refused may still send before the connection ends: long enough to hear why. */
const LINGER_MS = 5_000;
const MULTIPART = 'multipart/form-data';
const FIELD = /^[a-z]+$/;
const HEADER = /^content-[a-z-]+:[^\u0000-\u0008\u000a-\u001f]*$/i;
/** What the headers of one part may come to. */
const HEAD_BYTES = 4_096;

/** The setting that says how large what is sent may be. */
type SizeLimit = 'FILES_MAX_BYTES' | 'POSTS_IMPORT_MAX_BYTES' | 'PRODUCTS_IMPORT_MAX_BYTES';

/** What the decorators below leave on a Fastify route. */
interface StreamsConfig {
  streams?: { field: string; limit?: SizeLimit } | 'bytes';
}

/** One file of a form, as its sender describes it. Nothing here is to be believed. */
export interface FilePart {
  name: string;
  contentType: string;
  bytes: AsyncIterable<Buffer>;
}

/**
 * The route takes one file in this field of a form (RFC 7578), and nothing else; `@Upload()` gives it. It is read after all guards, as far as
 * the setting `limit` allows.
 */
export const TakesFile = (field: string, { limit }: { limit: SizeLimit } = { limit: 'FILES_MAX_BYTES' }) => {
  if (!FIELD.test(field)) throw new Error(`A field is named in small letters, not ${field}.`);
  return applyDecorators(
    configure({ streams: { field, limit } } satisfies StreamsConfig),
    ApiConsumes(MULTIPART),
    ApiBody({
      required: true,
      schema: {
        type: 'object',
        required: [field],
        properties: { [field]: { type: 'string', format: 'binary' } },
        additionalProperties: false,
      },
    }),
  );
};

/** The route takes bytes of any type, as they are; `@Upload()` gives them. They are read after all guards. */
export const TakesBytes = () =>
  applyDecorators(
    configure({ streams: 'bytes' } satisfies StreamsConfig),
    ApiConsumes('*/*'),
    ApiBody({ required: true, schema: { type: 'string', format: 'binary' } }),
  );

/** A body that its route reads as a stream. */
export class FileUpload {
  constructor(
    private readonly request: FastifyRequest,
    private readonly maxBytes: number,
  ) {}

  /** As the request says. */
  get contentType(): string {
    return this.request.streamType;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** The body as it is. Whoever stops reading leaves the connection open, to answer. */
  async *bytes(): AsyncGenerator<Buffer> {
    const { raw } = this.request;
    try {
      for await (const chunk of raw.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    } catch (error) {
      throw uploadMalformed('The upload broke off.', { cause: error });
    } finally {
      if (!raw.destroyed) raw.resume(); // what is still to come is thrown away
    }
  }

  /** The body as text, for what is small. @throws http/file-too-large, http/upload-malformed */
  async text(maxBytes: number): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.bytes()) {
      size += chunk.length;
      if (size > maxBytes) throw fileTooLarge(`The body has more than ${maxBytes} bytes.`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  /**
   * Hands the form's file to `take` while it arrives; answers what that answers once the form has ended as it should. When the form is refused
   * (more than one part, too large, broken off), the file's bytes fail, and `take` has ended when this throws.
   * @throws http/upload-malformed, http/file-too-large, http/unsupported-media-type, http/validation-failed; what `take` throws
   */
  async file<T>(take: (part: FilePart) => Promise<T>): Promise<T> {
    const { raw } = this.request;
    if (raw.destroyed && !raw.readableEnded) throw uploadMalformed('The upload broke off.');
    const parser = this.parser();
    let taken: Promise<T> | undefined;
    let bytes: Readable | undefined;
    let over = false;
    const ended = new Promise<void>((resolve, reject) => {
      watchHead(raw, (boundary, head) => {
        if (!isPlain(head)) reject(uploadMalformed('A header of the form’s part is not valid; names with line breaks are not.'));
        // What is left of the form when its frame is taken off: whoever sends too much hears of it before having sent it.
        const frame = head.length + 2 * boundary.length + '\r\n\r\n\r\n\r\n--\r\n'.length;
        if (this.announced - frame > this.maxBytes) reject(this.tooLarge());
      });
      const brokeOff = (cause?: unknown) => reject(uploadMalformed('The upload broke off.', { cause }));
      const tooMany = () => reject(uploadMalformed(`The form has more than one part; send one file, as \`${this.field}\`.`));
      parser.on('file', (field, stream, name, _encoding, contentType) => {
        // Whoever stops reading aborts it, and says why elsewhere.
        stream.on('error', (error) => error.name === 'AbortError' || brokeOff(error));
        if (over) return void stream.resume(); // what was parsed after the form had been refused
        if (field !== this.field) return reject(unknownPart(field));
        bytes = stream;
        stream.once('limit', () => reject(this.tooLarge()));
        taken = take({ name: name ?? '', contentType, bytes: stream as AsyncIterable<Buffer> });
        taken.catch(reject);
      });
      parser.on('field', (field) => reject(unknownPart(field)));
      for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) parser.once(limit, tooMany);
      parser.once('finish', resolve);
      parser.once('error', (error) => reject(uploadMalformed('The form cannot be read, or broke off.', { cause: error })));
      raw.once('close', () => raw.readableEnded || brokeOff());
      raw.once('error', brokeOff);
    });
    raw.pipe(parser);
    try {
      await ended;
      if (taken === undefined) throw uploadMalformed(`The form has no file in the field \`${this.field}\`.`);
      return await taken;
    } catch (error) {
      over = true;
      raw.unpipe(parser);
      bytes?.destroy(error as Error);
      parser.on('error', () => undefined).destroy(); // it is given up, and may say so
      if (!raw.destroyed) raw.resume();
      await taken?.catch(() => undefined); // its failure follows from this one, or is this one
      throw error;
    }
  }

  private get announced(): number {
    return Number(this.request.headers['content-length'] ?? 0);
  }

  private get field(): string {
    return (streamsOf(this.request) as { field: string }).field;
  }

  private parser(): InstanceType<typeof Busboy> {
    if (!this.contentType.toLowerCase().startsWith(MULTIPART))
      throw unsupportedMediaType(`Send ${MULTIPART}, with the file as \`${this.field}\`.`);
    try {
      return new Busboy({
        headers: { 'content-type': this.contentType },
        limits: {
          files: 1,
          fields: 1,
          parts: 1,
          fileSize: this.maxBytes,
          fieldSize: 1_024,
          fieldNameSize: 100,
          headerPairs: 8,
          headerSize: HEAD_BYTES,
        },
      });
    } catch (error) {
      throw uploadMalformed('The Content-Type of the form has no boundary.', { cause: error });
    }
  }

  private tooLarge(): Error {
    return fileTooLarge(`The file has more than ${this.maxBytes} bytes.`);
  }
}

@Injectable()
export class UploadPipe implements PipeTransform<FastifyRequest, FileUpload> {
  constructor(private readonly env: Env) {}

  transform(request: FastifyRequest): FileUpload {
    const streams = streamsOf(request);
    return new FileUpload(request, this.env[(typeof streams === 'object' && streams.limit) || 'FILES_MAX_BYTES']);
  }
}

const upload = createParamDecorator((_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>());

/** Hands the route the `FileUpload` that `@TakesFile` or `@TakesBytes` announces. */
export const Upload = (): ParameterDecorator => upload(UploadPipe);

/** Lets routes that say so read their body as a stream, whatever its type; the others parse or refuse it as ever. */
export function registerStreams(fastify: FastifyInstance): void {
  fastify.decorateRequest('streamType', '');
  fastify.addContentTypeParser(STREAM_TYPE, (request, _payload, done) => {
    if (streamsOf(request)) done(null, undefined);
    else done(unsupportedMediaType('Send the body as application/json.'));
  });
  fastify.addHook('onRoute', (route) => {
    const config: StreamsConfig | undefined = route.config;
    if (config?.streams === undefined) return;
    route.preParsing = async (request, reply, payload) => {
      request.streamType = request.headers['content-type'] ?? '';
      request.headers['content-type'] = STREAM_TYPE;
      reply.raw.once('finish', () => {
        const { raw } = request;
        if (!raw.complete) setTimeout(() => raw.complete || raw.destroy(), LINGER_MS).unref();
      });
      return payload;
    };
  });
}

/**
 * How long a body may take to arrive: HTTP_REQUEST_TIMEOUT_MS, or FILES_UPLOAD_TIMEOUT_SECONDS where it is a stream. Node has one limit for all
 * requests, so its own is the longer of the two; the one for headers is exact.
 */
export function limitArrival(fastify: FastifyInstance, env: Env): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { raw } = request;
    if (raw.headers['content-length'] !== undefined || raw.headers['transfer-encoding'] !== undefined) {
      const ms = streamsOf(request) ? env.FILES_UPLOAD_TIMEOUT_SECONDS * 1_000 : env.HTTP_REQUEST_TIMEOUT_MS;
      const timer = setTimeout(() => raw.complete || giveUp(fastify, request), ms).unref();
      raw.once('close', () => clearTimeout(timer));
    }
    done();
  });
}

/** As Node does it: the refusal goes to the socket itself, since whoever waits for the body would go on waiting. */
function giveUp(fastify: FastifyInstance, { raw }: FastifyRequest): void {
  const { socket } = raw;
  fastify.server.emit('clientError', Object.assign(new Error('too slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
  setTimeout(() => socket.destroy(), 1_000).unref();
}

function streamsOf(request: FastifyRequest): StreamsConfig['streams'] {
  return (request.routeOptions.config as StreamsConfig).streams;
}

/** Hears the first line of a form and the headers of its first part, once they are there: of these busboy shows two. */
function watchHead(raw: Readable, hear: (boundary: string, head: string) => void): void {
  let read = '';
  const watch = (chunk: Buffer) => {
    read = (read + chunk.toString('latin1', 0, HEAD_BYTES)).replace(/^\r\n/, '');
    const end = read.indexOf('\r\n\r\n');
    if (end === -1 && read.length < HEAD_BYTES) return;
    raw.off('data', watch);
    const [boundary = '', ...headers] = read.slice(0, end === -1 ? HEAD_BYTES : end).split('\r\n');
    hear(boundary, headers.join('\r\n'));
  };
  raw.on('data', watch);
}

/** A name with a line break in it looks like one that ended, with another header behind it. */
function isPlain(head: string): boolean {
  return head.split('\r\n').every((line) => HEADER.test(line) && line.replace(/\\./g, '').split('"').length % 2 === 1);
}

function unknownPart(field: string): Error {
  return validationFailed('The form has a part that this operation does not take.', {
    fields: [{ pointer: within('', String(field).replace(/[^ -~]/g, '?')), code: 'unknown', detail: 'is not a member of this operation' }],
  });
}
