import { randomUUIDv7 } from 'node:crypto';
import { audited } from '#audit';
import { type Db, execute, Prisma, rows, type Tx } from '#database';
import { keysetSql, type Position } from '#http';
import { AVAILABLE_FROM, productIn, type Product } from './products.queries.js';
import type { LineProblem } from './variant-imports.rules.js';

export type ProductImport = Prisma.ProductImportGetPayload<object>;
export type ProductImportProblem = Prisma.ProductImportProblemGetPayload<object>;

export const auditedProductImport = audited('product-import', {
  name: 'personal',
  status: 'plain',
  dryRun: 'plain',
  created: 'plain',
  updated: 'plain',
  unchanged: 'plain',
  failed: 'plain',
});

/** What became of lines. */
export type Outcome = 'created' | 'updated' | 'unchanged' | 'failed';
export type Counts = Record<Outcome, number>;

/** How many problems of an import are kept: enough to see what is wrong with all of them. */
export const MOST_PROBLEMS = 10_000;

/** One after the other: until the transaction ends, nobody else asks for an import. */
export async function lockImports(db: Tx): Promise<void> {
  await rows(db, Prisma.sql`SELECT pg_advisory_xact_lock(hashtextextended('products.imports', 0))`);
}

/** Takes the next lines, of which so many were before; no other run can take them once this commits, nor while it has not. */
export async function takeLines(db: Tx, id: string, before: number, count: number): Promise<boolean> {
  const taken = await execute(
    db,
    Prisma.sql`UPDATE product_imports SET done = done + ${count} WHERE id = ${id}::uuid AND status = 'running' AND done = ${before}`,
  );
  return taken === 1;
}

/** Counts lines that were taken, and keeps what is to be said of them as far as there is room. */
export async function countLines(db: Tx, id: string, counts: Counts, problems: readonly LineProblem[]): Promise<void> {
  const { created, updated, unchanged, failed } = counts;
  await execute(
    db,
    Prisma.sql`UPDATE product_imports SET created = created + ${created}, updated = updated + ${updated}, unchanged = unchanged + ${unchanged},
      failed = failed + ${failed} WHERE id = ${id}::uuid`,
  );
  if (problems.length === 0) return;
  const room = MOST_PROBLEMS - (await db.productImportProblem.count({ where: { importId: id } }));
  const kept = problems.slice(0, Math.max(0, room));
  if (kept.length > 0)
    await db.productImportProblem.createMany({ data: kept.map((problem) => ({ ...problem, id: randomUUIDv7(), importId: id })) });
}

export function listProblems(db: Db, importId: string, limit: number, position: Position | null): Promise<ProductImportProblem[]> {
  const sort = { field: 'line', descending: false };
  const { after, order } = keysetSql(Prisma.sql`line`, Prisma.sql`id`, sort, position);
  return rows(
    db,
    Prisma.sql`SELECT id, import_id AS "importId", line, "column", code, detail FROM product_import_problems
      WHERE import_id = ${importId}::uuid ${after} ${order} LIMIT ${limit + 1}`,
  );
}

/** A variant that lines name, which may be withdrawn. */
export interface KnownVariant {
  id: string;
  productId: string;
  sku: string;
  isWithdrawn: boolean;
}

/** Those of these SKUs that there are. */
export function findVariants(db: Tx, skus: readonly string[]): Promise<KnownVariant[]> {
  return rows(
    db,
    Prisma.sql`SELECT v.id, v.product_id AS "productId", v.sku, v.withdrawn_at IS NOT NULL OR p.withdrawn_at IS NOT NULL AS "isWithdrawn"
      FROM variants v JOIN products p ON p.id = v.product_id WHERE v.sku = ANY (${skus}::text[])`,
  );
}

/** The products with these ids or slugs that are not withdrawn, kept as they are until the transaction ends, in the order of their ids. */
export async function lockProducts(db: Tx, ids: readonly string[], slugs: readonly string[]): Promise<Product[]> {
  const locked = await rows<{ id: string }>(
    db,
    Prisma.sql`SELECT id FROM products WHERE (id = ANY (${ids}::uuid[]) OR slug = ANY (${slugs}::text[])) AND withdrawn_at IS NULL ORDER BY id FOR UPDATE`,
  );
  return rows(db, Prisma.sql`SELECT ${productIn(undefined)} FROM products p WHERE p.id = ANY (${locked.map(({ id }) => id)}::uuid[])`);
}

/** Locks the variants that are about to be changed, in the order that all take them in. */
export async function lockVariants(db: Tx, ids: readonly string[]): Promise<void> {
  await rows(db, Prisma.sql`SELECT id FROM variants WHERE id = ANY (${ids}::uuid[]) ORDER BY id FOR UPDATE`);
}

/** A variant with its product, as a line of a file. */
export interface ExportedVariant {
  id: string;
  productId: string;
  slug: string;
  productName: string;
  description: string;
  status: string;
  category: string | null;
  taxClass: string;
  productExternalId: string | null;
  productMetadata: Record<string, string>;
  /** The ids of its files, in the order in which they are shown. */
  images: string[];
  options: { name: string }[];
  sku: string;
  name: string;
  priceAmount: bigint;
  compareAt: bigint | null;
  currency: string;
  stock: number;
  backorder: string;
  availableFrom: string | null;
  externalId: string | null;
  metadata: Record<string, string>;
  optionValues: Record<string, string>;
}

/** So many variants behind `last`, product by product. */
export function exportVariants(db: Db, last: ExportedVariant | undefined, limit: number): Promise<ExportedVariant[]> {
  const after = last === undefined ? Prisma.empty : Prisma.sql`AND (v.product_id, v.id) > (${last.productId}::uuid, ${last.id}::uuid)`;
  return rows(
    db,
    Prisma.sql`SELECT v.id, v.product_id AS "productId", p.slug, p.name AS "productName", p.description, p.status::text AS status, p.category,
        p.tax_class AS "taxClass", p.external_id AS "productExternalId", p.metadata AS "productMetadata",
        coalesce((SELECT json_agg(i.file_id ORDER BY i.position) FROM product_images i WHERE i.product_id = p.id), '[]') AS images, p.options,
        v.sku, v.name, v.price_amount AS "priceAmount", v.compare_at AS "compareAt", v.currency, v.stock, v.backorder::text AS backorder,
        ${AVAILABLE_FROM} AS "availableFrom", v.external_id AS "externalId", v.metadata, v.option_values AS "optionValues"
      FROM variants v JOIN products p ON p.id = v.product_id WHERE v.withdrawn_at IS NULL AND p.withdrawn_at IS NULL ${after}
      ORDER BY v.product_id, v.id LIMIT ${limit}`,
  );
}
