import { Injectable } from '@nestjs/common';
import { execute, Prisma, type Db, type Tx } from '#database';
import { type ExportedFile, few, PersonalData } from './personal-data.js';

/** What privacy itself holds: the exports a person has asked for. An archive is not put into the next one. */
@Injectable()
export class ExportsPrivacy extends PersonalData {
  readonly name = 'exports';
  readonly tables = ['personal_exports', 'personal_export_chunks', 'erasures'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const rows = db.personalExport.findMany({ where: { userId }, omit: { attempt: true, sha256: true }, orderBy: { id: 'asc' } });
    yield { name: 'exports.json', about: 'The copies of your data that you have asked for.', rows: few(rows) };
  }

  async erase(userId: string, db: Tx): Promise<void> {
    await execute(db, Prisma.sql`DELETE FROM personal_exports WHERE user_id = ${userId}::uuid`);
  }
}
