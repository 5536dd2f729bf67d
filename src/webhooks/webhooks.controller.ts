import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, IdPipe, IfMatch, Problems, staleVersion } from '#http';
import { Actor, Caller, Requires } from '#security';
import {
  CreatedWebhookEndpointResponse,
  CreateWebhookEndpointDto,
  ListWebhookEndpointsQuery,
  RotatedSecretResponse,
  RotateSecretDto,
  UpdateWebhookEndpointDto,
  WebhookEndpointList,
  WebhookEndpointResponse,
} from './webhooks.dto.js';
import { endpointNotFound, tooManyEndpoints, unknownEvents, urlRefused } from './webhooks.errors.js';
import { WebhooksService } from './webhooks.service.js';

@Controller('webhooks/endpoints')
@Requires('webhooks:manage')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  /** List my webhook endpoints */
  @Get()
  async list(@Caller() actor: Actor, @Query() query: ListWebhookEndpointsQuery): Promise<WebhookEndpointList> {
    const page = await this.webhooks.list(actor, query);
    return { ...page, items: page.items.map(WebhookEndpointResponse.from) };
  }

  /**
   * Have events sent to a URL
   *
   * Each event that you may be told of is sent as Standard Webhooks 1.0 has it, and tried ten times over three days. The answer shows the secret
   * that verifies signatures, this once.
   */
  @Post()
  @Creates('/webhooks/endpoints/:id')
  @Problems(urlRefused, unknownEvents, tooManyEndpoints)
  async create(@Caller() actor: Actor, @Body() endpoint: CreateWebhookEndpointDto): Promise<CreatedWebhookEndpointResponse> {
    return CreatedWebhookEndpointResponse.of(await this.webhooks.create(actor, endpoint));
  }

  /** Read a webhook endpoint of mine */
  @Get(':id')
  @Problems(endpointNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<WebhookEndpointResponse> {
    return WebhookEndpointResponse.from(await this.webhooks.get(actor, id));
  }

  /** Change a webhook endpoint, disable it, or enable it again */
  @Patch(':id')
  @Problems(endpointNotFound, urlRefused, unknownEvents, staleVersion)
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdateWebhookEndpointDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<WebhookEndpointResponse> {
    return WebhookEndpointResponse.from(await this.webhooks.update(actor, id, changes, expected));
  }

  /** Delete a webhook endpoint, with the log of its deliveries */
  @Delete(':id')
  @HttpCode(204)
  @Problems(endpointNotFound, staleVersion)
  delete(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.webhooks.delete(actor, id, expected);
  }

  /** Make a new secret; the former one signs beside it for a while */
  @Post(':id/secret-rotation')
  @HttpCode(200)
  @Problems(endpointNotFound)
  async rotateSecret(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() rotation: RotateSecretDto,
  ): Promise<RotatedSecretResponse> {
    return RotatedSecretResponse.from(await this.webhooks.rotateSecret(actor, id, rotation));
  }
}
