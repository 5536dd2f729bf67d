import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { Creates, Idempotent, IdPipe, type Once, Problems } from '#http';
import { Actor, Caller, type Guest, Requires, SignedIn } from '#security';
import { ListNotesQuery, NoteList, NoteResponse, WriteNoteDto } from './notes.dto.js';
import { NotesService } from './notes.service.js';
import { orderNotFound } from './orders.errors.js';
import { ListOrderEventsQuery, OrderEventList, OrderEventResponse } from './timelines.dto.js';
import { TimelinesService } from './timelines.service.js';

const WITH_TOKEN = { guests: { header: 'X-Order-Token' } } as const;

@Controller('orders/:id')
export class TimelinesController {
  constructor(
    private readonly timelines: TimelinesService,
    private readonly notes: NotesService,
  ) {}

  /**
   * List what happened to an order: its timeline, notes included
   *
   * Customers see what concerns them, staff all of it, for as long as events are kept (`EVENTS_TTL_DAYS`).
   */
  @Get('events')
  @SignedIn(WITH_TOKEN)
  @Problems(orderNotFound)
  async list(
    @Caller() caller: Actor | Guest,
    @Param('id', IdPipe) id: string,
    @Query() query: ListOrderEventsQuery,
  ): Promise<OrderEventList> {
    const page = await this.timelines.list(caller, id, query);
    return { ...page, items: page.items.map(OrderEventResponse.from) };
  }

  /** Write a note about an order, for staff or for its customer, too */
  @Post('notes')
  @Requires('orders:manage')
  @Creates('/orders/:orderId/notes')
  @Problems(orderNotFound)
  write(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() note: WriteNoteDto,
    @Idempotent() once: Once,
  ): Promise<NoteResponse> {
    return once.do(async (db) => NoteResponse.from(await this.notes.write(actor, id, note, db)));
  }

  /** List the notes about an order; customers see those that are shared with them */
  @Get('notes')
  @SignedIn(WITH_TOKEN)
  @Problems(orderNotFound)
  async listNotes(@Caller() caller: Actor | Guest, @Param('id', IdPipe) id: string, @Query() query: ListNotesQuery): Promise<NoteList> {
    const page = await this.notes.list(caller, id, query);
    return { ...page, items: page.items.map(NoteResponse.from) };
  }
}
