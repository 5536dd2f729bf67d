import { Global, Module } from '@nestjs/common';
import { Cache } from './cache.js';
import { Invalidations } from './invalidations.js';
import { SharedLevel } from './shared-level.js';

/** The cache; with `CACHE=off` this process keeps nothing, but still tells the others of its writes. */
@Global()
@Module({ providers: [SharedLevel, Invalidations, Cache], exports: [Cache] })
export class CacheModule {}
