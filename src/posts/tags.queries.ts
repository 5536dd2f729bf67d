import { audited } from '#audit';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import { parseSort, type Position } from '#http';
import type { ListTagsQuery } from './tags.dto.js';
import { normaliseTags } from './tags.rules.js';

export interface TagCount {
  /** Its name: what a cursor calls an id. */
  id: string;
  name: string;
  posts: number;
}

export interface Merged {
  into: string;
  changed: number;
  goesOn: boolean;
}

export const auditedMerger = audited('tag-merger', { tag: 'personal', into: 'personal', changed: 'plain', goesOn: 'plain' });

/**
 * A page of the tags of published posts, and one row more. The table counts posts that are out, will be or were, whoever writes them; those
 * that are not out yet, or have ended, are few, and are taken off here, so that no clock has to.
 */
export function listTags(db: Db, query: ListTagsQuery, position: Position | null): Promise<TagCount[]> {
  const { field, descending } = parseSort(query.sort);
  const [beyond, direction] = descending ? [Prisma.sql`<`, Prisma.sql`DESC`] : [Prisma.sql`>`, Prisma.sql`ASC`];
  const begins = query.q === undefined ? Prisma.empty : Prisma.sql`WHERE t.name ^@ ${normaliseTags([query.q])[0]}`;
  const byName = Prisma.sql`ORDER BY name ${direction}`;
  const [after, order] =
    field === 'name'
      ? [position ? Prisma.sql`AND name ${beyond} ${position.id}` : Prisma.empty, byName]
      : [
          position ? Prisma.sql`AND (posts, name) ${beyond} (${position.value}::int, ${position.id})` : Prisma.empty,
          Prisma.sql`ORDER BY posts ${direction}, name ${direction}`,
        ];
  return rows(
    db,
    Prisma.sql`WITH hidden AS (
        SELECT tag, count(*)::int AS posts FROM posts, unnest(tags) AS tag 
        WHERE (published_at > now() OR expires_at <= now()) AND trashed_at IS NULL GROUP BY tag
      )
      SELECT name AS id, name, posts FROM (
        SELECT t.name, t.posts - coalesce(hidden.posts, 0) AS posts FROM tags t LEFT JOIN hidden ON hidden.tag COLLATE "C" = t.name ${begins}
      ) counted WHERE posts > 0 ${after} ${order} LIMIT ${query.limit + 1}`,
  );
}

export interface Bearer {
  id: string;
  authorId: string;
  /** Whether strangers may know it. */
  isKnown: boolean;
}

/** At most so many posts that bear a tag, whatever their state, kept as they are until the transaction ends. */
export function lockBearers(db: Tx, tag: string, limit: number): Promise<Bearer[]> {
  return rows(
    db,
    Prisma.sql`WITH bearers AS (
        SELECT id, author_id, published_at, tags FROM posts WHERE id IN (
          SELECT post_id FROM post_tags WHERE tag = ${tag}
          UNION ALL SELECT id FROM posts WHERE trashed_at IS NOT NULL AND tags @> ARRAY[${tag}] LIMIT ${limit}
        ) ORDER BY id FOR UPDATE
      )
      SELECT id, author_id AS "authorId", published_at IS NOT NULL AS "isKnown" FROM bearers WHERE tags @> ARRAY[${tag}]`,
  );
}

/** Gives these posts another tag in its place, or none where they bear that already. */
export async function replaceTag(db: Tx, ids: readonly string[], from: string, into: string): Promise<void> {
  await execute(
    db,
    Prisma.sql`UPDATE posts SET version = version + 1, updated_at = now(),
        tags = CASE WHEN tags @> ARRAY[${into}] THEN array_remove(tags, ${from}) ELSE array_replace(tags, ${from}, ${into}) END
      WHERE id = ANY (${[...ids]}::uuid[])`,
  );
}
