import { Injectable } from '@nestjs/common';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';
import { removeComment } from './comments.queries.js';
import { outdate } from './comments.service.js';

/** What a person has said about posts, and reported of others. It goes with them; where others have replied, its place stays. */
@Injectable()
export class CommentsPrivacy extends PersonalData {
  readonly name = 'comments';
  readonly tables = ['comments', 'comment_mentions', 'comment_reports'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const comments = (last?: { id: string }) =>
      db.comment.findMany({
        where: { authorId: userId, ...(last && { id: { gt: last.id } }) },
        omit: { bodyHtml: true, moderatorId: true },
        include: { mentions: { omit: { commentId: true } } },
        orderBy: { id: 'asc' },
        take: 100,
      });
    yield { name: 'comments.json', about: 'The comments that you wrote.', rows: paged(comments) };
    const reports = (last?: { id: string }) =>
      db.commentReport.findMany({ where: { userId, ...(last && { id: { gt: last.id } }) }, orderBy: { id: 'asc' }, take: 100 });
    yield { name: 'comment-reports.json', about: 'The comments that you reported.', rows: paged(reports) };
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    await execute(db, Prisma.sql`DELETE FROM comment_reports WHERE user_id = ${userId}::uuid`);
    const mentions = await rows<{ postId: string }>(
      db,
      Prisma.sql`DELETE FROM comment_mentions m USING comments c WHERE m.user_id = ${userId}::uuid AND c.id = m.comment_id RETURNING c.post_id AS "postId"`,
    );
    // One a transaction: it holds the post's count to its end, and whoever has that must not wait for another thread.
    const comments = await rows<{ id: string; parentId: string | null; postId: string }>(
      db,
      Prisma.sql`SELECT id, parent_id AS "parentId", post_id AS "postId" FROM comments WHERE author_id = ${userId}::uuid ORDER BY id DESC LIMIT 1 FOR UPDATE`,
    );
    for (const comment of comments) await removeComment(db, comment);
    for (const postId of new Set([...mentions, ...comments].map(({ postId }) => postId))) outdate(db, { postId });
    return comments.length > 0 ? 'more' : undefined;
  }
}
