import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { ArchivesService } from './archives.service.js';
import { PostExportsController } from './exports.controller.js';
import { PostExportsService } from './exports.service.js';
import { ImportedPostsService } from './imported-posts.service.js';
import { ImportRunsService } from './import-runs.service.js';
import { ImportersService } from './importers.service.js';
import { ImportsController } from './imports.controller.js';
import { ImportsPrivacy } from './imports.privacy.js';
import { ImportsService } from './imports.service.js';
import { PicturesService } from './pictures.service.js';
import { PostsController } from './posts.controller.js';
import { PostsPrivacy } from './posts.privacy.js';
import { PostsService } from './posts.service.js';

const EXCHANGE = [
  ImportsService,
  ImportRunsService,
  ImportersService,
  ImportedPostsService,
  ArchivesService,
  PicturesService,
  ImportsPrivacy,
  PostExportsService,
];

@Module({
  imports: [FilesModule],
  controllers: [ImportsController, PostExportsController, PostsController],
  providers: [PostsService, PostsPrivacy, ...EXCHANGE],
  exports: [PostsService, ImportsService, PostExportsService],
})
export class PostsModule {}
