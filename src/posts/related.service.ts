import { Injectable } from '@nestjs/common';
import { PrismaService } from '#database';
import type { Actor } from '#security';
import { markLiked } from './likes.queries.js';
import type { PostSummary } from './posts.queries.js';
import { PostsService } from './posts.service.js';
import { relatedPosts } from './related.queries.js';

/** What to read next: published posts like one that the caller may see. */
@Injectable()
export class RelatedService {
  constructor(
    private readonly posts: PostsService,
    private readonly prisma: PrismaService,
  ) {}

  async list(actor: Actor | null, id: string, limit: number): Promise<PostSummary[]> {
    const posts = await relatedPosts(this.prisma, await this.posts.get(actor, id), limit, new Date());
    await markLiked(this.prisma, actor, posts);
    return posts;
  }
}
