import { IfPresent, ListQuery, type Page } from '#http';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn } from 'class-validator';
import type { ProductImport, ProductImportProblem } from './variant-imports.queries.js';

const FLAGS: Record<string, boolean> = { true: true, false: false };

export class ImportVariantsQuery {
  /** Only says what would come of it. */
  @ApiProperty({ required: false, type: 'boolean', default: false, description: 'Only says what would come of it.' })
  @IfPresent()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? (FLAGS[value] ?? value) : value))
  @IsBoolean()
  dryRun: boolean = false;
}

export class ListProductImportsQuery extends ListQuery {
  @IfPresent()
  @IsIn(['-createdAt', 'createdAt'])
  sort: '-createdAt' | 'createdAt' = '-createdAt';
}

export class ListProductImportProblemsQuery extends ListQuery {}

export class ProductImportProgressResponse {
  /** How many lines were dealt with. @example 1200 */
  done: number;
  /** How many there are; null until they are counted. @example 50000 */
  of: number | null;
}

export class ProductImportResponse {
  id: string;
  /** What was sent is called. @example "variants.csv" */
  name: string;
  status: 'pending' | 'running' | 'done' | 'failed' | 'cancelled';
  dryRun: boolean;
  progress: ProductImportProgressResponse;
  /** Variants that were made; of a dry run, that would be. @example 10 */
  created: number;
  /** Lines by which a variant, or its product, was changed. @example 1 */
  updated: number;
  /** Lines that say what is so already. @example 0 */
  unchanged: number;
  /** Lines that were not taken; `problems` below it says why. @example 1 */
  failed: number;
  createdAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;

  static from(this: void, row: ProductImport): ProductImportResponse {
    return {
      id: row.id,
      name: row.name,
      status: row.status,
      dryRun: row.dryRun,
      progress: { done: row.done, of: row.of },
      created: row.created,
      updated: row.updated,
      unchanged: row.unchanged,
      failed: row.failed,
      createdAt: row.createdAt,
      startedAt: row.startedAt,
      completedAt: row.completedAt,
    };
  }
}

export class ProductImportList implements Page<ProductImportResponse> {
  items: ProductImportResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}

export class ProductImportProblemResponse {
  id: string;
  /** Where the line begins in the file, from 1; null when it is about the whole of it. @example 7 */
  line: number | null;
  /** @example "price_amount" */
  column: string | null;
  /** @example "invalid" */
  code: string;
  /** @example "price_amount must be a whole number" */
  detail: string;

  static from(this: void, { id, line, column, code, detail }: ProductImportProblem): ProductImportProblemResponse {
    return { id, line: line === 0 ? null : line, column, code, detail };
  }
}

export class ProductImportProblemList implements Page<ProductImportProblemResponse> {
  items: ProductImportProblemResponse[];
  /** Give it as `cursor` to get the next page; null on the last one. */
  nextCursor: string | null;
}
