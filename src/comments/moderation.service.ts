import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { execute, Prisma, PrismaService, transaction, type Tx } from '#database';
import { publish } from '#events';
import { expectVersion, type ExpectedVersions, type Page, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import { commentNotFound } from './comments.errors.js';
import { commentApproved, commentRejected } from './comments.events.js';
import { auditedComment, findComment, findQueued, listQueue, lockComment, type QueuedComment } from './comments.queries.js';
import { PostsService } from '../posts/posts.service.js';
import { about, CommentsService, outdate } from './comments.service.js';
import type { ListQueueQuery, ModerateCommentDto } from './moderation.dto.js';

/** Deciding about comments: what waits, and what others find wrong. A decision answers the reports that were made before it. */
@Injectable()
export class ModerationService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly comments: CommentsService,
    private readonly posts: PostsService,
  ) {}

  async queue(_actor: Actor, query: ListQueueQuery): Promise<Page<QueuedComment>> {
    const found = await listQueue(this.prisma, query, readCursor(query.cursor, query.sort, 'time'));
    return toPage(
      found,
      query,
      (comment) => comment.createdAt,
      (comment) => comment,
    );
  }

  async decide(actor: Actor, id: string, decision: ModerateCommentDto, expected: ExpectedVersions): Promise<QueuedComment> {
    return transaction(this.prisma, async (db) => {
      await lockComment(db, id, 'change');
      const before = await findQueued(db, id);
      if (before === null || before.status === 'deleted') throw commentNotFound('No comment has this id.');
      expectVersion(before.version, expected);
      await this.keep(actor, id, decision, db);
      const after = (await findQueued(db, id))!;
      outdate(db, after);
      const action = `comments.${decision.status === 'spam' ? 'marked-as-spam' : decision.status}` as const;
      await record(db, { actor, action, resource: auditedComment(id), subject: after.authorId, before, after });
      if (after.status !== before.status) await this.tell(actor, before, after, db);
      return after;
    });
  }

  private async keep(actor: Actor, id: string, { status, note }: ModerateCommentDto, db: Tx): Promise<void> {
    await execute(
      db,
      Prisma.sql`UPDATE comments SET status = ${status}::comment_status, held_for = '{}', moderator_id = ${actor.id}::uuid, moderated_at = now(), moderation_note = ${note ?? null},
          approved_at = CASE WHEN ${status} = 'approved' THEN coalesce(approved_at, now()) ELSE approved_at END, version = version + 1
        WHERE id = ${id}::uuid`,
    );
    await execute(db, Prisma.sql`UPDATE comment_reports SET resolved_at = now() WHERE comment_id = ${id}::uuid AND resolved_at IS NULL`);
  }

  private async tell(actor: Actor, before: QueuedComment, after: QueuedComment, db: Tx): Promise<void> {
    if (after.status !== 'approved') {
      await publish(db, commentRejected, ...about(actor, after, { status: after.status as 'rejected' | 'spam' }));
      return;
    }
    await publish(db, commentApproved, ...about(actor, after, {}));
    const post = await this.posts.commented(after.postId, db);
    if (before.approvedAt !== null || post === null) return;
    await this.comments.announce(actor, after, post, after.parentId === null ? null : await findComment(db, after.parentId), db);
  }
}
