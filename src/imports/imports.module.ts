import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { PostsModule } from '../posts/posts.module.js';
import { UsersModule } from '../users/users.module.js';
import { ArchivesService } from './archives.service.js';
import { PostExportsController } from './exports.controller.js';
import { PostExportsService } from './exports.service.js';
import { ImportRunsService } from './import-runs.service.js';
import { ImportedPostsService } from './imported-posts.service.js';
import { ImportersService } from './importers.service.js';
import { ImportsController } from './imports.controller.js';
import { ImportsPrivacy } from './imports.privacy.js';
import { ImportsService } from './imports.service.js';
import { PicturesService } from './pictures.service.js';

@Module({
  imports: [UsersModule, FilesModule, PostsModule],
  controllers: [ImportsController, PostExportsController],
  providers: [
    ImportsService,
    ImportRunsService,
    ImportersService,
    ImportedPostsService,
    ArchivesService,
    PicturesService,
    ImportsPrivacy,
    PostExportsService,
  ],
})
export class ImportsModule {}
