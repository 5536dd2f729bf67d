import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { type ExpectedVersions, Idempotent, IdPipe, IfMatch, NumberPipe, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { LinksService } from '../files/links.service.js';
import { PostResponse } from './posts.dto.js';
import { bodyTooComplex, imageUnusable, notYourPost, postNotFound, publicationLocked } from './posts.errors.js';
import {
  CompareQuery,
  DifferenceResponse,
  FullRevisionResponse,
  ListRevisionsQuery,
  RevisionList,
  RevisionResponse,
} from './revisions.dto.js';
import { revisionNotFound } from './revisions.errors.js';
import { RevisionsService } from './revisions.service.js';

@Controller('posts/:id/revisions')
@Requires('posts:write')
export class RevisionsController {
  constructor(
    private readonly revisions: RevisionsService,
    private readonly links: LinksService,
  ) {}

  /**
   * List the versions of a post, the newest first
   *
   * For its author and editors. A version has the number that the post had with it. The oldest are forgotten when there are very many.
   */
  @Get()
  @Problems(postNotFound, notYourPost)
  async list(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Query() query: ListRevisionsQuery): Promise<RevisionList> {
    const page = await this.revisions.list(actor, id, query);
    return { ...page, items: page.items.map(RevisionResponse.from) };
  }

  /** Read a version of a post */
  @Get(':n')
  @Problems(postNotFound, notYourPost, revisionNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Param('n', NumberPipe) n: string): Promise<FullRevisionResponse> {
    return FullRevisionResponse.from(await this.revisions.get(actor, id, Number(n)));
  }

  /** See what differs between two versions: each member, and the body by lines and words */
  @Get(':n/diff')
  @Problems(postNotFound, notYourPost, revisionNotFound)
  async compare(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Param('n', NumberPipe) n: string,
    @Query() query: CompareQuery,
  ): Promise<DifferenceResponse> {
    return DifferenceResponse.from(await this.revisions.compare(actor, id, Number(n), query));
  }

  /**
   * Bring a version of a post back, as the newest one
   *
   * Title, excerpt, body and tags; slug, externalId, metadata and whether it is published stay as they are. Nothing is lost: what it replaces is
   * in the history.
   */
  @Post(':n/restoration')
  @HttpCode(200)
  @Problems(postNotFound, notYourPost, publicationLocked, revisionNotFound, bodyTooComplex, imageUnusable)
  restore(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Param('n', NumberPipe) n: string,
    @IfMatch() expected: ExpectedVersions,
    @Idempotent() once: Once,
  ): Promise<PostResponse> {
    return once.do(async (db) => PostResponse.from(await this.revisions.restore(actor, id, Number(n), expected, db), this.links));
  }
}
