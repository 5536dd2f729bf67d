import { Injectable } from '@nestjs/common';
import { type Db, execute, Prisma, type Tx } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';

const BATCH = 500;

/** What a person has told editors or, as an editor, authors; and the previews that they share. */
@Injectable()
export class ReviewsPrivacy extends PersonalData {
  readonly name = 'post-reviews';
  readonly tables = ['post_reviews', 'preview_links'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const of = { OR: [{ submittedById: userId }, { decidedById: userId }, { post: { authorId: userId } }] };
    const reviews = (last?: { id: string }) =>
      db.review.findMany({ where: { ...of, ...(last && { id: { gt: last.id } }) }, orderBy: { id: 'asc' }, take: 100 });
    yield { name: 'post-reviews.json', about: 'Reviews of your posts, and those that you asked for or decided.', rows: paged(reviews) };
    const links = (last?: { id: string }) =>
      db.previewLink.findMany({ where: { createdById: userId, ...(last && { id: { gt: last.id } }) }, orderBy: { id: 'asc' }, take: 100 });
    yield {
      name: 'preview-links.json',
      about: 'Preview links that you have shared. The links themselves are not kept.',
      rows: paged(links),
    };
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    await execute(db, Prisma.sql`DELETE FROM preview_links WHERE created_by_id = ${userId}::uuid`);
    const own = await execute(
      db,
      Prisma.sql`DELETE FROM post_reviews WHERE id IN (
        SELECT r.id FROM post_reviews r JOIN posts p ON p.id = r.post_id WHERE p.author_id = ${userId}::uuid LIMIT ${BATCH})`,
    );
    const notes = await execute(
      db,
      Prisma.sql`UPDATE post_reviews SET note = CASE submitted_by_id WHEN ${userId}::uuid THEN NULL ELSE note END,
          decision_note = CASE decided_by_id WHEN ${userId}::uuid THEN NULL ELSE decision_note END
        WHERE id IN (SELECT id FROM post_reviews WHERE (submitted_by_id = ${userId}::uuid AND note IS NOT NULL)
          OR (decided_by_id = ${userId}::uuid AND decision_note IS NOT NULL) LIMIT ${BATCH})`,
    );
    return own === BATCH || notes === BATCH ? 'more' : undefined;
  }
}
