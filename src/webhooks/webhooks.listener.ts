import { Injectable } from '@nestjs/common';
import type { Tx } from '#database';
import { ConsumesOnDemand, type Published } from '#events';
import { DeliveriesService } from './deliveries.service.js';
import { FAN_OUT } from './webhooks.queries.js';

/** Hears what an endpoint asks for; who gets what is decided for each event. */
@Injectable()
export class WebhooksListener {
  constructor(private readonly deliveries: DeliveriesService) {}

  @ConsumesOnDemand(FAN_OUT)
  fanOut(event: Published, db: Tx): Promise<void> {
    return this.deliveries.fanOut(event, db);
  }
}
