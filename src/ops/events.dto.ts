import { cursorAt, positionAt } from '#events';
import { IfPresent, isTime, ListQuery, type Page, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, Matches, MaxLength, ValidateBy } from 'class-validator';
import type { EventDeliveryStatus } from '#database';
import type { Delivery, LoggedEvent } from './events.queries.js';
import type { Replay } from './events.service.js';

export class ListEventsQuery extends ListQuery {
  /** Only events of this kind. @example "order.paid" */
  @IsOptional()
  @Matches(/^[a-z.-]{1,60}$/, { message: 'name must be the name of a kind of event, like order.paid' })
  name?: string;

  /** Only what happened to this resource: `type:id`. @example "order:0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49" */
  @IsOptional()
  @MaxLength(200)
  @Matches(/^[a-z-]+:\S+$/, { message: 'resource must be type:id, like order:0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49' })
  resource?: string;

  /** Not before this time. */
  @IsOptional()
  @Time()
  from?: string;

  /** Before this time. */
  @IsOptional()
  @Time()
  to?: string;
}

export class EventResourceResponse {
  /** @example "order" */
  type: string;
  /** @example "0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49" */
  id: string;
}

export class EventResponse {
  id: string;
  /** @example "order.paid" */
  name: string;
  /** Of the payload's form. @example 1 */
  version: number;
  /** What it happened to. */
  resource: EventResourceResponse;
  /** Who did it; null when no user did. */
  actorId: string | null;
  /** Whose event it is. */
  subjectId: string | null;
  /** As docs/events.md says for this name. @example { "orderId": "0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49" } */
  @ApiProperty({ type: 'object', additionalProperties: true, description: 'As docs/events.md says for this name.' })
  payload: Record<string, unknown>;
  /** The `X-Request-Id` of the call that caused it. */
  requestId: string | null;
  occurredAt: Date;
  /** Its place in the log, for a replay of what came after it; null for the moment before it has one. @example "00000000000003e9" */
  cursor: string | null;

  static from(this: void, { position, resourceType, resourceId, ...event }: LoggedEvent): EventResponse {
    const { id, name, version, actorId, subjectId, payload, requestId, occurredAt } = event;
    const cursor = position === null ? null : cursorAt(position);
    const resource = { type: resourceType, id: resourceId };
    return { id, name, version, resource, actorId, subjectId, payload, requestId, occurredAt, cursor };
  }
}

export class EventList implements Page<EventResponse> {
  items: EventResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

const STATUSES = ['stuck', 'pending'] as const;

export class ListDeliveriesQuery extends ListQuery {
  /** `stuck`: failed too often, and waits for you. `pending`: waits for its turn, for the next attempt, or behind one that is stuck. */
  @IsIn(STATUSES)
  status: (typeof STATUSES)[number] = 'stuck';

  /** Only what this consumer has to deal with. @example "notifications.order-paid" */
  @IsOptional()
  @Matches(/^[a-z.-]{1,100}$/, { message: 'consumer must be the name of a consumer, like notifications.order-paid' })
  consumer?: string;
}

export class DeliveryResponse {
  eventId: string;
  /** The event's name. @example "order.paid" */
  name: string;
  /** @example "notifications.order-paid" */
  consumer: string;
  /** What the event happened to: until this one is dealt with, the consumer gets no later ones of it. @example "order:0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49" */
  resource: string;
  status: EventDeliveryStatus;
  /** How often it was tried. @example 12 */
  attempts: number;
  /** What the last attempt failed with. @example "Error: the moon is not full" */
  lastError: string | null;
  /** When it is tried again. */
  nextAttemptAt: Date | null;
  createdAt: Date;

  static from(this: void, delivery: Delivery): DeliveryResponse {
    const { eventId, name, consumer, resource, status, attempts, lastError, nextAttemptAt, createdAt } = delivery;
    return { eventId, name, consumer, resource, status, attempts, lastError, nextAttemptAt, createdAt };
  }
}

export class DeliveryList implements Page<DeliveryResponse> {
  items: DeliveryResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ReplayDto {
  /** @example "notifications.order-paid" */
  @Matches(/^[a-z.-]{1,100}$/, { message: 'consumer must be the name of a consumer, like notifications.order-paid' })
  consumer: string;

  /** Behind which place of the log it begins (`cursor` of an event), or with which time. */
  @ValidateBy({
    name: 'isReplayStart',
    validator: {
      validate: (value) => typeof value === 'string' && (positionAt(value) !== null || isTime(value)),
      defaultMessage: () => 'from must be the cursor of an event, or a time like 2030-01-01T08:00:00Z',
    },
  })
  @ApiProperty({
    anyOf: [
      { type: 'string', pattern: '^[0-7][0-9a-f]{15}$' },
      { type: 'string', format: 'date-time' },
    ],
    example: '2030-01-01T08:00:00Z',
    description: 'Behind which place of the log it begins (`cursor` of an event), or with which time.',
  })
  from: string;

  /** Whether what the consumer has already dealt with happens again. @example false */
  @IfPresent()
  @IsBoolean()
  again: boolean = false;
}

export class ReplayResponse {
  /** @example "notifications.order-paid" */
  consumer: string;
  /** The place behind which it begins. @example "00000000000003e9" */
  after: string;
  /** The place with which it ends: the end of the log when it was asked for. @example "0000000000000a1f" */
  until: string;
  again: boolean;

  static from(this: void, { consumer, after, until, again }: Replay): ReplayResponse {
    return { consumer, after, until, again };
  }
}
