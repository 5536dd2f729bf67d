import { Global, Module } from '@nestjs/common';
import { Redis } from './redis.js';

/** Redis, where there is one. */
@Global()
@Module({ providers: [Redis], exports: [Redis] })
export class RedisModule {}
