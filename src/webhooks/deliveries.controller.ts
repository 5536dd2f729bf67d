import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Accepts, IdPipe, Idempotent, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import {
  ListWebhookDeliveriesQuery,
  ReplayedWebhooksResponse,
  ReplayWebhooksDto,
  TestWebhookDto,
  WebhookDeliveryList,
  WebhookDeliveryResponse,
  WebhookTestResponse,
} from './deliveries.dto.js';
import { DeliveriesService } from './deliveries.service.js';
import { deliveryNotFound, deliveryUnderWay, endpointDisabled, endpointNotFound } from './webhooks.errors.js';

@Controller('webhooks')
@Requires('webhooks:manage')
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  /** List what was sent to an endpoint and what it answered, the newest first */
  @Get('endpoints/:id/deliveries')
  @Problems(endpointNotFound)
  async list(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Query() query: ListWebhookDeliveriesQuery,
  ): Promise<WebhookDeliveryList> {
    const page = await this.deliveries.list(actor, id, query);
    return { ...page, items: page.items.map(WebhookDeliveryResponse.from) };
  }

  /**
   * Send an endpoint a test message, or only show it
   *
   * Its type is `webhook.test`, and it is tried once. With `dryRun` nothing is sent, and the answer is the request as it would be made.
   */
  @Post('endpoints/:id/test')
  @HttpCode(200)
  @Problems(endpointNotFound, endpointDisabled)
  test(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() { dryRun }: TestWebhookDto,
    @Idempotent() once: Once,
  ): Promise<WebhookTestResponse> {
    return once.do(async (db) =>
      WebhookTestResponse.from(
        dryRun ? { request: await this.deliveries.rehearse(actor, id, db) } : { delivery: await this.deliveries.test(actor, id, db) },
      ),
    );
  }

  /**
   * Send an endpoint what happened since a time
   *
   * All that it asks for now and never got, or that failed; with `again` also what was delivered, under the same `webhook-id`. It is queued in the
   * background.
   */
  @Post('endpoints/:id/replay')
  @HttpCode(202)
  @Problems(endpointNotFound, endpointDisabled)
  replay(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() replay: ReplayWebhooksDto,
    @Idempotent() once: Once,
  ): Promise<ReplayedWebhooksResponse> {
    return once.do(async (db) => ReplayedWebhooksResponse.from(await this.deliveries.replay(actor, id, replay, db)));
  }

  /** Read a delivery, with all its attempts */
  @Get('deliveries/:id')
  @Problems(deliveryNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<WebhookDeliveryResponse> {
    return WebhookDeliveryResponse.from(await this.deliveries.get(actor, id));
  }

  /** Send a delivery again now, under the same `webhook-id` */
  @Post('deliveries/:id/redelivery')
  @Accepts('/webhooks/deliveries/:id')
  @Problems(deliveryNotFound, deliveryUnderWay, endpointDisabled)
  redeliver(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Idempotent() once: Once): Promise<WebhookDeliveryResponse> {
    return once.do(async (db) => WebhookDeliveryResponse.from(await this.deliveries.redeliver(actor, id, db)));
  }
}
