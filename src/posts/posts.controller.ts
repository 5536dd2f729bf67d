import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems, PubliclyCached } from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import { CreatePostDto, FoundPostResponse, ListPostsQuery, PostList, PostResponse, PublishPostDto, UpdatePostDto } from './posts.dto.js';
import { notYourPost, orderRefused, postExternalIdTaken, postNotFound, slugTaken } from './posts.errors.js';
import { madeOf } from './posts.rules.js';
import { PostsService } from './posts.service.js';
import { WORDS } from './search.rules.js';
import { SearchService } from './search.service.js';

@Controller('posts')
export class PostsController {
  constructor(
    private readonly posts: PostsService,
    private readonly search: SearchService,
  ) {}

  /** List posts: published ones, and your own */
  @Get()
  @Public()
  @PubliclyCached('POSTS_MAX_AGE_SECONDS', ({ items, search }: PostList) => madeOf(items, 'posts', ...(search ? [WORDS] : [])))
  @Problems(orderRefused)
  async list(@Caller() actor: Actor | null, @Query() query: ListPostsQuery): Promise<PostList> {
    const page = await this.search.list(actor, query);
    return { ...page, items: page.items.map(FoundPostResponse.from) };
  }

  /** Write a post, as a draft */
  @Post()
  @Requires('posts:write')
  @Creates('/posts/:id')
  @Problems(slugTaken, postExternalIdTaken)
  write(@Caller() actor: Actor, @Body() draft: CreatePostDto, @Idempotent() once: Once): Promise<PostResponse> {
    return once.do(async (db) => PostResponse.from(await this.posts.write(actor, draft, db)));
  }

  /** Read a post */
  @Get(':idOrSlug')
  @Public()
  @PubliclyCached('POSTS_MAX_AGE_SECONDS', (post: PostResponse) => madeOf([post], `post:${post.id}`))
  @Problems(postNotFound)
  async get(@Caller() actor: Actor | null, @Param('idOrSlug') idOrSlug: string): Promise<PostResponse> {
    return PostResponse.from(await this.posts.get(actor, idOrSlug));
  }

  /** Edit a post */
  @Patch(':id')
  @Requires('posts:write')
  @Problems(postNotFound, notYourPost, slugTaken, postExternalIdTaken)
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdatePostDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<PostResponse> {
    return PostResponse.from(await this.posts.update(actor, id, changes, expected));
  }

  /** Put a post into the trash */
  @Delete(':id')
  @Requires('posts:write')
  @HttpCode(204)
  @Problems(postNotFound, notYourPost)
  trash(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.posts.trash(actor, id, expected);
  }

  /** Take a post out of the trash */
  @Post(':id/restoration')
  @Requires('posts:write')
  @HttpCode(200)
  @Problems(postNotFound, notYourPost)
  restore(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Idempotent() once: Once): Promise<PostResponse> {
    return once.do(async (db) => PostResponse.from(await this.posts.restore(actor, id, db)));
  }

  /** Publish a post, now or at a time to come */
  @Put(':id/publication')
  @Requires('posts:publish')
  @Problems(postNotFound, notYourPost)
  async publish(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() when: PublishPostDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<PostResponse> {
    return PostResponse.from(await this.posts.publish(actor, id, when, expected));
  }

  /** Take a post back from publication, to a draft */
  @Delete(':id/publication')
  @Requires('posts:publish')
  @Problems(postNotFound, notYourPost)
  async unpublish(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<PostResponse> {
    return PostResponse.from(await this.posts.unpublish(actor, id, expected));
  }
}
