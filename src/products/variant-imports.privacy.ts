import { Injectable } from '@nestjs/common';
import type { Db, Tx } from '#database';
import { enqueue } from '#jobs';
import { type ExportedFile, paged, PersonalData } from '#privacy';
import { importVariants } from './variant-imports.jobs.js';

const BATCH = 20;

/** What somebody has imported, and what became of it. */
@Injectable()
export class VariantImportsPrivacy extends PersonalData {
  readonly name = 'product-imports';
  readonly tables = ['product_imports', 'product_import_problems'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const imports = (last?: { id: string }) =>
      db.productImport.findMany({
        where: { ownerId: userId, ...(last && { id: { gt: last.id } }) },
        include: { problems: true },
        orderBy: { id: 'asc' },
        take: BATCH,
      });
    yield {
      name: 'product-imports.json',
      about: 'Imports of variants that you asked for, and what became of their lines.',
      rows: paged(imports),
    };
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const imports = await db.productImport.findMany({
      where: { ownerId: userId },
      select: { id: true },
      orderBy: { id: 'asc' },
      take: BATCH,
    });
    await db.productImport.deleteMany({ where: { id: { in: imports.map(({ id }) => id) } } });
    // The job of an import that is gone removes its file, and nothing else.
    for (const { id } of imports) await enqueue(db, importVariants, { importId: id }, { key: id });
    return imports.length === BATCH ? 'more' : undefined;
  }
}
