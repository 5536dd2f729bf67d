import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { applyDecorators, SetMetadata } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';

export const ENDLESS = 'ashlar:endless';
const MEDIA_TYPE = 'text/event-stream';
/** How long an ended stream has to reach its reader before the connection is cut. */
const FAREWELL_MS = 2_000;

/** What the decorator below leaves on a Fastify route. */
export interface EndlessConfig {
  endless?: boolean;
}

/** The route answers with server-sent events (WHATWG HTML, section 9.2), by an `EventStream`: it has no end, no ETag and no 304. */
export const AnswersEvents = (description: string) =>
  applyDecorators(
    SetMetadata(ENDLESS, true),
    RouteConfig({ endless: true } satisfies EndlessConfig),
    ApiProduces(MEDIA_TYPE),
    ApiOkResponse({ description, schema: { type: 'string' } }),
  );

/**
 * The answer of a route that `@AnswersEvents`: takes the response out of Fastify's hands once it begins, with the headers it has by then.
 * What its reader does not take is kept up to a limit of bytes. Past that it is sent things at its own pace, and one that takes nothing for
 * too long is cut off; it may come back for the rest.
 */
export class EventStream {
  private readonly response: ServerResponse;
  private readonly socket: Socket;
  private closed = false;

  /** Called when it is over for whatever reason; perhaps more than once. */
  onClose: () => void = () => undefined;

  constructor(
    private readonly reply: FastifyReply,
    private readonly limits: { bytes: number; patienceMs: number },
  ) {
    this.response = reply.raw;
    this.socket = reply.request.raw.socket;
    this.closed = this.response.destroyed; // its reader may have left while it was found out who they are
    this.response.once('close', () => {
      this.closed = true;
      this.onClose();
    });
  }

  get isOpen(): boolean {
    return !this.closed && !this.response.writableEnded && !this.response.destroyed;
  }

  /** Sends the headers; of a HEAD that is all. */
  begin(): void {
    this.reply.headers({
      'Content-Type': `${MEDIA_TYPE}; charset=utf-8`,
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no', // or nginx would collect events until its buffer is full
    });
    const headers = this.reply.getHeaders() as OutgoingHttpHeaders;
    this.reply.hijack();
    if (this.closed) return this.onClose();
    // Silence is no fault here. A reader that is gone is noticed by what is written to it.
    this.socket.setTimeout(0);
    this.response.writeHead(200, headers);
    if (this.reply.request.method === 'HEAD') this.response.end();
  }

  /** Says false, and keeps nothing, while its reader has left more than the limit lying. One frame is never too large by itself. */
  write(frame: string | Buffer): boolean {
    if (!this.isOpen) return true;
    if (this.response.writableLength > this.limits.bytes) return false;
    this.response.write(frame);
    return true;
  }

  /**
   * Writes at the pace of its reader, for whom there is more to send than to keep: resolves when there is room for the next frame, or nobody
   * to read it any more. False when its reader has taken nothing for too long, and was cut off.
   */
  async send(frame: string): Promise<boolean> {
    if (!this.isOpen || this.response.write(frame)) return true;
    const { response } = this;
    return new Promise((resolve) => {
      const taken = () => over(true);
      const impatient = setTimeout(() => {
        over(false);
        response.destroy();
      }, this.limits.patienceMs).unref();
      const over = (well: boolean) => {
        clearTimeout(impatient);
        response.off('drain', taken).off('close', taken);
        resolve(well);
      };
      response.once('drain', taken).once('close', taken);
    });
  }

  /** Ends it as a whole answer; `hangUp` also ends the connection, so that its reader's next one may lead to another process. */
  end({ hangUp = false } = {}): void {
    if (!this.isOpen) return;
    const { response, socket } = this;
    const cut = setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
    response.once('close', () => clearTimeout(cut));
    response.end(() => hangUp && socket.end());
  }
}
