import { Controller, Get, Param, Query } from '@nestjs/common';
import { IdPipe, Problems, PubliclyCached } from '#http';
import { Actor, Caller, Public } from '#security';
import { LinksService } from '../files/links.service.js';
import { PostSummaryResponse } from './posts.dto.js';
import { postNotFound } from './posts.errors.js';
import { madeOf } from './posts.rules.js';
import { RelatedPosts, RelatedQuery } from './related.dto.js';
import { RelatedService } from './related.service.js';

@Controller('posts')
export class RelatedController {
  constructor(
    private readonly related: RelatedService,
    private readonly links: LinksService,
  ) {}

  /** Posts to read next: published ones with the same tags, rare ones before common ones, and with the same words */
  @Get(':id/related')
  @Public()
  @PubliclyCached('POSTS_MAX_AGE_SECONDS', ({ items }: RelatedPosts) => madeOf(items, 'posts'))
  @Problems(postNotFound)
  async list(@Caller() actor: Actor | null, @Param('id', IdPipe) id: string, @Query() { limit }: RelatedQuery): Promise<RelatedPosts> {
    const posts = await this.related.list(actor, id, limit);
    return { items: posts.map((post) => PostSummaryResponse.from(post, this.links)) };
  }
}
