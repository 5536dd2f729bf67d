import { Injectable } from '@nestjs/common';
import { type Db, execute, Prisma, type Tx } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';

const BATCH = 500;

/** Former versions of what a person has written, what they did to the posts of others, and what they typed and did not save. */
@Injectable()
export class HistoryPrivacy extends PersonalData {
  readonly name = 'post-history';
  readonly tables = ['post_revisions', 'post_autosaves'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const revisions = (last?: { postId: string; n: number }) =>
      db.revision.findMany({
        where: { post: { authorId: userId }, ...(last && after(last.postId, 'n', last.n)) },
        orderBy: [{ postId: 'asc' }, { n: 'asc' }],
        take: 100,
      });
    yield {
      name: 'post-revisions.json',
      about: 'The history of your posts. A version has the content that the next one changed; the newest is the post itself.',
      rows: paged(revisions),
    };
    const edits = (last?: { postId: string; n: number }) =>
      db.revision.findMany({
        where: { editorId: userId, post: { authorId: { not: userId } }, ...(last && after(last.postId, 'n', last.n)) },
        omit: { content: true, body: true },
        orderBy: [{ postId: 'asc' }, { n: 'asc' }],
        take: 100,
      });
    yield { name: 'post-edits.json', about: 'What you did to the posts of others.', rows: paged(edits) };
    const autosaves = (last?: { postId: string }) =>
      db.autosave.findMany({
        where: { editorId: userId, ...(last && { postId: { gt: last.postId } }) },
        orderBy: { postId: 'asc' },
        take: 100,
      });
    yield { name: 'post-autosaves.json', about: 'What you typed into posts and did not save.', rows: paged(autosaves) };
  }

  /** The history of what stays public goes, too: of a person who is gone only what everybody may read is left. */
  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const autosaves = await execute(
      db,
      Prisma.sql`DELETE FROM post_autosaves WHERE (post_id, editor_id) IN (
        SELECT post_id, editor_id FROM post_autosaves WHERE editor_id = ${userId}::uuid ORDER BY post_id LIMIT ${BATCH})`,
    );
    const revisions = await execute(
      db,
      Prisma.sql`DELETE FROM post_revisions WHERE (post_id, n) IN (
        SELECT r.post_id, r.n FROM post_revisions r JOIN posts p ON p.id = r.post_id WHERE p.author_id = ${userId}::uuid
        ORDER BY r.post_id, r.n LIMIT ${BATCH})`,
    );
    const summaries = await execute(
      db,
      Prisma.sql`UPDATE post_revisions SET summary = NULL WHERE (post_id, n) IN (
        SELECT post_id, n FROM post_revisions WHERE editor_id = ${userId}::uuid AND summary IS NOT NULL ORDER BY post_id, n LIMIT ${BATCH})`,
    );
    return [autosaves, revisions, summaries].includes(BATCH) ? 'more' : undefined;
  }
}

/** Behind a row, in the order of both columns. */
function after<Second extends string>(postId: string, second: Second, value: number) {
  return { OR: [{ postId: { gt: postId } }, { postId, [second]: { gt: value } }] };
}
