import { Module } from '@nestjs/common';
import { IdempotencyJobs } from './idempotency.jobs.js';
import { IdempotencyPrivacy } from './idempotency.privacy.js';
import { RateLimits } from './rate-limits.js';

/** What the edge keeps in the database and counts; the rest of it needs no container. */
@Module({ providers: [IdempotencyJobs, IdempotencyPrivacy, RateLimits], exports: [RateLimits] })
export class HttpModule {}
