import { audited } from '#audit';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import { keysetSql, parseSort, type Position } from '#http';
import type { ListCategoriesQuery } from './categories.dto.js';

export interface Category {
  id: string;
  slug: string;
  name: string;
  parentId: string | null;
  /** From the top down to the category itself. */
  path: { id: string; slug: string; name: string }[];
  position: number;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

export const auditedCategory = audited('category', { slug: 'plain', name: 'plain', parentId: 'plain', position: 'plain' });

const CATEGORY = Prisma.sql`c.id, c.slug, c.name, c.parent_id AS "parentId", c.position, c.version, c.created_at AS "createdAt", c.updated_at AS "updatedAt",
  (WITH RECURSIVE up AS (
      SELECT c.id, c.slug, c.name, c.parent_id, 1 AS n
      UNION ALL SELECT a.id, a.slug, a.name, a.parent_id, up.n + 1 FROM up JOIN categories a ON a.id = up.parent_id
    ) SELECT json_agg(json_build_object('id', id, 'slug', slug, 'name', name) ORDER BY n DESC) FROM up) AS path`;

/** The slugs of the category with this one and of all below it, as a table `within (slug)`. */
export const slugsWithin = (slug: string): Prisma.Sql => Prisma.sql`(WITH RECURSIVE down AS (
    SELECT id, slug FROM categories WHERE slug = ${slug}
    UNION ALL SELECT c.id, c.slug FROM down JOIN categories c ON c.parent_id = down.id
  ) SELECT slug FROM down) AS within`;

/** A page of categories, with one row more than asked for. */
export function listCategories(db: Db, query: ListCategoriesQuery, position: Position | null): Promise<Category[]> {
  const sort = parseSort(query.sort);
  const column = sort.field === 'name' ? Prisma.sql`c.name` : Prisma.sql`c.position`;
  const { after, order } = keysetSql(column, Prisma.sql`c.id`, sort, position);
  const below = query.parent === undefined ? Prisma.sql`true` : Prisma.sql`c.parent_id = ${query.parent}::uuid`;
  return rows(db, Prisma.sql`SELECT ${CATEGORY} FROM categories c WHERE ${below} ${after} ${order} LIMIT ${query.limit + 1}`);
}

export async function findCategory(db: Db, by: { id: string } | { slug: string }): Promise<Category | null> {
  const key = 'id' in by ? Prisma.sql`c.id = ${by.id}::uuid` : Prisma.sql`c.slug = ${by.slug}`;
  const [category] = await rows<Category>(db, Prisma.sql`SELECT ${CATEGORY} FROM categories c WHERE ${key}`);
  return category ?? null;
}

/** Locks it against changes, not against being named: whoever puts something below it only has to wait for the tree. */
export async function lockCategory(db: Tx, id: string): Promise<void> {
  await rows(db, Prisma.sql`SELECT id FROM categories WHERE id = ${id}::uuid FOR NO KEY UPDATE`);
}

export async function insertCategory(
  db: Tx,
  { id, slug, name, parentId, position }: Pick<Category, 'id' | 'slug' | 'name' | 'parentId' | 'position'>,
): Promise<void> {
  await execute(
    db,
    Prisma.sql`INSERT INTO categories (id, slug, name, parent_id, position) VALUES (${id}::uuid, ${slug}, ${name}, ${parentId}::uuid, ${position})`,
  );
}

export async function updateCategory(db: Tx, { id, name, parentId, position }: Category): Promise<void> {
  await execute(
    db,
    Prisma.sql`UPDATE categories SET name = ${name}, parent_id = ${parentId}::uuid, position = ${position}, version = version + 1, updated_at = now()
      WHERE id = ${id}::uuid`,
  );
}

/** Deletes it; the foreign keys of what lies in it refuse. What is withdrawn is found nowhere any more. */
export async function deleteCategory(db: Tx, { id, slug }: Category): Promise<void> {
  await execute(db, Prisma.sql`UPDATE products SET category = NULL WHERE category = ${slug} AND withdrawn_at IS NOT NULL`);
  await execute(db, Prisma.sql`DELETE FROM categories WHERE id = ${id}::uuid`);
}
