import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { BodiesService } from './bodies.service.js';
import { PostsController } from './posts.controller.js';
import { PostsPrivacy } from './posts.privacy.js';
import { PostsService } from './posts.service.js';
import { SeriesController } from './series.controller.js';
import { SeriesPrivacy } from './series.privacy.js';
import { SeriesService } from './series.service.js';
import { TagsController } from './tags.controller.js';
import { TagsService } from './tags.service.js';

@Module({
  imports: [FilesModule],
  controllers: [PostsController, SeriesController, TagsController],
  providers: [PostsService, BodiesService, SeriesService, TagsService, PostsPrivacy, SeriesPrivacy],
  exports: [PostsService, SeriesService],
})
export class PostsModule {}
