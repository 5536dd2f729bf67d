import { IfPresent, ListQuery, type Page } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { NoteResponse } from './notes.dto.js';
import type { Moment } from './timelines.service.js';

export class OrderEventResponse {
  id: string;
  /** @example "order.paid" */
  name: string;
  /** Who did it: `nobody` when a time ran out, or a payment provider said something. */
  by: 'customer' | 'staff' | 'nobody';
  /** The same as an id; only staff are told. */
  actorId: string | null;
  /** As docs/events.md says for this name. @example { "orderId": "0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49" } */
  @ApiProperty({ type: 'object', additionalProperties: true, description: 'As docs/events.md says for this name.' })
  payload: Record<string, unknown>;
  /** What was written, where the event is that something was. */
  note: NoteResponse | null;
  occurredAt: Date;

  static from(this: void, { event, by, note }: Moment): OrderEventResponse {
    const { id, name, actorId, payload, occurredAt } = event;
    return { id, name, by, actorId, payload: payload as Record<string, unknown>, note: note && NoteResponse.from(note), occurredAt };
  }
}

export class OrderEventList implements Page<OrderEventResponse> {
  items: OrderEventResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ListOrderEventsQuery extends ListQuery {
  @IfPresent()
  @IsIn(['occurredAt', '-occurredAt'])
  sort: 'occurredAt' | '-occurredAt' = 'occurredAt';
}
