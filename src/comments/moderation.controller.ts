import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { type ExpectedVersions, IdPipe, IfMatch, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { ChangeCommentRulesDto, CommentRulesResponse } from './comment-rules.dto.js';
import { CommentRulesService } from './comment-rules.service.js';
import { commentNotFound } from './comments.errors.js';
import { ListQueueQuery, ModerateCommentDto, QueuedCommentList, QueuedCommentResponse } from './moderation.dto.js';
import { ModerationService } from './moderation.service.js';

@Controller('comments')
@Requires('comments:moderate')
export class ModerationController {
  constructor(
    private readonly moderation: ModerationService,
    private readonly rules: CommentRulesService,
  ) {}

  /** List the comments on all posts; `status=pending` is the queue */
  @Get()
  async queue(@Caller() actor: Actor, @Query() query: ListQueueQuery): Promise<QueuedCommentList> {
    const page = await this.moderation.queue(actor, query);
    return { ...page, items: page.items.map((comment) => QueuedCommentResponse.from(comment, actor)) };
  }

  /** What comments wait for */
  @Get('rules')
  async getRules(@Caller() actor: Actor): Promise<CommentRulesResponse> {
    return CommentRulesResponse.from(await this.rules.get(actor));
  }

  /** Choose what comments wait for; those that wait already go on waiting */
  @Put('rules')
  async changeRules(
    @Caller() actor: Actor,
    @Body() rules: ChangeCommentRulesDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<CommentRulesResponse> {
    return CommentRulesResponse.from(await this.rules.change(actor, rules, expected));
  }

  /** Decide about a comment; its reports are answered by that */
  @Put(':id/moderation')
  @Problems(commentNotFound)
  async decide(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() decision: ModerateCommentDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<QueuedCommentResponse> {
    return QueuedCommentResponse.from(await this.moderation.decide(actor, id, decision, expected), actor);
  }
}
