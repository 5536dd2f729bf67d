import { Injectable } from '@nestjs/common';
import { invalidate } from '#cache';
import { execute, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { type EventDefinition, publish } from '#events';
import type { Actor } from '#security';
import { commentsClosed } from './comments.errors.js';
import { type LikePayload, postLiked, postUnliked } from './likes.events.js';
import { postNotFound } from '../posts/posts.errors.js';
import { maySee, statusOf } from '../posts/posts.rules.js';
import { PostsService } from '../posts/posts.service.js';

/** Whether somebody likes a post, and how many do. */
export interface Liking {
  postId: string;
  liked: boolean;
  likes: number;
}

/** Liking posts: one row for each person and post decides, and triggers count. Nothing of the post is locked or changed by it. */
@Injectable()
export class LikesService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly posts: PostsService,
  ) {}

  async like(actor: Actor, postId: string): Promise<Liking> {
    return this.change(actor, postId, true, postLiked, (db) =>
      execute(
        db,
        Prisma.sql`INSERT INTO likes (post_id, user_id) VALUES (${postId}::uuid, ${actor.id}::uuid) ON CONFLICT (post_id, user_id) DO NOTHING`,
      ),
    );
  }

  async unlike(actor: Actor, postId: string): Promise<Liking> {
    return this.change(actor, postId, false, postUnliked, (db) =>
      execute(db, Prisma.sql`DELETE FROM likes WHERE post_id = ${postId}::uuid AND user_id = ${actor.id}::uuid`),
    );
  }

  private async change(
    actor: Actor,
    postId: string,
    liked: boolean,
    happened: EventDefinition<LikePayload>,
    write: (db: Tx) => Promise<number>,
  ): Promise<Liking> {
    return transaction(this.prisma, async (db) => {
      const post = await this.posts.commented(postId, db, { kept: true });
      if (post === null || !maySee(actor, post, new Date()))
        throw postNotFound('No post that you may see has this id.', { concealed: post !== null });
      if (liked && statusOf(post, new Date()) !== 'published') throw commentsClosed('The post is not published; nobody can like it yet.');
      if ((await write(db)) > 0) {
        invalidate(db, [`counts:${postId}`]);
        const about = { actor, resource: { type: 'post', id: postId }, subject: post.authorId };
        await publish(db, happened, { postId, authorId: post.authorId, userId: actor.id }, about);
      }
      const [counts] = await rows<{ likes: number }>(db, Prisma.sql`SELECT likes FROM post_counts WHERE post_id = ${postId}::uuid`);
      return { postId, liked, likes: counts?.likes ?? 0 };
    });
  }
}
