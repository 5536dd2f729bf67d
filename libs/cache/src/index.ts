export { Cache } from './cache.js';
export { CacheModule } from './cache.module.js';
export { invalidate } from './invalidations.js';
export type { Made, Tag, Value } from './value.js';
