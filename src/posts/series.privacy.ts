import { Injectable } from '@nestjs/common';
import { invalidate } from '#cache';
import type { Db, Tx } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';

const BATCH = 500;

/** The series that a person has begun. They go with them; posts of others that were in them stay. */
@Injectable()
export class SeriesPrivacy extends PersonalData {
  readonly name = 'series';
  readonly tables = ['series'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const series = (last?: { id: string }) =>
      db.series.findMany({ where: { ownerId: userId, ...(last && { id: { gt: last.id } }) }, orderBy: { id: 'asc' }, take: 100 });
    yield { name: 'series.json', about: 'The series that you began.', rows: paged(series) };
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const gone = await db.series.findMany({ where: { ownerId: userId }, select: { id: true }, orderBy: { id: 'asc' }, take: BATCH });
    const ids = gone.map(({ id }) => id);
    await db.post.updateMany({ where: { seriesId: { in: ids } }, data: { seriesId: null, seriesPlace: null } });
    await db.series.deleteMany({ where: { id: { in: ids } } });
    if (ids.length > 0) invalidate(db, ['series', ...ids.map((id) => `series:${id}`)]);
    return gone.length === BATCH ? 'more' : undefined;
  }
}
