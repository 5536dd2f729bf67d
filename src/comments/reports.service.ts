import { randomUUIDv7 } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { Env } from '#config';
import { type Db, execute, Prisma, PrismaService, rows, transaction, type Tx } from '#database';
import { publish } from '#events';
import { keysetSql, type Page, parseSort, readCursor, toPage } from '#http';
import type { Actor } from '#security';
import { alreadyReported, commentNotFound, ownComment } from './comments.errors.js';
import { commentHeld, commentReported } from './comments.events.js';
import { auditedComment, type Comment, findComment, lockComment } from './comments.queries.js';
import { about, CommentsService, outdate } from './comments.service.js';
import type { ListReportsQuery, ReportCommentDto } from './reports.dto.js';

/** A report, with the name of whoever made it. */
export interface Report {
  id: string;
  commentId: string;
  reporterId: string;
  reporterName: string;
  reason: string;
  createdAt: Date;
  resolvedAt: Date | null;
}

const REPORT = Prisma.sql`r.id, r.comment_id AS "commentId", r.user_id AS "reporterId", u.name AS "reporterName", r.reason, r.created_at AS "createdAt", r.resolved_at AS "resolvedAt"`;
const FROM = Prisma.sql`FROM comment_reports r JOIN users u ON u.id = r.user_id`;

/** What people find wrong: each of them once. So many of them take a comment out of sight, until a moderator has decided. */
@Injectable()
export class ReportsService {
  constructor(
    private readonly prisma: PrismaService,
    private readonly comments: CommentsService,
    private readonly env: Env,
  ) {}

  async report(actor: Actor, commentId: string, { reason }: ReportCommentDto, db: Db = this.prisma): Promise<Report> {
    return transaction(db, async (tx) => {
      // Of reports at once, each counts those before it.
      await lockComment(tx, commentId, 'change');
      const comment = await this.comments.get(actor, commentId, tx);
      if (comment.authorId === actor.id) throw ownComment('This comment is your own; delete it instead.');
      const id = randomUUIDv7();
      const made = await execute(
        tx,
        Prisma.sql`INSERT INTO comment_reports (id, comment_id, user_id, reason)
          SELECT ${id}::uuid, id, ${actor.id}::uuid, ${reason} FROM comments WHERE id = ${commentId}::uuid AND status <> 'deleted'
            AND NOT EXISTS (SELECT FROM comment_reports WHERE comment_id = ${commentId}::uuid AND user_id = ${actor.id}::uuid)`,
      );
      if (made === 0 && comment.status === 'deleted') throw commentNotFound('The comment was deleted.');
      if (made === 0) throw alreadyReported('You have reported this comment before.');
      await record(tx, { actor, action: 'comments.reported', resource: auditedComment(commentId), subject: comment.authorId });
      await this.count(actor, comment, tx);
      const [report] = await rows<Report>(tx, Prisma.sql`SELECT ${REPORT} ${FROM} WHERE r.id = ${id}::uuid`);
      return report!;
    });
  }

  async list(_actor: Actor, commentId: string, query: ListReportsQuery): Promise<Page<Report>> {
    const position = readCursor(query.cursor, query.sort, 'time');
    if ((await findComment(this.prisma, commentId)) === null) throw commentNotFound('No comment has this id.');
    const { after, order } = keysetSql(Prisma.sql`r.created_at`, Prisma.sql`r.id`, parseSort(query.sort), position);
    const found = await rows<Report>(
      this.prisma,
      Prisma.sql`SELECT ${REPORT} ${FROM} WHERE r.comment_id = ${commentId}::uuid ${after} ${order} LIMIT ${query.limit + 1}`,
    );
    return toPage(
      found,
      query,
      (report) => report.createdAt,
      (report) => report,
    );
  }

  private async count(actor: Actor, comment: Comment, db: Tx): Promise<void> {
    const [{ open } = { open: 0 }] = await rows<{ open: number }>(
      db,
      Prisma.sql`SELECT count(*)::int AS open FROM comment_reports WHERE comment_id = ${comment.id}::uuid AND resolved_at IS NULL`,
    );
    await publish(db, commentReported, ...about(actor, comment, { open }));
    if (comment.status !== 'approved' || open < this.env.COMMENTS_REPORTS_TO_HIDE) return;
    await execute(
      db,
      Prisma.sql`UPDATE comments SET status = 'pending', held_for = '{reports}', version = version + 1 WHERE id = ${comment.id}::uuid`,
    );
    outdate(db, comment);
    await publish(db, commentHeld, ...about(actor, comment, { heldFor: ['reports'] }));
  }
}
