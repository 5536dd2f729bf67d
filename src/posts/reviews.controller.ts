import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { LinksService } from '../files/links.service.js';
import { PostResponse } from './posts.dto.js';
import { notYourPost, postNotFound } from './posts.errors.js';
import { ApprovePostDto, ListReviewsQuery, ReturnPostDto, ReviewList, ReviewResponse, SubmitPostDto } from './reviews.dto.js';
import { notInReview, postIsOut } from './reviews.errors.js';
import { ReviewsService } from './reviews.service.js';

@Controller('posts/:id')
export class ReviewsController {
  constructor(
    private readonly reviews: ReviewsService,
    private readonly links: LinksService,
  ) {}

  /** Read how often a post was handed in, and what the editors said, the newest first */
  @Get('reviews')
  @Requires('posts:write')
  @Problems(postNotFound, notYourPost)
  async list(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Query() query: ListReviewsQuery): Promise<ReviewList> {
    const page = await this.reviews.list(actor, id, query);
    return { ...page, items: page.items.map(ReviewResponse.from) };
  }

  /**
   * Hand a post in to the editors
   *
   * Its status is `in-review` then, and `GET /posts?status=in-review` shows it to them. It can be edited meanwhile. One that was approved and is
   * edited by somebody who is no editor waits again.
   */
  @Put('review')
  @Requires('posts:write')
  @Problems(postNotFound, notYourPost, postIsOut)
  async submit(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() submission: SubmitPostDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<PostResponse> {
    return PostResponse.from(await this.reviews.submit(actor, id, submission, expected), this.links);
  }

  /** Take a post back from the editors, to a draft */
  @Delete('review')
  @Requires('posts:write')
  @Problems(postNotFound, notYourPost, notInReview)
  async withdraw(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<PostResponse> {
    return PostResponse.from(await this.reviews.withdraw(actor, id, expected), this.links);
  }

  /**
   * Approve a post, and publish or schedule it with that if you like
   *
   * Send `If-Match` with the version that you have read: one that was changed meanwhile is not approved then.
   */
  @Post('review/approval')
  @Requires('posts:manage')
  @HttpCode(200)
  @Problems(postNotFound, notInReview)
  approve(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() approval: ApprovePostDto,
    @IfMatch() expected: ExpectedVersions,
    @Idempotent() once: Once,
  ): Promise<PostResponse> {
    return once.do(async (db) => PostResponse.from(await this.reviews.approve(actor, id, approval, expected, db), this.links));
  }

  /** Give a post back to its author, and say what is missing */
  @Post('review/return')
  @Requires('posts:manage')
  @HttpCode(200)
  @Problems(postNotFound, notInReview)
  return(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() decision: ReturnPostDto,
    @IfMatch() expected: ExpectedVersions,
    @Idempotent() once: Once,
  ): Promise<PostResponse> {
    return once.do(async (db) => PostResponse.from(await this.reviews.return(actor, id, decision, expected, db), this.links));
  }
}
