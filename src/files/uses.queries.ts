import { execute, Prisma, rows, type Tx } from '#database';

/** What shows a file. */
export interface FileUser {
  type: string;
  id: string;
}

/** A file as far as those who would show it must know it. */
export interface LockedFile {
  id: string;
  ownerId: string;
  contentType: string;
}

/** Those of these files that are there, in the order of their ids, kept so until the transaction ends. */
export function lockFiles(db: Tx, ids: readonly string[]): Promise<LockedFile[]> {
  return rows(
    db,
    Prisma.sql`SELECT id, owner_id AS "ownerId", content_type AS "contentType" FROM files WHERE id = ANY(${ids}::uuid[]) ORDER BY id FOR UPDATE`,
  );
}

/** What something shows now. */
export async function usedFiles(db: Tx, { type, id }: FileUser): Promise<string[]> {
  const uses = await rows<{ id: string }>(
    db,
    Prisma.sql`SELECT file_id AS id FROM file_uses WHERE resource_type = ${type} AND resource_id = ${id}`,
  );
  return uses.map(({ id: file }) => file);
}

export async function useFiles(db: Tx, { type, id }: FileUser, ids: readonly string[], isPublic: boolean): Promise<void> {
  await execute(
    db,
    Prisma.sql`INSERT INTO file_uses (file_id, resource_type, resource_id, is_public)
      SELECT id, ${type}, ${id}, ${isPublic} FROM files WHERE id = ANY(${ids}::uuid[])
      ON CONFLICT (file_id, resource_type, resource_id) DO UPDATE SET is_public = EXCLUDED.is_public`,
  );
}

/** Takes all files but these out of things of a kind; returns which. */
export async function disuseFiles(db: Tx, type: string, users: readonly string[], but: readonly string[] = []): Promise<string[]> {
  const gone = await rows<{ id: string }>(
    db,
    Prisma.sql`DELETE FROM file_uses WHERE resource_type = ${type} AND resource_id = ANY(${users}::text[]) AND file_id <> ALL(${but}::uuid[])
      RETURNING file_id AS id`,
  );
  return gone.map(({ id }) => id);
}

/** Files are public as long as something shows them to everybody; returns those of these that have become public, or private. */
export async function settleFiles(db: Tx, ids: readonly string[]): Promise<{ id: string; ownerId: string; isPublic: boolean }[]> {
  if (ids.length === 0) return [];
  await lockFiles(db, ids);
  return rows(
    db,
    Prisma.sql`UPDATE files SET is_public = NOT is_public
      WHERE id = ANY(${ids}::uuid[]) AND is_public <> EXISTS (SELECT FROM file_uses WHERE file_id = files.id AND file_uses.is_public)
      RETURNING id, owner_id AS "ownerId", is_public AS "isPublic"`,
  );
}
