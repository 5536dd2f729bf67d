import { IfPresent, ListQuery, type Page, Time } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsIn, Matches } from 'class-validator';
import type { Attempt, Delivery } from './deliveries.queries.js';
import type { Rehearsal, Replay } from './deliveries.service.js';

const STATUSES = ['pending', 'delivered', 'failed'] as const;

export class ListWebhookDeliveriesQuery extends ListQuery {
  /** `pending`: it will be tried, or tried again. `failed`: it has had all its attempts. */
  @IfPresent()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];

  /** Only messages of this type. @example "order.paid" */
  @IfPresent()
  @Matches(/^[a-z.-]{1,60}$/, { message: 'event must be the name of a kind of event, like order.paid' })
  event?: string;
}

const HEADERS = {
  type: 'object',
  additionalProperties: { type: 'string' },
  example: {
    'webhook-id': '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49',
    'webhook-timestamp': '1674087231',
    'webhook-signature': 'v1,K5oZfzN95Z9UVu1E…',
  },
} as const;

export class WebhookAttemptResponse {
  /** From 1. @example 1 */
  number: number;
  startedAt: Date;
  /** @example 42 */
  durationMs: number;
  /** The three headers of Standard Webhooks. */
  @ApiProperty({ ...HEADERS, description: 'The three headers of Standard Webhooks, as they were sent.' })
  sentHeaders: Record<string, string>;
  /** Null when there was no answer. @example 200 */
  statusCode: number | null;
  /** Why there was none. @example null */
  error: string | null;
  /** `Retry-After` of the answer, as it came. */
  retryAfter: string | null;
  /** The answer's body, at most 4 KiB of it. @example "ok" */
  answer: string | null;
  /** Whether there was more. */
  truncated: boolean;

  static from(this: void, attempt: Attempt): WebhookAttemptResponse {
    const { number, startedAt, durationMs, sentHeaders, statusCode, error, retryAfter, answer, truncated } = attempt;
    return { number, startedAt: new Date(startedAt), durationMs, sentHeaders, statusCode, error, retryAfter, answer, truncated };
  }
}

export class WebhookDeliveryResponse {
  id: string;
  endpointId: string;
  /** The `webhook-id`: the id of the event, the same over all attempts and all endpoints. */
  webhookId: string;
  /** @example "order.paid" */
  type: string;
  /** Whether it was made by `POST …/:id/test`; such a message is tried once. */
  test: boolean;
  status: 'pending' | 'delivered' | 'failed';
  /** As it is sent, to the letter. @example "{\"type\":\"order.paid\",\"timestamp\":\"2030-01-01T08:00:00.000Z\",\"data\":{\"orderId\":\"0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49\"}}" */
  body: string;
  /** When it is tried next, or was due while it waits for its turn. */
  nextAttemptAt: Date | null;
  /** When it came to its end. */
  completedAt: Date | null;
  createdAt: Date;
  /** The first one first. */
  attempts: WebhookAttemptResponse[];

  static from(this: void, delivery: Delivery): WebhookDeliveryResponse {
    const { id, endpointId, messageId, type, test, status, body, nextAttemptAt, completedAt, createdAt, log } = delivery;
    return {
      id,
      endpointId,
      webhookId: messageId,
      type,
      test,
      status: status === 'delivered' || status === 'failed' ? status : 'pending',
      body,
      nextAttemptAt,
      completedAt,
      createdAt,
      attempts: log.map(WebhookAttemptResponse.from),
    };
  }
}

export class WebhookDeliveryList implements Page<WebhookDeliveryResponse> {
  items: WebhookDeliveryResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class TestWebhookDto {
  /** Whether nothing is sent: the answer then is what would be. @example false */
  @IfPresent()
  @IsBoolean()
  dryRun: boolean = false;
}

export class WebhookRehearsalResponse {
  /** @example "https://example.com/hooks/ashlar" */
  url: string;
  @ApiProperty({ ...HEADERS, description: 'All that are not about the connection.' })
  headers: Record<string, string>;
  /** To the letter. @example "{\"type\":\"webhook.test\",\"timestamp\":\"2030-01-01T08:00:00.000Z\",\"data\":{\"endpointId\":\"0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49\"}}" */
  body: string;
}

export class WebhookTestResponse {
  /** Of a dry run: the POST that would be made. */
  request: WebhookRehearsalResponse | null;
  /** Otherwise: what is on its way. `GET /webhooks/deliveries/:id` says how it went. */
  delivery: WebhookDeliveryResponse | null;

  static from(this: void, { request, delivery }: { request?: Rehearsal; delivery?: Delivery }): WebhookTestResponse {
    return {
      request: request ? { url: request.url, headers: request.headers, body: request.body } : null,
      delivery: delivery ? WebhookDeliveryResponse.from(delivery) : null,
    };
  }
}

export class ReplayWebhooksDto {
  /** What happened from this time on is sent. */
  @Time()
  from: string;

  /** What happened before this time; now, when it is left out. */
  @IfPresent()
  @Time()
  until?: string;

  /** Whether what was delivered is sent again, too. @example false */
  @IfPresent()
  @IsBoolean()
  again: boolean = false;
}

export class ReplayedWebhooksResponse {
  from: Date;
  until: Date;
  again: boolean;

  static from(this: void, { from, until, again }: Replay): ReplayedWebhooksResponse {
    return { from, until, again };
  }
}
