import { problem } from '#errors';

export const endpointNotFound = problem(
  'webhooks/endpoint-not-found',
  'not-found',
  'No such webhook endpoint',
  'None of your webhook endpoints has this id. Endpoints belong to who made them.',
);
export const deliveryNotFound = problem(
  'webhooks/delivery-not-found',
  'not-found',
  'No such webhook delivery',
  'None of your webhook endpoints has a delivery with this id. Deliveries are kept for a while only (WEBHOOKS_DELIVERIES_TTL_DAYS).',
);
export const urlRefused = problem(
  'webhooks/url-refused',
  'unprocessable',
  'Webhooks are not sent to this URL',
  'Webhooks go to public hosts, by https in production, on port 80, 443 or above 1023, without a user name or a password in the URL. Whoever runs this installation can allow others (OUTGOING_ALLOWED_HOSTS). The same is asked again at each delivery.',
);
export const unknownEvents = problem(
  'webhooks/unknown-event',
  'unprocessable',
  'No event has this name',
  'Name events as docs/events.md does (`order.paid`), all of a noun (`order.*`), or all there are (`*`).',
);
export const tooManyEndpoints = problem(
  'webhooks/too-many-endpoints',
  'conflict',
  'You have too many webhook endpoints',
  'Nobody may have more than 100 webhook endpoints. Delete one that you do not need, or let one endpoint take more kinds of events.',
);
export const endpointDisabled = problem(
  'webhooks/endpoint-disabled',
  'conflict',
  'The webhook endpoint is disabled',
  'Nothing is sent to a disabled endpoint. Enable it first: PATCH it with `"enabled": true`.',
);
export const deliveryUnderWay = problem(
  'webhooks/delivery-under-way',
  'conflict',
  'The webhook is being delivered just now',
  'An attempt at this delivery is under way. Wait until it has ended; it may make another one needless.',
);
