import { Injectable } from '@nestjs/common';
import { invalidate } from '#cache';
import { type Db, type Tx } from '#database';
import { enqueue } from '#jobs';
import { type ExportedFile, paged, PersonalData } from '#privacy';
import { BytesNotFound, Storage } from '#storage';
import { REMOVED_AT_ONCE, removeBytes } from './files.jobs.js';
import { downloadName, keyOf } from './files.rules.js';

/** What a person has uploaded. It goes with them, bytes and all; the bytes by a job, after the commit. */
@Injectable()
export class FilesPrivacy extends PersonalData {
  readonly name = 'files';
  readonly tables = ['files', 'file_variants', 'file_uses', 'file_uploads'];

  constructor(private readonly storage: Storage) {
    super();
  }

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    yield {
      name: 'files.json',
      about: 'The files that you uploaded; their content is beside this, under their ids.',
      rows: described(this.files(userId, db)),
    };
    const uploads = (last?: { id: string }) =>
      db.fileUpload.findMany({ where: { ownerId: userId, ...(last && { id: { gt: last.id } }) }, orderBy: { id: 'asc' }, take: 100 });
    yield { name: 'file-uploads.json', about: 'Uploads that you have begun and not completed.', rows: described(paged(uploads)) };
    for await (const { id, name, contentType } of this.files(userId, db)) {
      const bytes = await this.storage.get(keyOf(id)).catch((error: unknown) => {
        if (error instanceof BytesNotFound) return null; // deleted meanwhile; the rest is owed all the same
        throw error;
      });
      if (bytes !== null)
        yield { name: `files/${id}${extensionOf(downloadName(name, contentType))}`, about: `Your file "${name}".`, bytes };
    }
  }

  async erase(userId: string, db: Tx): Promise<'more' | void> {
    const of = { where: { ownerId: userId }, select: { id: true }, orderBy: { id: 'asc' }, take: REMOVED_AT_ONCE } as const;
    const [files, uploads] = [await db.file.findMany(of), await db.fileUpload.findMany(of)];
    for (const ids of [files, uploads].map((found) => found.map(({ id }) => id)).filter(({ length }) => length > 0))
      await enqueue(db, removeBytes, { fileIds: ids });
    await db.file.deleteMany({ where: { id: { in: files.map(({ id }) => id) } } });
    // What others have shown of them is gone, too.
    invalidate(
      db,
      files.map(({ id }) => `file:${id}`),
    );
    await db.fileUpload.deleteMany({ where: { id: { in: uploads.map(({ id }) => id) } } });
    return files.length === REMOVED_AT_ONCE || uploads.length === REMOVED_AT_ONCE ? 'more' : undefined;
  }

  private files(userId: string, db: Db) {
    return paged((last?: { id: string }) =>
      db.file.findMany({ where: { ownerId: userId, ...(last && { id: { gt: last.id } }) }, orderBy: { id: 'asc' }, take: 100 }),
    );
  }
}

async function* described<Row extends { size: bigint; sha256: Uint8Array }>(rows: AsyncIterable<Row>): AsyncGenerator<object> {
  for await (const row of rows) yield { ...row, size: Number(row.size), sha256: Buffer.from(row.sha256).toString('hex') };
}

/** Of the name that people see only what no archive can stumble over. */
function extensionOf(name: string): string {
  return /\.[a-z0-9]{1,10}$/i.exec(name)?.[0].toLowerCase() ?? '';
}
