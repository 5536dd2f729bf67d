import { Controller, Get, Headers, Query, Res } from '@nestjs/common';
import { Env } from '#config';
import { AnswersEvents, EventStream, Problems } from '#http';
import { Actor, Caller, SignedIn, TakesTickets } from '#security';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { StreamQuery } from './streams.dto.js';
import { invalidLastEventId, streamsFull, tooManyStreams } from './streams.errors.js';
import { StreamsService } from './streams.service.js';

@Controller('events/stream')
@SignedIn()
export class StreamsController {
  constructor(
    private readonly streams: StreamsService,
    private readonly env: Env,
  ) {}

  /**
   * Hear of what happens, as it happens
   *
   * Server-sent events (`text/event-stream`): `event:` is a name of docs/events.md, `data:` one line of JSON as described there, `id:` the place in
   * the log. You hear of what you may see, by your permissions at that moment. Without `Last-Event-ID` the stream begins with what happens
   * from now on; with it, with what came after that event, each once. When that is too long ago (`expired`, `too-far-behind`) or not of this
   * installation (`unknown`), the first event is `event: reset` with the `reason`: read again what you show; the stream goes on from now.
   *
   * It ends when the session ends, when you do not read what is sent, and when the process stops; reconnect with `Last-Event-ID` then, as
   * EventSource does by itself. It may outlive the access token it was opened with, but not the session.
   */
  @Get()
  @TakesTickets()
  @AnswersEvents('Events, for as long as the connection and the session live. Lines that begin with a colon keep it open.')
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The `id:` of the last event you have.',
    schema: { type: 'string', pattern: '^([0-7][0-9a-f]{15})?$', example: '00000000000003e9' },
  })
  @Problems(invalidLastEventId, tooManyStreams, streamsFull)
  open(
    @Caller() actor: Actor,
    @Query() query: StreamQuery,
    @Res() reply: FastifyReply,
    @Headers('Last-Event-ID') lastEventId?: string,
  ): Promise<void> {
    const { STREAMS_BUFFER_BYTES: bytes, STREAMS_PATIENCE_SECONDS: seconds } = this.env;
    return this.streams.open(actor, query, lastEventId, new EventStream(reply, { bytes, patienceMs: seconds * 1_000 }));
  }
}
