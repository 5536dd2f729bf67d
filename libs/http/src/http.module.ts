import { Module } from '@nestjs/common';
import { IdempotencyJobs } from './idempotency.jobs.js';
import { IdempotencyPrivacy } from './idempotency.privacy.js';

/** What the edge keeps in the database; the rest of it needs no container. */
@Module({ providers: [IdempotencyJobs, IdempotencyPrivacy] })
export class HttpModule {}
