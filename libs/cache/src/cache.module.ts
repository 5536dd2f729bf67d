import { Global, Module } from '@nestjs/common';
import { Cache } from './cache.js';
import { Invalidations } from './invalidations.js';
import { Redis } from './redis.js';
import { SharedLevel } from './shared-level.js';

/** Redis, where there is one, and the cache; with `CACHE=off` this process keeps nothing, but still tells the others of its writes. */
@Global()
@Module({ providers: [Redis, SharedLevel, Invalidations, Cache], exports: [Redis, Cache] })
export class CacheModule {}
