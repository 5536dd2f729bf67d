import { Module } from '@nestjs/common';
import { PostsModule } from '../posts/posts.module.js';
import { CommentRulesService } from './comment-rules.service.js';
import { CommentsController } from './comments.controller.js';
import { CommentsPrivacy } from './comments.privacy.js';
import { CommentsService } from './comments.service.js';
import { LikesController } from './likes.controller.js';
import { LikesPrivacy } from './likes.privacy.js';
import { LikesService } from './likes.service.js';
import { ModerationController } from './moderation.controller.js';
import { ModerationService } from './moderation.service.js';
import { ReportsController } from './reports.controller.js';
import { ReportsService } from './reports.service.js';

@Module({
  imports: [PostsModule],
  // What is named before what has an id: `/comments/rules` is no comment.
  controllers: [ModerationController, CommentsController, ReportsController, LikesController],
  providers: [CommentsService, CommentsPrivacy, CommentRulesService, ModerationService, ReportsService, LikesService, LikesPrivacy],
})
export class CommentsModule {}
