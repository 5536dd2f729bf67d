import { audited } from '#audit';
import { type Db, execute, Prisma, rows, type Tx } from '#database';

/** A file with the variants that are ready. */
export type File = Prisma.FileGetPayload<{ include: { made: true } }>;

/** A file that is about to be. */
export interface NewFile {
  id: string;
  ownerId: string;
  name: string;
  contentType: string;
  size: number;
  sha256: Buffer;
  width: number | null;
  height: number | null;
  variants: 'none' | 'pending';
}

export const auditedFile = audited('file', {
  name: 'personal',
  contentType: 'plain',
  size: 'plain',
  sha256: 'personal',
  isPublic: 'plain',
});

/** What of a file the audit log is told. */
export function facts(file: Pick<NewFile, 'name' | 'contentType'> & { size: number | bigint; sha256: Uint8Array }): object {
  const { name, contentType, size, sha256 } = file;
  return { name, contentType, size: Number(size), sha256: Buffer.from(sha256).toString('hex') };
}

export function findFile(db: Db, where: Prisma.FileWhereInput): Promise<File | null> {
  return db.file.findFirst({ where, include: { made: true } });
}

/** Whether it was written: not for an owner who was erased meanwhile. */
export async function insertFile(db: Tx, file: NewFile): Promise<boolean> {
  const written = await execute(
    db,
    Prisma.sql`INSERT INTO files (id, owner_id, name, content_type, size, sha256, width, height, variants)
      SELECT ${file.id}::uuid, id, ${file.name}, ${file.contentType}, ${file.size}, ${file.sha256}, ${file.width}, ${file.height},
        ${file.variants}::file_variants_status FROM users WHERE id = ${file.ownerId}::uuid AND erased_at IS NULL`,
  );
  return written === 1;
}

/** What somebody's files, and the uploads that were promised to them, come to; `except` is an upload that is about to be a file. */
export async function bytesOf(db: Db, ownerId: string, except: string | null = null): Promise<number> {
  const [sum] = await rows<{ bytes: bigint }>(
    db,
    Prisma.sql`SELECT ((SELECT coalesce(sum(size), 0) FROM files WHERE owner_id = ${ownerId}::uuid)
      + (SELECT coalesce(sum(size), 0) FROM file_uploads WHERE owner_id = ${ownerId}::uuid AND expires_at > now()
          AND id IS DISTINCT FROM ${except}::uuid))::bigint AS bytes`,
  );
  return Number(sum!.bytes);
}

/** One after the other: until the transaction ends, nobody else adds to this person's files. */
export async function lockQuota(db: Tx, ownerId: string): Promise<void> {
  await rows(db, Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`files.quota ${ownerId}`}, 0))`);
}

/** The keys that ought to lie in the storage for the ids behind `after`, up to `until`; `since` tells those written before it apart. */
export function keysBetween(db: Db, after: string, until: string): Promise<{ key: string; createdAt: Date | null }[]> {
  return rows(
    db,
    Prisma.sql`SELECT id::text AS key, created_at AS "createdAt" FROM files WHERE id > ${after}::uuid AND id <= ${until}::uuid
      UNION ALL SELECT file_id || '.' || name, NULL FROM file_variants WHERE file_id > ${after}::uuid AND file_id <= ${until}::uuid
      UNION ALL SELECT id::text, NULL FROM file_uploads WHERE id > ${after}::uuid AND id <= ${until}::uuid`,
  );
}
