import { Injectable } from '@nestjs/common';
import { invalidate } from '#cache';
import { type Db, Prisma, rows, type Tx } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';

const BATCH = 500;

/** Which posts a person likes. */
@Injectable()
export class LikesPrivacy extends PersonalData {
  readonly name = 'likes';
  readonly tables = ['likes', 'post_counts'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const likes = (last?: { postId: string }) =>
      db.like.findMany({ where: { userId, ...(last && { postId: { gt: last.postId } }) }, orderBy: { postId: 'asc' }, take: 500 });
    yield { name: 'likes.json', about: 'The posts that you like.', rows: paged(likes) };
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const gone = await rows<{ postId: string }>(
      db,
      Prisma.sql`DELETE FROM likes WHERE user_id = ${userId}::uuid AND post_id IN (
        SELECT post_id FROM likes WHERE user_id = ${userId}::uuid ORDER BY post_id LIMIT ${BATCH}) RETURNING post_id AS "postId"`,
    );
    invalidate(
      db,
      gone.map(({ postId }) => `counts:${postId}`),
    );
    return gone.length === BATCH ? 'more' : undefined;
  }
}
