import { createHash, randomUUIDv7 } from 'node:crypto';
import { audited } from '#audit';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import type { FileProblem } from './front-matter.rules.js';

export type PostImport = Prisma.PostImportGetPayload<object>;
export type PostImportProblem = Prisma.PostImportProblemGetPayload<object>;

export const auditedImport = audited('import', {
  authorId: 'plain',
  name: 'personal',
  status: 'plain',
  dryRun: 'plain',
  publish: 'plain',
  overwrite: 'plain',
  created: 'plain',
  updated: 'plain',
  unchanged: 'plain',
  failed: 'plain',
});

/** What became of a file. */
export type Outcome = 'created' | 'updated' | 'unchanged' | 'failed';

/** A problem with its file, or a note. */
export type Reported = { file: string; note?: boolean; count?: number } & FileProblem;

/** How many problems of an import are kept: enough to see what is wrong with all of them. */
export const MOST_PROBLEMS = 1_000;
/** How many different notes of an import are kept. */
export const MOST_NOTES = 200;

/** What is known of a post that a file may be. */
export interface Known {
  postId: string;
  trashed: boolean;
  /** Of the file as it was imported; null for a post that was not. */
  digest: Buffer | null;
  written: Buffer | null;
  published: boolean;
}

/** One after the other: until the transaction ends, nobody else imports for this person. */
export async function lockImports(db: Tx, userId: string): Promise<void> {
  await rows(db, Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended(${`posts.imports ${userId}`}, 0))`);
}

/** Takes the next file, which must be the one with this number; no other run can take it once this commits, nor while it has not. */
export async function takeFile(db: Tx, id: string, number: number): Promise<boolean> {
  const taken = await execute(
    db,
    Prisma.sql`UPDATE post_imports SET done = done + 1 WHERE id = ${id}::uuid AND status = 'running' AND done = ${number}`,
  );
  return taken === 1;
}

export async function countFile(db: Tx, id: string, outcome: Outcome): Promise<void> {
  const column = Prisma.raw(outcome);
  await execute(db, Prisma.sql`UPDATE post_imports SET ${column} = ${column} + 1 WHERE id = ${id}::uuid`);
}

/** Keeps what is to be said: problems as far as there is room, and notes once, with the number of files they are true of. */
export async function report(db: Tx, importId: string, said: readonly Reported[]): Promise<void> {
  for (const { file, line, code, detail, note = false, count = 1 } of said) {
    const same = Prisma.sql`import_id = ${importId}::uuid AND note`;
    if (note) {
      const counted = await execute(
        db,
        Prisma.sql`UPDATE post_import_problems SET count = count + ${count} WHERE ${same} AND code = ${code} AND detail = ${detail}`,
      );
      if (counted > 0) continue;
    }
    await execute(
      db,
      Prisma.sql`INSERT INTO post_import_problems (id, import_id, file, line, code, detail, note, count)
        SELECT ${randomUUIDv7()}::uuid, ${importId}::uuid, ${file}, ${line}, ${code}, ${detail}, ${note}, ${count}
        WHERE (SELECT count(*) FROM post_import_problems WHERE import_id = ${importId}::uuid AND note = ${note}) < ${note ? MOST_NOTES : MOST_PROBLEMS}`,
    );
  }
}

/**
 * The post that a file is: by its own ids, by the path it was imported from, or moved, by its content. It is one of the author's; the `id` of an
 * export leads whoever may change everybody's posts to anybody's, so that their export comes back as it went.
 */
export async function findKnown(
  db: Tx,
  authorId: string,
  { externalId, id, path, digest }: { externalId: string | null; id: string | null; path: string; digest: Buffer },
  ofAnybody: boolean,
): Promise<Known | null> {
  const [known] = await rows<Known>(
    db,
    Prisma.sql`SELECT p.id AS "postId", p.trashed_at IS NOT NULL AS trashed, s.digest, s.written, coalesce(s.published, false) AS published
      FROM (
        SELECT id, 1 AS rank FROM posts WHERE external_id = ${externalId} AND author_id = ${authorId}::uuid
        UNION ALL SELECT id, 2 FROM posts WHERE id = ${id}::uuid AND (author_id = ${authorId}::uuid OR ${ofAnybody})
        UNION ALL SELECT post_id, 3 FROM post_sources WHERE author_id = ${authorId}::uuid AND path = ${path}
        UNION ALL (SELECT post_id AS id, 4 AS rank FROM post_sources WHERE author_id = ${authorId}::uuid AND digest = ${digest} LIMIT 1)
      ) AS found (id, rank)
      JOIN posts p ON p.id = found.id LEFT JOIN post_sources s ON s.post_id = p.id
      ORDER BY rank LIMIT 1`,
  );
  return known ?? null;
}

/** Remembers which file a post is. Another post that was this path before is not any more. */
export async function keepSource(
  db: Tx,
  source: { postId: string; authorId: string; path: string; digest: Buffer; written: Buffer; published: boolean },
): Promise<void> {
  const { postId, authorId, path, digest, written, published } = source;
  await execute(
    db,
    Prisma.sql`DELETE FROM post_sources WHERE author_id = ${authorId}::uuid AND path = ${path} AND post_id <> ${postId}::uuid`,
  );
  await execute(
    db,
    Prisma.sql`INSERT INTO post_sources (post_id, author_id, path, digest, written, published)
      VALUES (${postId}::uuid, ${authorId}::uuid, ${path}, ${digest}, ${written}, ${published})
      ON CONFLICT (post_id) DO UPDATE SET path = excluded.path, digest = excluded.digest, written = excluded.written,
        published = excluded.published, updated_at = now()`,
  );
}

/** Whether the file of this path is this very one already, so that nothing of it need be looked at. */
export async function isSame(db: Db, authorId: string, path: string, digest: Buffer): Promise<boolean> {
  const found = await rows(
    db,
    Prisma.sql`SELECT FROM post_sources WHERE author_id = ${authorId}::uuid AND path = ${path} AND digest = ${digest}`,
  );
  return found.length > 0;
}

/** A post that is older than its row: as its file says. */
export async function datePost(db: Tx, id: string, { date, updatedAt }: { date: Date | null; updatedAt: Date | null }): Promise<void> {
  if (date === null && updatedAt === null) return;
  await execute(
    db,
    Prisma.sql`UPDATE posts SET created_at = least(created_at, said.at),
        updated_at = greatest(least(now(), coalesce(said.updated_at, said.at)), least(created_at, said.at))
      FROM (SELECT ${date}::timestamptz(3) AS at, ${updatedAt}::timestamptz(3) AS updated_at) AS said WHERE id = ${id}::uuid`,
  );
}

export async function slugIsTaken(db: Tx, slug: string, except: string | null): Promise<boolean> {
  return (await rows(db, Prisma.sql`SELECT FROM posts WHERE slug = ${slug} AND id IS DISTINCT FROM ${except}::uuid`)).length > 0;
}

export const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
