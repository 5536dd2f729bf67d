import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, LimitedPerAccount, type Once, Problems, PubliclyCached } from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import {
  CommentList,
  CommentResponse,
  EditCommentDto,
  ListCommentsQuery,
  ListParticipantsQuery,
  ParticipantResponse,
  ParticipantsResponse,
  WriteCommentDto,
} from './comments.dto.js';
import { commentNotFound, commentsClosed, commentSettled, notYourComment, unknownMention } from './comments.errors.js';
import { madeOfComments } from './comments.rules.js';
import { CommentsService } from './comments.service.js';
import { postNotFound } from '../posts/posts.errors.js';

@Controller()
export class CommentsController {
  constructor(private readonly comments: CommentsService) {}

  /** List the comments on a post: the beginnings of threads, or with `parent` what was said below one */
  @Get('posts/:id/comments')
  @Public()
  @PubliclyCached(0, ({ items }: CommentList) => madeOfComments(items))
  @Problems(postNotFound, commentNotFound)
  async list(@Caller() actor: Actor | null, @Param('id', IdPipe) id: string, @Query() query: ListCommentsQuery): Promise<CommentList> {
    const page = await this.comments.list(actor, id, query);
    return { ...page, items: page.items.map((comment) => CommentResponse.from(comment, actor)) };
  }

  /** Say something about a post; it may have to wait for a moderator */
  @Post('posts/:id/comments')
  @Requires('comments:write')
  @LimitedPerAccount({ name: 'comments', limit: 'COMMENTS_PER_MINUTE' })
  @Creates('/comments/:id')
  @Problems(postNotFound, commentNotFound, commentsClosed, unknownMention)
  write(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() comment: WriteCommentDto,
    @Idempotent() once: Once,
  ): Promise<CommentResponse> {
    return once.do(async (db) => CommentResponse.from(await this.comments.write(actor, id, comment, db), actor));
  }

  /** Find whom a comment on a post can mention */
  @Get('posts/:id/participants')
  @Requires('comments:write')
  @Problems(postNotFound)
  async participants(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Query() query: ListParticipantsQuery,
  ): Promise<ParticipantsResponse> {
    return { items: (await this.comments.participants(actor, id, query)).map(ParticipantResponse.from) };
  }

  /** Read a comment */
  @Get('comments/:id')
  @Public()
  @PubliclyCached(0, (comment: CommentResponse) => madeOfComments([comment]))
  @Problems(commentNotFound, postNotFound)
  async get(@Caller() actor: Actor | null, @Param('id', IdPipe) id: string): Promise<CommentResponse> {
    return CommentResponse.from(await this.comments.get(actor, id), actor);
  }

  /** Change a comment, for some minutes after it was written */
  @Patch('comments/:id')
  @Requires('comments:write')
  @Problems(commentNotFound, postNotFound, notYourComment, commentSettled, unknownMention)
  async edit(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: EditCommentDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<CommentResponse> {
    return CommentResponse.from(await this.comments.edit(actor, id, changes, expected), actor);
  }

  /** Delete a comment; where others have replied, its place stays, without author and text */
  @Delete('comments/:id')
  @Requires('comments:write')
  @HttpCode(204)
  @Problems(commentNotFound, postNotFound, notYourComment)
  delete(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.comments.delete(actor, id, expected);
  }
}
