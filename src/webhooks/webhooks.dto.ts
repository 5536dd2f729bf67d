import { IfPresent, Line, ListQuery, type Page, Text } from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  Matches,
  Max,
  Min,
  ValidateBy,
} from 'class-validator';
import type { Endpoint } from './webhooks.queries.js';

const PATTERN = /^(?:\*|[a-z]+(?:-[a-z]+)*\.(?:\*|[a-z]+(?:-[a-z]+)*))$/;

/** Names of events, all of a noun (`order.*`), or all there are (`*`). */
const Events = () =>
  applyDecorators(
    IsArray(),
    ArrayNotEmpty(),
    ArrayMaxSize(50),
    ArrayUnique(),
    Matches(PATTERN, { each: true, message: 'each of events must be a name like order.paid, all of a noun like order.*, or *' }),
    ApiProperty({
      type: 'array',
      minItems: 1,
      maxItems: 50,
      uniqueItems: true,
      items: { type: 'string', pattern: PATTERN.source },
      example: ['order.paid', 'post.*'],
      description: 'Names of events (docs/events.md), all of a noun (`order.*`), or all there are (`*`).',
    }),
  );

/** Of the characters a URI is made of (RFC 3986, section 2): everything else is to be encoded by whoever knows what it means. */
const HTTP_URL = /^[Hh][Tt][Tt][Pp][Ss]?:\/\/[\w.~:/?#[\]@!$&'()*+,;=%-]+$/;
const isHttpUrl = (value: unknown) => typeof value === 'string' && HTTP_URL.test(value) && URL.canParse(value);

const WebhookUrl = () =>
  applyDecorators(
    Text(1, 2_000),
    ValidateBy({
      name: 'isUrl',
      validator: { validate: isHttpUrl, defaultMessage: () => '$property must be a URL like https://example.com/hooks' },
    }),
    ApiProperty({ type: 'string', format: 'uri', pattern: HTTP_URL.source, maxLength: 2_000, example: 'https://example.com/hooks/ashlar' }),
  );

export class CreateWebhookEndpointDto {
  /** Where events are sent to: a public host, by https in production. Redirections are not followed. @example "https://example.com/hooks/ashlar" */
  @WebhookUrl()
  url: string;

  /** @example ["order.paid", "post.*"] */
  @Events()
  events: string[];

  /** What you call it. @example "The warehouse" */
  @IsOptional()
  @Line(0, 200)
  description?: string | null;
}

export class UpdateWebhookEndpointDto {
  /** @example "https://example.com/hooks/ashlar" */
  @IfPresent()
  @WebhookUrl()
  url?: string;

  /** @example ["order.paid", "post.*"] */
  @IfPresent()
  @Events()
  events?: string[];

  /** @example "The warehouse" */
  @IsOptional()
  @Line(0, 200)
  description?: string | null;

  /** `false`: nothing is sent any more, and what waits is given up. `true`: what happens from now on is sent; a replay sends what was missed. */
  @IfPresent()
  @IsBoolean()
  enabled?: boolean;
}

export class RotateSecretDto {
  /** How long the former secret signs beside the new one; a day by default, 0 if it has become known to others. @example 86400 */
  @ApiProperty({ type: 'integer' })
  @IfPresent()
  @IsInt()
  @Min(0)
  @Max(2_592_000)
  overlapSeconds?: number;
}

export class ListWebhookEndpointsQuery extends ListQuery {
  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}

export class WebhookEndpointResponse {
  id: string;
  /** @example "https://example.com/hooks/ashlar" */
  url: string;
  /** @example ["order.paid", "post.*"] */
  events: string[];
  /** @example "The warehouse" */
  description: string | null;
  /** Whether events are sent to it. */
  enabled: boolean;
  /** Why not: `owner` (you said so), `gone` (it answered 410), `failing` (it has only failed for too long). */
  disabledReason: 'owner' | 'gone' | 'failing' | null;
  disabledAt: Date | null;
  /** How many attempts have failed since the last that succeeded. @example 0 */
  failures: number;
  failingSince: Date | null;
  /** Nothing is sent before: it asked for that (`Retry-After`), or has failed too often in a row. */
  pausedUntil: Date | null;
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  createdAt: Date;
  updatedAt: Date;

  static from(this: void, endpoint: Endpoint): WebhookEndpointResponse {
    const { id, url, events, description, disabledReason, disabledAt, failures, failingSince, pausedUntil } = endpoint;
    const { version, createdAt, updatedAt } = endpoint;
    return {
      id,
      url,
      events,
      description,
      enabled: disabledAt === null,
      disabledReason,
      disabledAt,
      failures,
      failingSince,
      pausedUntil,
      version,
      createdAt,
      updatedAt,
    };
  }
}

export class CreatedWebhookEndpointResponse extends WebhookEndpointResponse {
  /** Verify signatures with it. It is not shown again. @example "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=" */
  secret: string;

  static of(this: void, { endpoint, secret }: { endpoint: Endpoint; secret: string }): CreatedWebhookEndpointResponse {
    return { ...WebhookEndpointResponse.from(endpoint), secret };
  }
}

export class WebhookEndpointList implements Page<WebhookEndpointResponse> {
  items: WebhookEndpointResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class RotatedSecretResponse {
  /** Signs from now on. It is not shown again. @example "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=" */
  secret: string;
  /** Until then messages carry signatures by both; null when the former secret has ended. */
  formerUntil: Date | null;

  static from(this: void, { secret, formerUntil }: RotatedSecretResponse): RotatedSecretResponse {
    return { secret, formerUntil };
  }
}
