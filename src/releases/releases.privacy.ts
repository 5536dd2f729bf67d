import { Injectable } from '@nestjs/common';
import { type Db, execute, Prisma, type Tx } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';

const BATCH = 500;

/** What releases hold of a person’s posts. Releases themselves are the company’s plans, and stay: who made them is an id that leads to no name. */
@Injectable()
export class ReleasesPrivacy extends PersonalData {
  readonly name = 'releases';
  readonly tables = ['releases', 'release_items'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const releases = (last?: { id: string }) =>
      db.release.findMany({ where: { createdById: userId, ...(last && { id: { gt: last.id } }) }, orderBy: { id: 'asc' }, take: 500 });
    yield { name: 'releases.json', about: 'The releases that you have begun at work.', rows: paged(releases) };
    const items = (last?: { id: string }) =>
      db.releaseItem.findMany({
        where: { subjectId: userId, ...(last && { id: { gt: last.id } }) },
        orderBy: { id: 'asc' },
        take: 100,
      });
    yield { name: 'release-items.json', about: 'What releases change of your posts, or have changed.', rows: paged(items) };
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const gone = await execute(
      db,
      Prisma.sql`DELETE FROM release_items WHERE id IN (SELECT id FROM release_items WHERE subject_id = ${userId}::uuid ORDER BY id LIMIT ${BATCH})`,
    );
    if (gone === BATCH) return 'more';
  }
}
