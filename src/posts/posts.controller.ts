import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems, PubliclyCached } from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import { LinksService } from '../files/links.service.js';
import { CreatePostDto, FoundPostResponse, ListPostsQuery, PostList, PostResponse, UpdatePostDto } from './posts.dto.js';
import {
  bodyTooComplex,
  imageUnusable,
  notYourPost,
  orderRefused,
  postExternalIdTaken,
  postMoved,
  postNotFound,
  publicationLocked,
  slugTaken,
} from './posts.errors.js';
import { madeOf } from './posts.rules.js';
import { PostsService } from './posts.service.js';
import { PublishPostDto } from './publications.dto.js';
import { WORDS } from './search.rules.js';
import { SearchService } from './search.service.js';
import { seriesFull, seriesUnusable } from './series.errors.js';
import { TrashService } from './trash.service.js';

@Controller('posts')
export class PostsController {
  constructor(
    private readonly posts: PostsService,
    private readonly search: SearchService,
    private readonly trashed: TrashService,
    private readonly links: LinksService,
  ) {}

  /** List posts: published ones, and your own */
  @Get()
  @Public()
  @PubliclyCached('POSTS_MAX_AGE_SECONDS', ({ items, search }: PostList) => madeOf(items, 'posts', ...(search ? [WORDS] : [])))
  @Problems(orderRefused)
  async list(@Caller() actor: Actor | null, @Query() query: ListPostsQuery): Promise<PostList> {
    const page = await this.search.list(actor, query);
    return { ...page, items: page.items.map((post) => FoundPostResponse.from(post, this.links)) };
  }

  /** Write a post, as a draft */
  @Post()
  @Requires('posts:write')
  @Creates('/posts/:id')
  @Problems(slugTaken, postExternalIdTaken, bodyTooComplex, imageUnusable, seriesUnusable, seriesFull)
  write(@Caller() actor: Actor, @Body() draft: CreatePostDto, @Idempotent() once: Once): Promise<PostResponse> {
    return once.do(async (db) => PostResponse.from(await this.posts.write(actor, draft, db), this.links));
  }

  /**
   * Read a post
   *
   * By a slug that it had before it was renamed, `Location` of the answer leads to it.
   */
  @Get(':idOrSlug')
  @Public()
  @PubliclyCached('POSTS_MAX_AGE_SECONDS', (post: PostResponse) => madeOf([post], `post:${post.id}`))
  @Problems(postNotFound, postMoved)
  async get(@Caller() actor: Actor | null, @Param('idOrSlug') idOrSlug: string): Promise<PostResponse> {
    return PostResponse.from(await this.posts.get(actor, idOrSlug), this.links);
  }

  /**
   * Edit a post
   *
   * With `If-Match` from the version that you have read: if somebody has changed the post meanwhile, the answer (412) names in `errors` each
   * member that differs now, by whom it was changed and when. Whoever may not publish cannot change what is out.
   */
  @Patch(':id')
  @Requires('posts:write')
  @Problems(
    postNotFound,
    notYourPost,
    publicationLocked,
    slugTaken,
    postExternalIdTaken,
    bodyTooComplex,
    imageUnusable,
    seriesUnusable,
    seriesFull,
  )
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdatePostDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<PostResponse> {
    return PostResponse.from(await this.posts.update(actor, id, changes, expected), this.links);
  }

  /** Put a post into the trash */
  @Delete(':id')
  @Requires('posts:write')
  @HttpCode(204)
  @Problems(postNotFound, notYourPost)
  trash(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.trashed.trash(actor, id, expected);
  }

  /**
   * Delete a post for good, out of the trash
   *
   * With its history, its comments and all else that hangs on it. Without this call it goes by itself after 30 days (POSTS_TRASH_DAYS).
   */
  @Delete(':id/trash')
  @Requires('posts:write')
  @HttpCode(204)
  @Problems(postNotFound)
  delete(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.trashed.delete(actor, id, expected);
  }

  /** Take a post out of the trash */
  @Post(':id/restoration')
  @Requires('posts:write')
  @HttpCode(200)
  @Problems(postNotFound)
  restore(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Idempotent() once: Once): Promise<PostResponse> {
    return once.do(async (db) => PostResponse.from(await this.trashed.restore(actor, id, db), this.links));
  }

  /**
   * Publish a post, now or at a time to come, with or without an end
   *
   * It appears and ends by the clock itself, to the millisecond; `post.published` and `post.expired` follow within a second or so.
   */
  @Put(':id/publication')
  @Requires('posts:publish')
  @Problems(postNotFound, notYourPost)
  async publish(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() when: PublishPostDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<PostResponse> {
    return PostResponse.from(await this.posts.publish(actor, id, when, expected), this.links);
  }

  /** Take a post back from publication, to a draft */
  @Delete(':id/publication')
  @Requires('posts:publish')
  @Problems(postNotFound, notYourPost)
  async unpublish(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<PostResponse> {
    return PostResponse.from(await this.posts.unpublish(actor, id, expected), this.links);
  }
}
