import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { AutosavesController } from './autosaves.controller.js';
import { AutosavesService } from './autosaves.service.js';
import { ChangesService } from './changes.service.js';
import { HistoryPrivacy } from './history.privacy.js';
import { LeftoversJobs } from './leftovers.jobs.js';
import { PostsController } from './posts.controller.js';
import { PostsPrivacy } from './posts.privacy.js';
import { PostsService } from './posts.service.js';
import { PreviewLinksController } from './preview-links.controller.js';
import { PreviewLinksService } from './preview-links.service.js';
import { PublicationsService } from './publications.service.js';
import { ReviewsController } from './reviews.controller.js';
import { ReviewsPrivacy } from './reviews.privacy.js';
import { ReviewsService } from './reviews.service.js';
import { RevisionsController } from './revisions.controller.js';
import { RevisionsService } from './revisions.service.js';
import { TrashService } from './trash.service.js';

@Module({
  imports: [FilesModule],
  controllers: [PostsController, RevisionsController, AutosavesController, ReviewsController, PreviewLinksController],
  providers: [
    PostsService,
    ChangesService,
    PublicationsService,
    TrashService,
    RevisionsService,
    AutosavesService,
    ReviewsService,
    PreviewLinksService,
    LeftoversJobs,
    PostsPrivacy,
    HistoryPrivacy,
    ReviewsPrivacy,
  ],
  exports: [PostsService],
})
export class PostsModule {}
