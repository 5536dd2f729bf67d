import { Injectable } from '@nestjs/common';
import { record, SYSTEM } from '#audit';
import { invalidate } from '#cache';
import { Env } from '#config';
import { type Db, execute, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { publish } from '#events';
import { type ExpectedVersions, expectVersion } from '#http';
import type { Actor } from '#security';
import { BodiesService } from './bodies.service.js';
import { ChangesService } from './changes.service.js';
import { of, postDeleted, postRestored, postTrashed } from './posts.events.js';
import { auditedPost, type Post, type PostSummary } from './posts.queries.js';

/** Each is deleted with all that hangs on it: few at a time, so that nobody waits long for a lock. */
const DELETED_AT_ONCE = 50;

/** Taking posts away: into the trash, out of it again, or for good. */
@Injectable()
export class TrashService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
    private readonly changes: ChangesService,
    private readonly bodies: BodiesService,
  ) {}

  /** Its preview links end with it. */
  async trash(actor: Actor, id: string, expected: ExpectedVersions, db: Db = this.prisma): Promise<void> {
    const decide = () => ({ trashedAt: new Date() });
    const tell = async (post: Post, _before: Post, tx: Tx) => {
      await tx.previewLink.deleteMany({ where: { postId: id } });
      await publish(tx, postTrashed, ...of(actor, post));
    };
    await this.changes.change(actor, id, expected, { kind: 'trashed', decide, tell }, db);
  }

  async restore(actor: Actor, id: string, db: Db = this.prisma): Promise<Post> {
    const tell = (post: Post, _before: Post, tx: Tx) => publish(tx, postRestored, ...of(actor, post));
    return this.changes.change(actor, id, null, { kind: 'recovered', decide: () => ({ trashedAt: null }), tell }, db);
  }

  /** Deletes a post for good, out of the trash only: nothing that anybody reads goes in one step. */
  async delete(actor: Actor, id: string, expected: ExpectedVersions, db: Db = this.prisma): Promise<void> {
    await transaction(db, async (tx) => {
      const post = await this.changes.lock(actor, id, tx, { trashed: true });
      expectVersion(post.version, expected);
      await this.remove(actor, post, tx);
    });
  }

  /** Deletes what has lain in the trash for longer than `POSTS_TRASH_DAYS`. */
  async purge(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await transaction(this.prisma, (db) => this.purgeSome(db))) === DELETED_AT_ONCE);
  }

  private async purgeSome(db: Tx): Promise<number> {
    const old = await rows<Pick<PostSummary, 'id' | 'authorId'>>(
      db,
      Prisma.sql`SELECT id, author_id AS "authorId" FROM posts WHERE trashed_at < now() - make_interval(days => ${this.env.POSTS_TRASH_DAYS})
        ORDER BY id LIMIT ${DELETED_AT_ONCE} FOR UPDATE SKIP LOCKED`,
    );
    for (const post of old) await this.remove(SYSTEM, post, db);
    return old.length;
  }

  private async remove(actor: Actor | typeof SYSTEM, post: Pick<PostSummary, 'id' | 'authorId'>, db: Tx): Promise<void> {
    await this.bodies.release([post.id], db);
    await execute(db, Prisma.sql`DELETE FROM posts WHERE id = ${post.id}::uuid`);
    invalidate(db, ['posts', `post:${post.id}`]);
    const [before, after] = [{ trashed: true }, { trashed: null }];
    await record(db, { actor, action: 'posts.deleted', resource: auditedPost(post.id), subject: post.authorId, before, after });
    const [payload, about] = of(actor, post);
    await publish(db, postDeleted, payload, about);
  }
}
