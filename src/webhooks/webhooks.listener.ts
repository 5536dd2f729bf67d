import { Injectable } from '@nestjs/common';
import type { Tx } from '#database';
import { ConsumesAll, type Published } from '#events';
import { DeliveriesService } from './deliveries.service.js';

/** Hears everything; who gets what is decided for each event. */
@Injectable()
export class WebhooksListener {
  constructor(private readonly deliveries: DeliveriesService) {}

  @ConsumesAll('webhooks.fan-out')
  fanOut(event: Published, db: Tx): Promise<void> {
    return this.deliveries.fanOut(event, db);
  }
}
