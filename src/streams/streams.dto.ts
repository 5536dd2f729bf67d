import { eventCatalogue } from '#events';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, Matches, MaxLength, ValidateBy } from 'class-validator';
import { kindsIn } from './streams.rules.js';

const IsListOfKinds = () =>
  ValidateBy({
    name: 'isListOfKinds',
    validator: {
      validate: (value) => typeof value === 'string' && kindsIn(value, eventCatalogue().keys()) !== null,
      defaultMessage: () => 'events must be names of kinds of events, or of all about one thing, like order.paid,post.*',
    },
  });

export class StreamQuery {
  /** Only events of these kinds: names as in docs/events.md, with `order.*` for all about one thing, comma-separated. Without, all you may see. @example "order.*,post.published" */
  @IsOptional()
  @MaxLength(2_000)
  @IsListOfKinds()
  @ApiProperty({ pattern: '^[a-z-]+\\.([a-z-]+|\\*)(,[a-z-]+\\.([a-z-]+|\\*))*$', maxLength: 2_000 })
  events?: string;

  /** Where to go on: the `id:` of the last event you have, for a first connection; the header `Last-Event-ID` comes before it. @example "00000000000003e9" */
  @IsOptional()
  @Matches(/^[0-7][0-9a-f]{15}$/, { message: 'lastEventId must be the id of an event of this stream' })
  lastEventId?: string;

  /** In place of a token, where no header can be sent: what `POST /events/tickets` answered, good once. */
  @IsOptional()
  @Matches(/^[A-Za-z0-9_-]{43}$/, { message: 'ticket must be what POST /events/tickets answered' })
  ticket?: string;
}
