import { Injectable } from '@nestjs/common';
import { SYSTEM } from '#audit';
import { PrismaService, type Tx } from '#database';
import { publish } from '#events';
import { enqueue, Handles, type JobRun } from '#jobs';
import type { Actor } from '#security';
import { BodiesService } from './bodies.service.js';
import { outdate } from './changes.service.js';
import { of, postExpired, postPublished, postScheduled, postUnpublished, postUpdated } from './posts.events.js';
import { appearance, type AppearancePayload, expiry, type ExpiryPayload } from './posts.jobs.js';
import { findPost, type Post } from './posts.queries.js';
import { statusOf } from './posts.rules.js';
import { closeReview } from './reviews.queries.js';

/** What follows from a publication that was just written. */
export async function tellPublication(actor: Actor, post: Post, before: Post, now: Date, db: Tx): Promise<void> {
  const [payload, about] = of(actor, post);
  const publishedAt = post.publishedAt!;
  const facts = { ...payload, publishedAt: publishedAt.toISOString() };
  const [was, is] = [statusOf(before, now), statusOf(post, now)];
  if (before.review === 'submitted')
    await closeReview(db, post, { outcome: actor.id === post.authorId ? 'withdrawn' : 'approved', actor, note: null });
  if (is === 'scheduled') {
    if (was === 'published') await publish(db, postUnpublished, payload, about);
    await publish(db, postScheduled, facts, about);
    await enqueue(db, appearance, { postId: post.id, at: facts.publishedAt }, { runAt: publishedAt, key: post.id });
  } else if (was !== 'published') await publish(db, postPublished, facts, about);
  else {
    const changed = (['publishedAt', 'expiresAt'] as const).filter((name) => before[name]?.getTime() !== post[name]?.getTime());
    if (changed.length > 0) await publish(db, postUpdated, { ...payload, changed }, about);
  }
  if (post.expiresAt !== null)
    await enqueue(db, expiry, { postId: post.id, at: post.expiresAt.toISOString() }, { runAt: post.expiresAt, key: post.id });
}

/** Says when posts appear and end. Whether they are public nobody asks it: that is a matter of the clock. */
@Injectable()
export class PublicationsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly bodies: BodiesService,
  ) {}

  /** Says that a scheduled post has appeared, unless it was given another time since, or went into the trash. */
  @Handles(appearance)
  async appear({ postId, at }: AppearancePayload, run: JobRun): Promise<void> {
    await run.once(this.prisma, async (db) => {
      const post = await this.lock(postId, db);
      if (post?.publishedAt?.toISOString() !== at) return;
      await this.show(post, db);
      const [payload, about] = of(SYSTEM, post);
      await publish(db, postPublished, { ...payload, publishedAt: at }, about);
    });
  }

  /** Says that a published post has ended, unless it was given another end since, or none, or went into the trash. */
  @Handles(expiry)
  async end({ postId, at }: ExpiryPayload, run: JobRun): Promise<void> {
    await run.once(this.prisma, async (db) => {
      const post = await this.lock(postId, db);
      if (post?.expiresAt?.toISOString() !== at) return;
      await this.show(post, db);
      const [payload, about] = of(SYSTEM, post);
      await publish(db, postExpired, { ...payload, expiresAt: at }, about);
    });
  }

  private lock(id: string, db: Tx): Promise<Post | null> {
    return findPost(db, { id }, { locked: true });
  }

  /** Its files are public as long as it is; what strangers were answered with their links of before is out of date, too. */
  private async show(post: Post, db: Tx): Promise<void> {
    await this.bodies.align(null, post, statusOf(post, new Date()) === 'published', post, db);
    outdate(db, post);
  }
}
