import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Idempotent, type Once, Problems, PubliclyCached } from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import { ListTagsQuery, MergeTagDto, TagList, TagMergerResponse, TagPath, TagResponse } from './tags.dto.js';
import { sameTag, tagNotFound } from './tags.errors.js';
import { TagsService } from './tags.service.js';

@Controller('tags')
export class TagsController {
  constructor(private readonly tags: TagsService) {}

  /** List the tags of published posts, and how many bear each */
  @Get()
  @Public()
  @PubliclyCached(0, () => ['posts'])
  async list(@Query() query: ListTagsQuery): Promise<TagList> {
    const page = await this.tags.list(query);
    return { ...page, items: page.items.map(TagResponse.from) };
  }

  /**
   * Merge a tag into another, or rename it
   *
   * Every post that bears it, published or not, bears the other in its place, and has a new version. Of a tag that more than a hundred posts
   * bear, the others follow in the background.
   */
  @Post(':tag/merger')
  @Requires('posts:manage')
  @HttpCode(200)
  @Problems(tagNotFound, sameTag)
  merge(
    @Caller() actor: Actor,
    @Param() { tag }: TagPath,
    @Body() merger: MergeTagDto,
    @Idempotent() once: Once,
  ): Promise<TagMergerResponse> {
    return once.do(async (db) => TagMergerResponse.from(await this.tags.merge(actor, tag, merger, db)));
  }
}
