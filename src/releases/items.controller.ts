import { Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { BodyOneOf, Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { postNotFound } from '../posts/posts.errors.js';
import { productNotFound, variantNotFound } from '../products/products.errors.js';
import { ADDED, CHANGED, ListItemsQuery, ReleaseItemList, ReleaseItemResponse } from './items.dto.js';
import { ItemsService, type ItemToAdd, type ItemToChange } from './items.service.js';
import {
  beyondYourRights,
  itemChangesNothing,
  itemOfOtherKind,
  releaseFull,
  releaseItemNotFound,
  releaseNotFound,
  releaseNotOpen,
  resourceInRelease,
} from './releases.errors.js';

@Controller('releases/:id/items')
@Requires('releases:manage')
export class ItemsController {
  constructor(private readonly items: ItemsService) {}

  /** List what a release changes, as far as you may see it */
  @Get()
  @Problems(releaseNotFound)
  async list(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Query() query: ListItemsQuery): Promise<ReleaseItemList> {
    const page = await this.items.list(actor, id, query);
    return { ...page, items: page.items.map(ReleaseItemResponse.from) };
  }

  /**
   * Add a change of a post, a product or a variant
   *
   * It is held against the rules and permissions of the same edit made directly, now and when the release goes live.
   */
  @Post()
  @Creates('/releases/:releaseId/items/:id')
  @Problems(
    releaseNotFound,
    releaseNotOpen,
    releaseFull,
    resourceInRelease,
    itemChangesNothing,
    beyondYourRights,
    postNotFound,
    productNotFound,
    variantNotFound,
  )
  add(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @BodyOneOf('kind', ADDED) item: ItemToAdd,
    @Idempotent() once: Once,
  ): Promise<ReleaseItemResponse> {
    return once.do(async (db) => ReleaseItemResponse.from(await this.items.add(actor, id, item, db)));
  }

  /** Read an item of a release */
  @Get(':itemId')
  @Problems(releaseItemNotFound)
  async get(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Param('itemId', IdPipe) itemId: string,
  ): Promise<ReleaseItemResponse> {
    return ReleaseItemResponse.from(await this.items.get(actor, id, itemId));
  }

  /** Change what an item changes; `changes` take the place of those it had */
  @Patch(':itemId')
  @Problems(releaseNotFound, releaseItemNotFound, releaseNotOpen, releaseFull, itemChangesNothing, itemOfOtherKind, beyondYourRights)
  async change(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Param('itemId', IdPipe) itemId: string,
    @BodyOneOf('kind', CHANGED) changes: ItemToChange,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<ReleaseItemResponse> {
    return ReleaseItemResponse.from(await this.items.change(actor, id, itemId, changes, expected));
  }

  /** Accept what was changed of the resource since: the item is one for its current version from now on */
  @Post(':itemId/rebase')
  @HttpCode(200)
  @Problems(
    releaseNotFound,
    releaseItemNotFound,
    releaseNotOpen,
    releaseFull,
    beyondYourRights,
    postNotFound,
    productNotFound,
    variantNotFound,
  )
  rebase(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Param('itemId', IdPipe) itemId: string,
    @Idempotent() once: Once,
  ): Promise<ReleaseItemResponse> {
    return once.do(async (db) => ReleaseItemResponse.from(await this.items.rebase(actor, id, itemId, db)));
  }

  /** Remove an item from a release */
  @Delete(':itemId')
  @HttpCode(204)
  @Problems(releaseNotFound, releaseItemNotFound, releaseNotOpen, beyondYourRights)
  remove(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Param('itemId', IdPipe) itemId: string,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<void> {
    return this.items.remove(actor, id, itemId, expected);
  }
}
