import { event } from '#events';
import { Id } from '#http';
import { IsIn } from 'class-validator';

export class WebhookEndpointDisabledPayload {
  @Id()
  endpointId: string;

  /** `gone`: it answered 410. `failing`: it has only failed for too long. @example "failing" */
  @IsIn(['gone', 'failing'])
  reason: 'gone' | 'failing';
}

export const webhookEndpointDisabled = event('webhook-endpoint.disabled', {
  version: 1,
  payload: WebhookEndpointDisabledPayload,
  description: 'A webhook endpoint gets nothing any more, because it said so or has failed for too long.',
  visibleTo: ['subject'],
});
