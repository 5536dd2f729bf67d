import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems } from '#http';
import { Actor, Caller, impersonating, Requires } from '#security';
import { PreviewedItemResponse, PreviewResponse } from './items.dto.js';
import { PublicationsService } from './publications.service.js';
import {
  CreateReleaseDto,
  ListReleasesQuery,
  PublishReleaseDto,
  ReleaseList,
  ReleaseResponse,
  RollBackReleaseDto,
  UpdateReleaseDto,
} from './releases.dto.js';
import {
  beyondYourRights,
  changedSinceRelease,
  releaseConflicts,
  releaseEmpty,
  releaseNotFound,
  releaseNotOpen,
  releaseNotPublished,
  releaseNotScheduled,
} from './releases.errors.js';
import { ReleasesService } from './releases.service.js';
import { RollbacksService } from './rollbacks.service.js';

@Controller('releases')
@Requires('releases:manage')
export class ReleasesController {
  constructor(
    private readonly releases: ReleasesService,
    private readonly publications: PublicationsService,
    private readonly rollbacks: RollbacksService,
  ) {}

  /** List releases */
  @Get()
  async list(@Caller() actor: Actor, @Query() query: ListReleasesQuery): Promise<ReleaseList> {
    const page = await this.releases.list(actor, query);
    return { ...page, items: page.items.map(ReleaseResponse.from) };
  }

  /** Begin a release */
  @Post()
  @Creates('/releases/:id')
  create(@Caller() actor: Actor, @Body() release: CreateReleaseDto, @Idempotent() once: Once): Promise<ReleaseResponse> {
    return once.do(async (db) => ReleaseResponse.from(await this.releases.create(actor, release, db)));
  }

  /** Read a release */
  @Get(':id')
  @Problems(releaseNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<ReleaseResponse> {
    return ReleaseResponse.from(await this.releases.get(actor, id));
  }

  /** Change what a release is called, while it is open */
  @Patch(':id')
  @Problems(releaseNotFound, releaseNotOpen)
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdateReleaseDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<ReleaseResponse> {
    return ReleaseResponse.from(await this.releases.update(actor, id, changes, expected));
  }

  /** Delete a release with its items, while it is open */
  @Delete(':id')
  @HttpCode(204)
  @Problems(releaseNotFound, releaseNotOpen)
  delete(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.releases.delete(actor, id, expected);
  }

  /**
   * See what a release would do now
   *
   * Each item with its resource's members before and after, as if it went live now, and what is in its way. Nothing is changed.
   */
  @Get(':id/preview')
  @Problems(releaseNotFound)
  async preview(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<PreviewResponse> {
    const { publishable, items } = await this.publications.preview(actor, id);
    const now = new Date();
    return { publishable, items: items.map((item) => PreviewedItemResponse.from(item, now)) };
  }

  /**
   * Publish a release, now or at a time to come
   *
   * Everything that it changes goes live in one transaction, or nothing does. One that is scheduled is published with the rights that you have
   * at its time.
   */
  @Put(':id/publication')
  @Problems(releaseNotFound, releaseNotOpen, releaseEmpty, releaseConflicts, beyondYourRights, impersonating)
  async publish(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() when: PublishReleaseDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<ReleaseResponse> {
    return ReleaseResponse.from(await this.publications.publish(actor, id, when, expected));
  }

  /** Withdraw the schedule of a release, which is open again */
  @Delete(':id/publication')
  @Problems(releaseNotFound, releaseNotScheduled)
  async withdraw(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<ReleaseResponse> {
    return ReleaseResponse.from(await this.publications.withdraw(actor, id, expected));
  }

  /**
   * Take back what a release has changed
   *
   * Everything it has changed is as it was before, in one transaction. Refused when somebody has changed any of it since, unless `force` says to
   * write over that. Orders keep the prices they were placed at.
   */
  @Post(':id/rollback')
  @HttpCode(200)
  @Problems(releaseNotFound, releaseNotPublished, changedSinceRelease, beyondYourRights)
  rollBack(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() how: RollBackReleaseDto,
    @Idempotent() once: Once,
  ): Promise<ReleaseResponse> {
    return once.do(async (db) => ReleaseResponse.from(await this.rollbacks.rollBack(actor, id, how, db)));
  }
}
