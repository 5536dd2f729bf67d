import { problem } from '#errors';

export const consumerNotFound = problem(
  'ops/consumer-not-found',
  'not-found',
  'There is no such consumer',
  'No worker that ran within the last day has a consumer of this name. The names stand in `consumer` of `GET /ops/events/deliveries`, and in the code beside `@Consumes`.',
);
export const deliveryNotStuck = problem(
  'ops/delivery-not-stuck',
  'not-found',
  'This event is not stuck',
  'Only what `GET /ops/events/deliveries?status=stuck` lists can be tried again or given up: an event that its consumer has failed with too often.',
);
