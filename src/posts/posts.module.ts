import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { ArchivesService } from './archives.service.js';
import { AutosavesController } from './autosaves.controller.js';
import { AutosavesService } from './autosaves.service.js';
import { BodiesService } from './bodies.service.js';
import { ChangesService } from './changes.service.js';
import { CommentRulesService } from './comment-rules.service.js';
import { CommentsController } from './comments.controller.js';
import { CommentsPrivacy } from './comments.privacy.js';
import { CommentsService } from './comments.service.js';
import { PostExportsController } from './exports.controller.js';
import { PostExportsService } from './exports.service.js';
import { FeedsController } from './feeds.controller.js';
import { FeedsService } from './feeds.service.js';
import { HistoryPrivacy } from './history.privacy.js';
import { ImportRunsService } from './import-runs.service.js';
import { ImportedPostsService } from './imported-posts.service.js';
import { ImportersService } from './importers.service.js';
import { ImportsController } from './imports.controller.js';
import { ImportsPrivacy } from './imports.privacy.js';
import { ImportsService } from './imports.service.js';
import { LeftoversJobs } from './leftovers.jobs.js';
import { LikesController } from './likes.controller.js';
import { LikesPrivacy } from './likes.privacy.js';
import { LikesService } from './likes.service.js';
import { ModerationController } from './moderation.controller.js';
import { ModerationService } from './moderation.service.js';
import { PicturesService } from './pictures.service.js';
import { PostsController } from './posts.controller.js';
import { PostsPrivacy } from './posts.privacy.js';
import { PostsService } from './posts.service.js';
import { PreviewLinksController } from './preview-links.controller.js';
import { PreviewLinksService } from './preview-links.service.js';
import { PublicationsService } from './publications.service.js';
import { RelatedController } from './related.controller.js';
import { RelatedService } from './related.service.js';
import { ReportsController } from './reports.controller.js';
import { ReportsService } from './reports.service.js';
import { ReviewsController } from './reviews.controller.js';
import { ReviewsPrivacy } from './reviews.privacy.js';
import { ReviewsService } from './reviews.service.js';
import { RevisionsController } from './revisions.controller.js';
import { RevisionsService } from './revisions.service.js';
import { SearchService } from './search.service.js';
import { SeriesController } from './series.controller.js';
import { SeriesPrivacy } from './series.privacy.js';
import { SeriesService } from './series.service.js';
import { SitemapsController } from './sitemaps.controller.js';
import { SitemapsService } from './sitemaps.service.js';
import { TagsController } from './tags.controller.js';
import { TagsService } from './tags.service.js';
import { TrashService } from './trash.service.js';
import { WordsJobs } from './words.jobs.js';
import { WordsListener } from './words.listener.js';

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
  // What is named before what has an id: `/comments/rules` is no comment.
  controllers: [
    ImportsController,
    PostExportsController,
    PostsController,
    RelatedController,
    FeedsController,
    SitemapsController,
    RevisionsController,
    AutosavesController,
    ReviewsController,
    PreviewLinksController,
    SeriesController,
    TagsController,
    ModerationController,
    CommentsController,
    ReportsController,
    LikesController,
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
    FeedsService,
    SitemapsService,
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
    CommentsService,
    CommentsPrivacy,
    CommentRulesService,
    ModerationService,
    ReportsService,
    LikesService,
    LikesPrivacy,
    ...EXCHANGE,
  ],
  exports: [PostsService, SeriesService, ImportsService, PostExportsService],
})
export class PostsModule {}
