import { Controller, Post } from '@nestjs/common';
import { Creates } from '#http';
import { Actor, Caller, SessionOnly, SignedIn, Tickets } from '#security';
import { TicketResponse } from './tickets.dto.js';

@Controller('events/tickets')
@SignedIn()
export class TicketsController {
  constructor(private readonly tickets: Tickets) {}

  /**
   * Get a ticket for the event stream
   *
   * For browsers, whose EventSource sends no headers: `new EventSource('/api/v1/events/stream?ticket=…')`. A ticket lets in once, within 30
   * seconds, as the session that asked for it. An EventSource that reconnects by itself repeats its URL and is refused: get a new ticket then,
   * and go on with `&lastEventId=` of the last event you have.
   */
  @Post()
  @SessionOnly({ impersonating: 'allowed' }) // what has an API key can send headers
  @Creates('/events/stream')
  async issue(@Caller() actor: Actor): Promise<TicketResponse> {
    return TicketResponse.from(await this.tickets.issue(actor));
  }
}
