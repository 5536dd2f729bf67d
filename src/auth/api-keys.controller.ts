import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Creates, IdPipe, Problems } from '#http';
import { Actor, Caller, SessionOnly, SignedIn, StepUp } from '#security';
import { ApiKeyList, ApiKeyResponse, ApiKeySecretResponse, CreateApiKeyDto, RotateApiKeyDto } from './api-keys.dto.js';
import { apiKeyNotFound, expiryPassed, scopeRefused, tooManyApiKeys } from './api-keys.errors.js';
import { ApiKeysService } from './api-keys.service.js';

@Controller('auth/api-keys')
@SignedIn()
export class ApiKeysController {
  constructor(private readonly apiKeys: ApiKeysService) {}

  /** List my API keys, the newest first */
  @Get()
  @SessionOnly()
  async list(@Caller() actor: Actor): Promise<ApiKeyList> {
    return { items: (await this.apiKeys.list(actor)).map(ApiKeyResponse.from), nextCursor: null };
  }

  /**
   * Make an API key
   *
   * For a program that acts for me. It may do what I may at the time and its scopes name, and never manages how I log in. The answer shows the
   * key, this once; I am told by mail that it was made.
   */
  @Post()
  @StepUp()
  @Creates('/auth/api-keys/:id')
  @Problems(tooManyApiKeys, scopeRefused, expiryPassed)
  async create(@Caller() actor: Actor, @Body() apiKey: CreateApiKeyDto): Promise<ApiKeySecretResponse> {
    return ApiKeySecretResponse.of(await this.apiKeys.create(actor, apiKey));
  }

  /** Read an API key of mine, without its secret */
  @Get(':id')
  @SessionOnly()
  @Problems(apiKeyNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<ApiKeyResponse> {
    return ApiKeyResponse.from(await this.apiKeys.get(actor, id));
  }

  /**
   * Give an API key another secret
   *
   * Name, scopes and expiry stay; the former secret works beside the new one for a while. The one before that ends.
   */
  @Post(':id/rotation')
  @StepUp()
  @HttpCode(200)
  @Problems(apiKeyNotFound)
  async rotate(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Body() rotation: RotateApiKeyDto): Promise<ApiKeySecretResponse> {
    return ApiKeySecretResponse.of(await this.apiKeys.rotate(actor, id, rotation));
  }

  /** Delete an API key: it is dead everywhere within a second */
  @Delete(':id')
  @StepUp()
  @HttpCode(204)
  @Problems(apiKeyNotFound)
  delete(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<void> {
    return this.apiKeys.delete(actor, id);
  }
}
