import { Module } from '@nestjs/common';
import { FeedsController } from './feeds.controller.js';
import { FeedsService } from './feeds.service.js';
import { PostsController } from './posts.controller.js';
import { PostsPrivacy } from './posts.privacy.js';
import { PostsService } from './posts.service.js';
import { RelatedController } from './related.controller.js';
import { RelatedService } from './related.service.js';
import { SearchService } from './search.service.js';
import { SitemapsController } from './sitemaps.controller.js';
import { SitemapsService } from './sitemaps.service.js';
import { WordsJobs } from './words.jobs.js';
import { WordsListener } from './words.listener.js';

@Module({
  controllers: [PostsController, RelatedController, FeedsController, SitemapsController],
  providers: [PostsService, PostsPrivacy, SearchService, RelatedService, FeedsService, SitemapsService, WordsJobs, WordsListener],
  exports: [PostsService],
})
export class PostsModule {}
