export { Redis } from './redis.js';
export { RedisModule } from './redis.module.js';
export type { Subscription } from './subscription.js';
