export { Amount } from './amount.js';
export { type Audience, event, eventCatalogue, type EventDefinition, mayBeTold, type PayloadOf, type Reader } from './catalogue.js';
export { subscribe } from './consumers.js';
export { Consumes, ConsumesOnDemand } from './consumes.decorator.js';
export { EventsModule } from './events.module.js';
export {
  cursorAt,
  endOfLog,
  type LogQuery,
  type PastEvent,
  positionAt,
  type Published,
  readEvents,
  readEventsOf,
  readHistory,
  readWhole,
  type Stretch,
} from './log.js';
export { type DeliveryKey, discardDelivery, isConsumer, type ReplayStart, retryDelivery, startReplay } from './operations.js';
export { type Circumstances, publish } from './publish.js';
export { type Follower, LogTail } from './tail.js';
