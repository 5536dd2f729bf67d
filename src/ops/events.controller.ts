import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { IdPipe, Idempotent, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import {
  DeliveryList,
  DeliveryResponse,
  EventList,
  EventResponse,
  ListDeliveriesQuery,
  ListEventsQuery,
  ReplayDto,
  ReplayResponse,
} from './events.dto.js';
import { consumerNotFound, deliveryNotStuck } from './events.errors.js';
import { EventsService } from './events.service.js';

@Controller('ops/events')
@Requires('ops:manage')
export class EventsController {
  constructor(private readonly events: EventsService) {}

  /** List what happened, the newest first */
  @Get()
  async list(@Caller() actor: Actor, @Query() query: ListEventsQuery): Promise<EventList> {
    const page = await this.events.list(actor, query);
    return { ...page, items: page.items.map(EventResponse.from) };
  }

  /** List what consumers have not dealt with, the oldest first */
  @Get('deliveries')
  async deliveries(@Caller() actor: Actor, @Query() query: ListDeliveriesQuery): Promise<DeliveryList> {
    const page = await this.events.deliveries(actor, query);
    return { ...page, items: page.items.map(DeliveryResponse.from) };
  }

  /**
   * Give a consumer a stretch of the log again
   *
   * From a place or a time up to the present end: what it has not been given yet, what is stuck, and with `again` what it has dealt with, too.
   * It is queued in the background; `GET /ops/events/deliveries` shows what is left.
   */
  @Post('replay')
  @HttpCode(202)
  @Problems(consumerNotFound)
  replay(@Caller() actor: Actor, @Body() replay: ReplayDto, @Idempotent() once: Once): Promise<ReplayResponse> {
    return once.do(async (db) => ReplayResponse.from(await this.events.replay(actor, replay, db)));
  }

  /** Try a stuck event again, at once */
  @Post(':id/deliveries/:consumer/retry')
  @HttpCode(200)
  @Problems(deliveryNotStuck)
  retry(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Param('consumer') consumer: string,
    @Idempotent() once: Once,
  ): Promise<DeliveryResponse> {
    return once.do(async (db) => DeliveryResponse.from(await this.events.retry(actor, id, consumer, db)));
  }

  /** Give a stuck event up for one consumer, so that the later ones go on */
  @Delete(':id/deliveries/:consumer')
  @HttpCode(204)
  @Problems(deliveryNotStuck)
  async discard(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Param('consumer') consumer: string): Promise<void> {
    await this.events.discard(actor, id, consumer);
  }
}
