import { Module } from '@nestjs/common';
import { FeedsController } from './feeds.controller.js';
import { FeedsService } from './feeds.service.js';
import { SitemapsController } from './sitemaps.controller.js';
import { SitemapsService } from './sitemaps.service.js';

@Module({
  controllers: [FeedsController, SitemapsController],
  providers: [FeedsService, SitemapsService],
})
export class FeedsModule {}
