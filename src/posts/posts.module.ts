import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { AutosavesController } from './autosaves.controller.js';
import { AutosavesService } from './autosaves.service.js';
import { BodiesService } from './bodies.service.js';
import { ChangesService } from './changes.service.js';
import { HistoryPrivacy } from './history.privacy.js';
import { LeftoversJobs } from './leftovers.jobs.js';
import { PostsController } from './posts.controller.js';
import { PostsPrivacy } from './posts.privacy.js';
import { PostsService } from './posts.service.js';
import { PreviewLinksController } from './preview-links.controller.js';
import { PreviewLinksService } from './preview-links.service.js';
import { PublicationsService } from './publications.service.js';
import { RelatedController } from './related.controller.js';
import { RelatedService } from './related.service.js';
import { ReviewsController } from './reviews.controller.js';
import { ReviewsPrivacy } from './reviews.privacy.js';
import { ReviewsService } from './reviews.service.js';
import { RevisionsController } from './revisions.controller.js';
import { RevisionsService } from './revisions.service.js';
import { SearchService } from './search.service.js';
import { SeriesController } from './series.controller.js';
import { SeriesPrivacy } from './series.privacy.js';
import { SeriesService } from './series.service.js';
import { TagsController } from './tags.controller.js';
import { TagsService } from './tags.service.js';
import { TrashService } from './trash.service.js';
import { WordsJobs } from './words.jobs.js';
import { WordsListener } from './words.listener.js';

@Module({
  imports: [FilesModule],
  controllers: [
    PostsController,
    RelatedController,
    RevisionsController,
    AutosavesController,
    ReviewsController,
    PreviewLinksController,
    SeriesController,
    TagsController,
  ],
  providers: [
    PostsService,
    ChangesService,
    BodiesService,
    PublicationsService,
    TrashService,
    PostsPrivacy,
    SearchService,
    WordsJobs,
    WordsListener,
    RelatedService,
    RevisionsService,
    AutosavesService,
    HistoryPrivacy,
    ReviewsService,
    ReviewsPrivacy,
    PreviewLinksService,
    LeftoversJobs,
    SeriesService,
    SeriesPrivacy,
    TagsService,
  ],
  exports: [PostsService, SeriesService],
})
export class PostsModule {}
