import { Injectable } from '@nestjs/common';
import { invalidate } from '#cache';
import { Env } from '#config';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import { enqueue } from '#jobs';
import { type ExportedFile, paged, PersonalData } from '#privacy';
import { BodiesService } from './bodies.service.js';
import { forgetting } from './words.jobs.js';

const BATCH = 500;

/** What a person has written. Drafts go with them; what is published goes, too, unless POSTS_AFTER_ERASURE says that it stays without a name. */
@Injectable()
export class PostsPrivacy extends PersonalData {
  readonly name = 'posts';
  readonly tables = ['posts', 'former_slugs', 'tags', 'post_tags'];

  constructor(
    private readonly env: Env,
    private readonly bodies: BodiesService,
  ) {
    super();
  }

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const posts = (last?: { id: string }) =>
      db.post.findMany({
        where: { authorId: userId, ...(last && { id: { gt: last.id } }) },
        omit: { bodyHtml: true, contents: true, rendering: true },
        include: { formerSlugs: { select: { slug: true, createdAt: true } } },
        orderBy: { id: 'asc' },
        take: 100,
      });
    yield { name: 'posts.json', about: 'The posts that you wrote, drafts and trashed ones among them.', rows: paged(posts) };
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const stays =
      this.env.POSTS_AFTER_ERASURE === 'keep'
        ? Prisma.sql`published_at <= now() AND trashed_at IS NULL AND (expires_at IS NULL OR expires_at > now())`
        : Prisma.sql`false`;
    const gone = await rows<{ id: string }>(
      db,
      Prisma.sql`DELETE FROM posts WHERE id IN (
        SELECT id FROM posts WHERE author_id = ${userId}::uuid AND (${stays}) IS NOT TRUE ORDER BY id LIMIT ${BATCH}) RETURNING id`,
    );
    await this.bodies.release(
      gone.map(({ id }) => id),
      db,
    );
    const bared = await execute(
      db,
      Prisma.sql`UPDATE posts SET external_id = NULL, metadata = '{}', version = version + 1, updated_at = now() WHERE id IN (
        SELECT id FROM posts WHERE author_id = ${userId}::uuid AND (external_id IS NOT NULL OR metadata <> '{}') ORDER BY id LIMIT ${BATCH})`,
    );
    if (gone.length > 0) await enqueue(db, forgetting, {}, { key: 'erasure' });
    if (gone.length > 0 || bared > 0) invalidate(db, ['posts', `user:${userId}`, ...gone.map(({ id }) => `post:${id}`)]);
    return gone.length === BATCH || bared === BATCH ? 'more' : undefined;
  }
}
