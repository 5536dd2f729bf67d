import { Injectable } from '@nestjs/common';
import { type Db, execute, Prisma, type Tx } from '#database';
import { enqueue } from '#jobs';
import { type ExportedFile, paged, PersonalData } from '#privacy';
import { importPosts } from './imports.jobs.js';

const BATCH = 100;

/** What somebody has imported: what became of it, and where posts came from. The posts themselves are another's answer. */
@Injectable()
export class ImportsPrivacy extends PersonalData {
  readonly name = 'post-imports';
  readonly tables = ['post_imports', 'post_import_problems', 'post_sources'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const imports = (last?: { id: string }) =>
      db.postImport.findMany({
        where: { ownerId: userId, ...(last && { id: { gt: last.id } }) },
        include: { problems: true },
        orderBy: { id: 'asc' },
        take: 20,
      });
    yield {
      name: 'post-imports.json',
      about: 'Imports of posts that you asked for, and what became of their files.',
      rows: paged(imports),
    };
    const sources = (last?: { postId: string }) =>
      db.postSource.findMany({
        where: { authorId: userId, ...(last && { postId: { gt: last.postId } }) },
        select: { postId: true, path: true, updatedAt: true },
        orderBy: { postId: 'asc' },
        take: 500,
      });
    yield { name: 'post-sources.json', about: 'The files that posts of yours were imported from.', rows: paged(sources) };
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const of = { OR: [{ ownerId: userId }, { authorId: userId }] };
    const imports = await db.postImport.findMany({ where: of, select: { id: true }, orderBy: { id: 'asc' }, take: BATCH });
    await db.postImport.deleteMany({ where: { id: { in: imports.map(({ id }) => id) } } });
    // The job of an import that is gone removes its archive, and nothing else.
    for (const { id } of imports) await enqueue(db, importPosts, { importId: id }, { key: id });
    const gone = await execute(
      db,
      Prisma.sql`DELETE FROM post_sources WHERE post_id IN (SELECT post_id FROM post_sources WHERE author_id = ${userId}::uuid ORDER BY post_id LIMIT ${BATCH})`,
    );
    return imports.length === BATCH || gone === BATCH ? 'more' : undefined;
  }
}
